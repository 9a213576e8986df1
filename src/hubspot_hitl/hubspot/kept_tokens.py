"""Refresh tokens that HubSpot replaced, kept in the vault, and whether the grant is still good.

A kept token belongs to the configured one it replaced: when the owner configures another token, the
kept one no longer counts.
"""

from __future__ import annotations

import hashlib

import structlog

from hubspot_hitl.errors import AuthorizationLost
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.connections import TokenStates
from hubspot_hitl.ports.store import Installations, Vault
from hubspot_hitl.redaction import remember_secret

log = structlog.get_logger(__name__)


class VaultRefreshTokens:
    """`RefreshTokens` over the vault, the installations and what is known of their grants."""

    def __init__(
        self, vault: Vault, installations: Installations, states: TokenStates, clock: Clock
    ) -> None:
        self._vault = vault
        self._installations = installations
        self._states = states
        self._clock = clock

    async def load(self, installation: Installation) -> str | None:
        """The token that replaced the configured one, None when none did."""
        value = await self._vault.get(_scope(installation), _name(installation))
        if value is None:
            return None
        token = value.decode()
        remember_secret(token)
        return token

    async def keep(self, installation: Installation, refresh_token: str) -> None:
        """Store the token that replaces the configured one."""
        await self._vault.put(_scope(installation), _name(installation), refresh_token.encode())

    async def forget(self, installation: Installation) -> None:
        """Drop the token that replaced the configured one."""
        await self._vault.delete(_scope(installation), _name(installation))

    async def learn_portal(self, installation: Installation, portal_id: str) -> None:
        """Remember the portal that the installation's token belongs to."""
        if installation.portal_id != portal_id:
            await self._installations.set_portal(installation.id, portal_id)

    async def note_grant(self, installation: Installation, lost: AuthorizationLost | None) -> None:
        """Remember that the grant was lost, and why, or that it is good (None)."""
        before = await self._states.token_state(installation.id)
        if lost is None:
            if before.problem is not None:
                mended = before.model_copy(update={"problem": None, "problem_ms": None})
                await self._states.put_token_state(installation.id, mended)
                log.info("portal_connection_mended", installation=installation.id)
            return
        after = before.lost(lost.code, self._clock.now_ms())
        await self._states.put_token_state(installation.id, after)
        log.error(
            "portal_connection_lost",
            installation=installation.id,
            error_code=lost.code,
            cure="connect the portal again",
        )


def _name(installation: Installation) -> str:
    configured = installation.configuration.refresh_token.get_secret_value().strip()
    return f"hubspot-refresh-token:{hashlib.sha256(configured.encode()).hexdigest()[:16]}"


def _scope(installation: Installation) -> str:
    """The scope that removing the installation forgets, with everything in it."""
    return f"installation:{installation.id}"
