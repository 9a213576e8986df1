"""One client per installation: built from its configuration, rebuilt when that changes.

Nothing is shared between installations but the HTTP connections and, because HubSpot counts per app
and portal, the rate limit of installations of one app in one portal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from weakref import WeakValueDictionary

from pydantic import SecretStr

from hubspot_hitl.errors import AuthorizationLost
from hubspot_hitl.hubspot.client import HubSpotClient
from hubspot_hitl.hubspot.limiter import GENERAL, RateLimiter, Window
from hubspot_hitl.hubspot.oauth import AppCredentials, OAuth
from hubspot_hitl.hubspot.paths import OAuthVersion
from hubspot_hitl.hubspot.rest import DeveloperKey
from hubspot_hitl.hubspot.tokens import TokenSource
from hubspot_hitl.hubspot.transport import TIMEOUT_S, Observed, SessionFactory, Transport
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock

SLACK_S: Final = 0.25
"""How much later than it was sent HubSpot may count a call."""

InstallationObserver = Callable[[str, Observed], None]
_Key = tuple[str, str]


class RefreshTokens(Protocol):
    """Keeps refresh tokens that HubSpot replaced, and what a token said about its portal."""

    async def load(self, installation: Installation) -> str | None:
        """The token that replaced the configured one, None when none did."""
        ...

    async def keep(self, installation: Installation, refresh_token: str) -> None:
        """Store the token that replaces the configured one."""
        ...

    async def learn_portal(self, installation: Installation, portal_id: str) -> None:
        """Remember the portal that the installation's token belongs to."""
        ...

    async def note_grant(self, installation: Installation, lost: AuthorizationLost | None) -> None:
        """Remember that the grant was lost, and why, or that it is good (None)."""
        ...


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The part of the configuration a client is made of."""

    developer_api_key: SecretStr | None
    app_id: str
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr


@dataclass(frozen=True, slots=True)
class _Entry:
    credentials: _Credentials
    tokens: TokenSource
    limited_as: _Key
    limiter: RateLimiter
    client: HubSpotClient


class HubSpotPortals:
    """The `Portals` port. `observer` is told of every call, with the installation's id."""

    def __init__(
        self,
        base_url: str,
        session: SessionFactory,
        clock: Clock,
        *,
        refresh_tokens: RefreshTokens | None = None,
        observer: InstallationObserver | None = None,
        window: Window = GENERAL,
        oauth_version: OAuthVersion = "2026-03",
        circuits: Circuits | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._circuits = circuits
        self._timeout_s = timeout_s
        self._oauth_version: OAuthVersion = oauth_version
        self._base_url = base_url
        self._session = session
        self._clock = clock
        self._refresh_tokens = refresh_tokens
        self._observer = observer
        self._window = window
        self._entries: dict[str, _Entry] = {}
        self._limiters: WeakValueDictionary[_Key, RateLimiter] = WeakValueDictionary()

    def of(self, installation: Installation) -> HubSpotClient:
        """The client that uses this installation's credentials."""
        entry = self._entries.get(installation.id)
        credentials = _credentials(installation)
        limited_as = _limit_key(installation)
        if entry is not None and entry.credentials == credentials:
            if entry.limited_as == limited_as:
                return entry.client
            self._rename_limiter(entry.limited_as, limited_as)
            tokens = entry.tokens
        else:
            tokens = self._tokens(installation, credentials)
        limiter = self._limiter(limited_as)
        client = self._client(installation, credentials, tokens, limiter)
        self._entries[installation.id] = _Entry(credentials, tokens, limited_as, limiter, client)
        return client

    def forget(self, installation_id: str) -> None:
        """Drop the client of an installation that was removed or connected anew."""
        self._entries.pop(installation_id, None)

    def oauth(self, installation_id: str = "") -> OAuth:
        """The OAuth endpoints, for connecting a portal."""
        return OAuth(
            self._base_url,
            self._session,
            self._clock,
            version=self._oauth_version,
            observer=self._told(installation_id),
            circuits=self._circuits if installation_id else None,
            installation_id=installation_id,
        )

    @property
    def rate_used(self) -> float:
        """How much of its limit the busiest portal has spent in this process, 0 to 1."""
        return max((limiter.used for limiter in self._limiters.values()), default=0.0)

    def take_rate_peaks(self) -> dict[tuple[str, str], float]:
        """The highest share of its limit that each app has spent in each portal, 0 to 1.

        Since this was asked last, in this process; what has spent nothing is absent.
        """
        limiters = {entry.limited_as: entry.limiter for entry in self._entries.values()}
        peaks = {key: limiter.take_peak() for key, limiter in limiters.items()}
        return {key: peak for key, peak in peaks.items() if peak > 0}

    @property
    def token_age_s(self) -> float | None:
        """Age of the oldest access token in use in this process; None without one."""
        ages = [entry.tokens.age_s for entry in self._entries.values()]
        return max((age for age in ages if age is not None), default=None)

    def _client(
        self,
        installation: Installation,
        credentials: _Credentials,
        tokens: TokenSource,
        limiter: RateLimiter,
    ) -> HubSpotClient:
        transport = Transport(
            self._base_url,
            self._session,
            self._clock,
            tokens=tokens,
            limiter=limiter,
            observer=self._told(installation.id),
            circuits=self._circuits,
            timeout_s=self._timeout_s,
            installation_id=installation.id,
        )
        return HubSpotClient(
            transport,
            DeveloperKey(credentials.app_id, credentials.developer_api_key),
            self.oauth(installation.id),
            tokens,
            self._clock,
        )

    def _tokens(self, installation: Installation, credentials: _Credentials) -> TokenSource:
        oauth = self.oauth(installation.id)
        app = AppCredentials(credentials.client_id, credentials.client_secret.get_secret_value())
        configured = credentials.refresh_token.get_secret_value()
        store = self._refresh_tokens
        if store is None:
            return TokenSource(oauth, app, configured, self._clock)
        return TokenSource(
            oauth,
            app,
            configured,
            self._clock,
            load=lambda: store.load(installation),
            keep=lambda token: store.keep(installation, token),
            learn_portal=lambda portal_id: store.learn_portal(installation, portal_id),
            tell=lambda lost: store.note_grant(installation, lost),
        )

    def _limiter(self, key: _Key) -> RateLimiter:
        limiter = self._limiters.get(key)
        if limiter is None:
            limiter = RateLimiter(self._clock, general=self._window, slack_s=SLACK_S)
            self._limiters[key] = limiter
        return limiter

    def _rename_limiter(self, before: _Key, now: _Key) -> None:
        """The portal became known: what was spent of its limit stays spent."""
        spent = self._limiters.get(before)
        if spent is not None and now not in self._limiters:
            self._limiters[now] = spent

    def _told(self, installation_id: str) -> Callable[[Observed], None] | None:
        observer = self._observer
        if observer is None:
            return None
        return lambda observed: observer(installation_id, observed)


def _credentials(installation: Installation) -> _Credentials:
    configuration = installation.configuration
    return _Credentials(
        configuration.developer_api_key,
        configuration.app_id,
        configuration.client_id,
        configuration.client_secret,
        configuration.refresh_token,
    )


def _limit_key(installation: Installation) -> _Key:
    """App and portal; until the portal is known, the installation stands for it."""
    portal = installation.portal_id
    return (installation.configuration.app_id, portal or f"installation {installation.id}")
