"""Keeps grants alive: refreshes each installation's token every so often, one replica at a time.

Calls refresh on demand anyway. The schedule is there so that a grant that was revoked in HubSpot is
noticed, and told to its owner, before the next user needs it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from hubspot_hitl.errors import AuthorizationLost, BadConfiguration, HitlError
from hubspot_hitl.hubspot.tokens import TokenSource
from hubspot_hitl.integration.connection import TokenState
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.connections import Connections
from hubspot_hitl.ports.lease import Leases
from hubspot_hitl.ports.store import Installations

log = structlog.get_logger(__name__)

EVERY_S: Final = 20 * 60.0
_JITTER: Final = 0.1
_LOOK_EVERY_S: Final = 60.0


class _Client(Protocol):
    @property
    def tokens(self) -> TokenSource: ...


class TokenPortals(Protocol):
    """One client with a token source per installation."""

    def of(self, installation: Installation) -> _Client:
        """The client that uses this installation's credentials."""
        ...


class TokenRefresher:
    """Refreshes tokens by schedule and on demand, and remembers how it went."""

    def __init__(
        self,
        portals: TokenPortals,
        installations: Installations,
        connections: Connections,
        leases: Leases,
        clock: Clock,
        *,
        every_s: float = EVERY_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._portals = portals
        self._installations = installations
        self._connections = connections
        self._leases = leases
        self._clock = clock
        self._every_s = every_s
        self._jitter = jitter

    async def refresh(self, installation: Installation) -> TokenState:
        """Refresh now and remember the outcome.

        Raises AuthorizationLost, which is remembered as the problem to tell the owner, or another
        VendorError, which passes and is not.
        """
        before = await self._connections.token_state(installation.id)
        now_ms = self._clock.now_ms()
        try:
            life_s = await self._portals.of(installation).tokens.refresh_now()
        except AuthorizationLost as error:
            lost = before.lost(error.code, now_ms)
            await self._connections.put_token_state(installation.id, lost)
            raise
        expires_ms = None if math.isinf(life_s) else now_ms + round(life_s * 1000)
        state = TokenState(refreshed_ms=now_ms, expires_ms=expires_ms)
        await self._connections.put_token_state(installation.id, state)
        return state

    async def run(self) -> None:
        """Refresh what is due, until cancelled. No failure ends it."""
        while True:
            await self._clock.sleep(_LOOK_EVERY_S * (1 - _JITTER + 2 * _JITTER * self._jitter()))
            try:
                await self.round()
            except HitlError as error:
                log.warning("token_refresh_round_failed", error_code=error.code)

    async def round(self) -> int:
        """Refresh every installation that no replica has refreshed lately; returns how many.

        The lease lasts until the next refresh is due and is not given back: it is the schedule.
        """
        done = 0
        for installation in await self._installations.all():
            if not installation.configuration.refresh_token.get_secret_value():
                continue
            spread_s = self._every_s * (1 - _JITTER + 2 * _JITTER * self._jitter())
            now_ms = self._clock.now_ms()
            due_ms = now_ms + round(spread_s * 1000)
            if not await self._leases.acquire(f"token:{installation.id}", now_ms, due_ms):
                continue
            try:
                await self.refresh(installation)
            except (AuthorizationLost, BadConfiguration) as error:
                log.error(
                    "portal_connection_lost",
                    installation=installation.id,
                    error_code=error.code,
                    cure="connect the portal again",
                )
            except HitlError as error:
                log.warning(
                    "token_refresh_failed", installation=installation.id, error_code=error.code
                )
            else:
                done += 1
        return done
