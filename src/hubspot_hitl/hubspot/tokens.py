"""The access token of one installation: fetched once, kept until shortly before its end.

All calls of an installation share one source. However many ask at once, one refresh is made; the
refresh token that comes back is handed to the keeper before anything else may rely on it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from hubspot_hitl.errors import AuthorizationLost, BadConfiguration, HitlError, VendorError
from hubspot_hitl.hubspot.oauth import AppCredentials, Grant, OAuth
from hubspot_hitl.ports.clock import Clock

log = structlog.get_logger(__name__)

STATIC_PREFIX: Final = "pat-"
EARLY_S: Final = 300.0
_RETRY_EARLY_S: Final = 15.0
_REMEMBER_LOSS_S: Final = 0.5
NEIGHBOUR_KEEPS_S: Final = 0.5
"""How long a replica may take from HubSpot's answer to the database."""
NOTE_AGAIN_S: Final = 15.0
"""How long a note of the grant that failed is left alone: calls must not wait for it each time."""

Load = Callable[[], Awaitable[str | None]]
Keep = Callable[[str], Awaitable[None]]
Tell = Callable[[AuthorizationLost | None], Awaitable[None]]


async def _nothing_kept() -> str | None:
    return None


async def _not_told(value: object) -> None:
    """For whoever does not want to know."""


