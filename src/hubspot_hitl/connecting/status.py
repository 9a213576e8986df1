"""What can be said of an installation's connection to its portal, without a secret in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hubspot_hitl.connecting.landing import ConnectRefused
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.refreshing import TokenRefresher
from hubspot_hitl.integration.connection import AuthMethod, Connection, in_force
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.connections import Connections
from hubspot_hitl.setup.scopes import lacking
from hubspot_hitl.store.connections import ConnectedInstallations

LOST = (
    "HubSpot no longer accepts the grant: it was revoked, the app was uninstalled, or its secret"
    " changed. Connect the portal again."
)

DAY_MS: Final = 86_400_000
ROTATE_AFTER_DAYS: Final = 180


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection as people may see it. Times are epoch milliseconds; None is not known.

    `problem` is the code of what a person must mend, `cure` says how.
    """

    installation_id: str
    connected: bool
    portal_id: str = ""
    portal_name: str = ""
    name: str = ""
    auth_method: AuthMethod | None = None
    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    connected_ms: int | None = None
    refreshed_ms: int | None = None
    expires_ms: int | None = None
    problem: str | None = None
    cure: str | None = None
    reminder: str | None = None

    def as_json(self) -> dict[str, object]:
        """For HTTP and `--json`."""
        return {
            "installation": self.installation_id,
            "connected": self.connected,
            "username": self.portal_id,
            "portalName": self.portal_name,
            "connectionName": self.name,
            "authMethod": self.auth_method,
            "scopes": list(self.scopes),
            "missingScopes": list(self.missing_scopes),
            "connectedAt": iso_ms(self.connected_ms),
            "tokenRefreshedAt": iso_ms(self.refreshed_ms),
            "tokenExpiresAt": iso_ms(self.expires_ms),
            "problem": self.problem,
            "cure": self.cure,
            "reminder": self.reminder,
        }


class ConnectionWatch:
    """Tells the status of connections, and refreshes on demand."""

    def __init__(
        self,
        portals: HubSpotPortals,
        installations: ConnectedInstallations,
        connections: Connections,
        refresher: TokenRefresher,
        clock: Clock,
        features: tuple[str, ...],
    ) -> None:
        self._portals = portals
        self._installations = installations
        self._connections = connections
        self._refresher = refresher
        self._clock = clock
        self._features = features

    async def status(self, installation_id: str) -> ConnectionStatus:
        """How the connection stands. Raises ConnectRefused for an unknown installation."""
        installation = await self._found(installation_id)
        configured = await self._installations.configured(installation_id) or installation
        grant = await self._connections.get(installation_id)
        if not in_force(configured.configuration, grant):
            grant = None
        state = await self._connections.token_state(installation_id)
        has_token = bool(installation.configuration.refresh_token.get_secret_value().strip())
        scopes = grant.scopes if grant is not None else ()
        missing = lacking(scopes, self._features).values() if scopes and has_token else ()
        portal_id = (grant.portal_id if grant else "") or installation.portal_id or ""
        return ConnectionStatus(
            installation_id=installation.id,
            connected=has_token and state.problem is None,
            portal_id=portal_id if has_token else "",
            portal_name=grant.portal_name if grant else "",
            name=grant.name if grant else "",
            auth_method=grant.auth_method if grant else ("own" if has_token else None),
            scopes=scopes if has_token else (),
            missing_scopes=tuple(dict.fromkeys(scope for some in missing for scope in some)),
            connected_ms=grant.connected_ms if grant and has_token else None,
            refreshed_ms=state.refreshed_ms if has_token else None,
            expires_ms=self._expires_ms(installation, state.expires_ms) if has_token else None,
            problem=state.problem if has_token else None,
            cure=LOST if has_token and state.problem else None,
            reminder=reminder_of(grant, self._clock.now_ms()) if grant and has_token else None,
        )

    def _expires_ms(self, installation: Installation, remembered_ms: int | None) -> int | None:
        """The later of what was remembered and what this process refreshed since."""
        left_s = self._portals.of(installation).tokens.ends_in_s
        here_ms = self._clock.now_ms() + round(left_s * 1000) if left_s is not None else None
        known = [one for one in (remembered_ms, here_ms) if one is not None]
        return max(known, default=None)

    async def refresh(self, installation_id: str) -> ConnectionStatus:
        """Refresh the token now. Raises VendorError, or ConnectRefused when nothing is there."""
        installation = await self._found(installation_id)
        if not installation.configuration.refresh_token.get_secret_value().strip():
            raise ConnectRefused("invalid_config", "The portal is not connected. Connect it.")
        await self._refresher.refresh(installation)
        return await self.status(installation_id)

    async def tokens(self, installation_id: str) -> tuple[str, str]:
        """Access and refresh token, for a caller that asked for them by name and may have them."""
        source = self._portals.of(await self._found(installation_id)).tokens
        return await source.token(), source.refresh_token

    async def _found(self, installation_id: str) -> Installation:
        found = await self._installations.get(installation_id)
        if found is None:
            raise ConnectRefused(
                "useragent_not_found", f"There is no installation {installation_id[:80]!r}."
            )
        return found


def reminder_of(grant: Connection, now_ms: int) -> str | None:
    """That a token which never ends should be replaced, once it is half a year old.

    >>> from pydantic import SecretStr
    >>> old = Connection(
    ...     auth_method="token", refresh_token=SecretStr("pat-x"), over="", connected_ms=0
    ... )
    >>> reminder_of(old, 200 * DAY_MS)
    'The token is 200 days old. Make a new one in HubSpot and connect the portal with it.'
    >>> reminder_of(old, 100 * DAY_MS) is None
    True
    """
    days = (now_ms - grant.connected_ms) // DAY_MS
    if grant.auth_method != "token" or days < ROTATE_AFTER_DAYS:
        return None
    return (
        f"The token is {days} days old. Make a new one in HubSpot and connect the portal with it."
    )


def iso_ms(at_ms: int | None) -> str | None:
    """A time in ISO 8601, UTC, with milliseconds.

    >>> iso_ms(1776427200000)
    '2026-04-17T12:00:00.000Z'
    """
    if at_ms is None:
        return None
    at = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