class TokenSource:
    """Tokens from a refresh token, or a private-app token or service key used as it is.

    `load` returns the refresh token kept from an earlier run, if any; it goes before the configured
    one, because HubSpot may have replaced that. `keep` stores a refresh token that changed;
    `learn_portal` is told the portal of the token whenever it is new, `tell` when the grant is lost
    (why) and when it is good (None), each time that changes. What `tell` cannot note does not
    hinder a call: it is logged, and told again by a later one.
    """

    def __init__(
        self,
        oauth: OAuth,
        app: AppCredentials,
        refresh_token: str,
        clock: Clock,
        *,
        load: Load = _nothing_kept,
        keep: Keep = _not_told,
        learn_portal: Keep = _not_told,
        tell: Tell = _not_told,
    ) -> None:
        self._oauth = oauth
        self._app = app
        self._refresh_token = refresh_token.strip()
        self._clock = clock
        self._load = load
        self._keep = keep
        self._learn_portal = learn_portal
        self._tell_grant = tell
        self._good: bool | None = None
        self._proven = False
        self._note_at = -math.inf
        self._loaded = False
        self._unkept: str | None = None
        self._portal_id: str | None = None
        self._unlearned: str | None = None
        self._access_token: str | None = None
        self._taken_at: float | None = None
        self._ends_at = 0.0
        self._renew_at = 0.0
        self._running: asyncio.Task[str] | None = None
        self._lost: AuthorizationLost | None = None
        self._lost_until = 0.0

    @property
    def app(self) -> AppCredentials:
        """The app the tokens belong to."""
        return self._app

    @property
    def static(self) -> bool:
        """Whether the token is a private-app token or service key, which never changes."""
        return self._refresh_token.startswith(STATIC_PREFIX)

    async def token(self) -> str:
        """A token that is good for now.

        Near its end it is renewed; when that fails for a passing reason the old one still serves.
        Raises BadConfiguration without a refresh token, AuthorizationLost, or another VendorError.
        """
        if self._proven:
            await self._grant_is(None)
        if self.static:
            return self._printable()
        await self._tell()
        now = self._clock.monotonic()
        if self._access_token is not None and now < self._renew_at:
            return self._access_token
        try:
            return await self._refreshed()
        except VendorError as error:
            if not error.retryable or self._access_token is None or now >= self._ends_at:
                raise
            self._renew_at = now + _RETRY_EARLY_S
            log.warning("hubspot_token_refresh_postponed", error_code=error.code)
            return self._access_token

    async def refresh_now(self) -> float:
        """Refresh whatever is left of the token; returns the seconds that the new one lasts.

        Calls that run meanwhile go on with the old one. A private-app token or service key lasts
        for ever (infinity). Raises as `token` does.
        """
        if self.static:
            self._printable()
            self._good, self._proven = None, False  # only the next call can tell
            return math.inf
        self._lost = None
        await self._refreshed()
        return self._ends_at - self._clock.monotonic()

    @property
    def ends_in_s(self) -> float | None:
        """How long the access token in hand still lasts; None without one."""
        if self._access_token is None:
            return None
        return max(0.0, self._ends_at - self._clock.monotonic())

    @property
    def age_s(self) -> float | None:
        """How long ago the access token in hand was given; None without one that ends."""
        if self._access_token is None or self._taken_at is None:
            return None
        return max(0.0, self._clock.monotonic() - self._taken_at)

    @property
    def refresh_token(self) -> str:
        """The refresh token in force, once a token was asked for; never to be shown."""
        return self._refresh_token

    async def renew(self, stale: str) -> str:
        """Another token than `stale`, which HubSpot refused; one refresh serves all who ask."""
        if self.static:
            lost = AuthorizationLost(
                "HubSpot refuses the private-app token or service key; make a new one and put it"
                " into the configuration",
                vendor="hubspot",
                operation="oauth.renew",
                status=401,
            )
            await self._grant_is(lost)
            raise lost
        if self._access_token is not None and self._access_token != stale:
            return self._access_token
        self._access_token = None
        return await self._refreshed()

    def passed(self, token: str) -> None:
        """HubSpot has just taken a call with `token`: if it is the one in force, the grant is good.

        Of a private-app token or service key nothing else tells that. It is noted when the next
        call asks for a token, so that the answer of this one waits for nothing.
        """
        if token == (self._refresh_token if self.static else self._access_token):
            self._proven = True

    async def _refreshed(self) -> str:
        """The outcome of the refresh that runs, begun here when none does.

        The refresh is its own task, so that a caller who is cancelled takes it from nobody.
        """
        if self._lost is not None and self._clock.monotonic() < self._lost_until:
            raise AuthorizationLost(
                self._lost.message,
                vendor="hubspot",
                operation=self._lost.operation,
                status=self._lost.status,
                vendor_code=self._lost.vendor_code,
                correlation_id=self._lost.correlation_id,
            )
        if self._running is None:
            self._running = asyncio.create_task(self._refresh(), name="hubspot-token-refresh")
            self._running.add_done_callback(self._finished)
        return await asyncio.shield(self._running)

    def _finished(self, task: asyncio.Task[str]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # marks it as seen; those who wait get it themselves

    async def _refresh(self) -> str:
        if not self._loaded:
            self._refresh_token = await self._load() or self._refresh_token
            self._loaded = True
        if not self._refresh_token:
            raise BadConfiguration(
                "the configuration has no refresh token; connect the portal or fill in"
                " 'refreshToken'"
            )
        if self.static:
            return self._printable()
        try:
            grant = await self._granted()
        except AuthorizationLost as error:
            self._lost, self._lost_until = error, self._clock.monotonic() + _REMEMBER_LOSS_S
            self._access_token = None
            await self._grant_is(error)
            raise
        await self._take(grant)
        return grant.access_token

    async def _granted(self) -> Grant:
        """A grant, with what another replica has kept meanwhile if ours is not good any more."""
        try:
            return await self._oauth.refresh(self._app, self._refresh_token)
        except AuthorizationLost:
            kept = await self._replaced()
            if kept is None:
                raise
            self._refresh_token = kept
        return await self._oauth.refresh(self._app, self._refresh_token)

    async def _replaced(self) -> str | None:
        """What another replica has kept instead of our refresh token, or is about to keep.

        Should HubSpot give a new refresh token for each (not documented), the one of two replicas
        that comes second is refused before the first has written its own down.
        """
        for wait_s in (0.0, NEIGHBOUR_KEEPS_S):
            if wait_s and self._load is not _nothing_kept:
                await self._clock.sleep(wait_s)
            kept = await self._load()
            if kept is not None and kept != self._refresh_token:
                return kept
        return None

    async def _take(self, grant: Grant) -> None:
        now = self._clock.monotonic()
        self._lost = None
        self._access_token = grant.access_token
        self._taken_at = now
        self._ends_at = now + grant.expires_s
        self._renew_at = self._ends_at - min(EARLY_S, grant.expires_s / 2)
        if grant.refresh_token and grant.refresh_token != self._refresh_token:
            self._refresh_token = self._unkept = grant.refresh_token
        if grant.portal_id is not None and grant.portal_id != self._portal_id:
            self._portal_id = self._unlearned = grant.portal_id
        await self._tell()
        await self._grant_is(None)

    async def _tell(self) -> None:
        """Hand on what is new; what fails is tried again at the next call."""
        if (changed := self._unkept) is not None:
            await self._keep(changed)
            self._unkept = None
        if (portal_id := self._unlearned) is not None:
            await self._learn_portal(portal_id)
            self._unlearned = None

    async def _grant_is(self, lost: AuthorizationLost | None) -> None:
        """Tell what changed; one note at a time, and none for a while after one that failed."""
        good, now = lost is None, self._clock.monotonic()
        self._proven = self._proven and good
        if good is self._good or now < self._note_at:
            return
        self._note_at = now + NOTE_AGAIN_S
        try:
            await self._tell_grant(lost)
        except HitlError as error:
            log.warning("hubspot_grant_not_noted", good=good, error_code=error.code)
            return
        self._good, self._note_at = good, -math.inf

    def _printable(self) -> str:
        if not (self._refresh_token.isascii() and self._refresh_token.isprintable()):
            raise BadConfiguration("'refreshToken' holds characters that no token has")
        return self._refresh_token
