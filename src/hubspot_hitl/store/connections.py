"""Grants in the vault, and installations completed by them.

`ConnectedInstallations` stands in front of the real store: everybody else sees installations whose
configuration is complete, and never needs to know where a value came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeVar

from cachetools import LRUCache
from pydantic import BaseModel, SecretStr, ValidationError

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.gathering import SharedReads
from hubspot_hitl.integration.connection import AppIdentity, Connection, TokenState, completed
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.connections import Connections
from hubspot_hitl.ports.store import Installations, Vault

_GRANT: Final = "hubspot-connection"
_APP: Final = "hubspot-app"
_TOKEN: Final = "hubspot-token-state"  # noqa: S105 - the name of a row


Record = TypeVar("Record", bound=BaseModel)


class VaultConnections:
    """:class:`~hubspot_hitl.ports.connections.Connections` over the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def get(self, installation_id: str) -> Connection | None:
        """The grant, if the portal was ever connected here."""
        blob = await self._vault.get(_scope(installation_id), _GRANT)
        return None if blob is None else _read(Connection, blob, installation_id)

    async def put(self, installation_id: str, connection: Connection) -> None:
        """Keep a grant; it replaces the one before, and what was known of its token."""
        await self._vault.put(_scope(installation_id), _GRANT, _shown(connection))
        await self._vault.delete(_scope(installation_id), _TOKEN)

    async def app(self, installation_id: str) -> AppIdentity | None:
        """The app that was saved for an installation whose configuration names none."""
        blob = await self._vault.get(_scope(installation_id), _APP)
        return None if blob is None else AppIdentity(**json.loads(blob))

    async def put_app(self, installation_id: str, app: AppIdentity) -> None:
        """Save an app."""
        await self._vault.put(_scope(installation_id), _APP, json.dumps(asdict(app)).encode())

    async def token_state(self, installation_id: str) -> TokenState:
        """How the last refresh went."""
        blob = await self._vault.get(_scope(installation_id), _TOKEN)
        return TokenState() if blob is None else _read(TokenState, blob, installation_id)

    async def put_token_state(self, installation_id: str, state: TokenState) -> None:
        """Remember how a refresh went."""
        await self._vault.put(_scope(installation_id), _TOKEN, _shown(state))


@dataclass(frozen=True, slots=True)
class _Known:
    connection: Connection | None
    app: AppIdentity | None
    checked_s: float


class ConnectedInstallations:
    """:class:`~hubspot_hitl.ports.store.Installations`, completed by grants and apps.

    `on_change` is told the id of an installation whose client must be built anew. What another
    replica connects is seen after `trust_s` seconds.
    """

    def __init__(
        self,
        inner: Installations,
        connections: Connections,
        clock: Clock,
        *,
        shared: AppIdentity | None = None,
        on_change: Callable[[str], None] | None = None,
        trust_s: float = 2.0,
    ) -> None:
        self._inner = inner
        self._connections = connections
        self._clock = clock
        self._shared = shared
        self._on_change = on_change
        self._trust_s = trust_s
        self._known: LRUCache[str, _Known] = LRUCache(10_000)
        self._forgotten = 0
        self._readings = SharedReads(self._read_known)
        self._done: LRUCache[str, tuple[Installation, _Known, Installation]] = LRUCache(10_000)

    def forget(self, installation_id: str) -> None:
        """Look again at once: a portal was connected or disconnected."""
        self._forgotten += 1  # a read under way may carry what was: it must not be kept
        self._known.pop(installation_id, None)
        self._done.pop(installation_id, None)
        if self._on_change is not None:
            self._on_change(installation_id)

    async def configured(self, installation_id: str) -> Installation | None:
        """The installation as its owner configured it, without grant and app."""
        return await self._inner.get(installation_id)

    async def remember(self, installation: Installation) -> Installation:
        """Insert or update; what was completed here is not stored as if it were configured."""
        done = self._done.get(installation.id)
        if done is not None and done[2].configuration == installation.configuration:
            installation = replace(installation, configuration=done[0].configuration)
        return await self._complete(await self._inner.remember(installation))

    async def get(self, installation_id: str) -> Installation | None:
        """Read by webhook id."""
        found = await self._inner.get(installation_id)
        return None if found is None else await self._complete(found)

    async def by_app(self, app_id: str, portal_id: str | None) -> Sequence[Installation]:
        """Installations of an app, of one portal when its id is known."""
        return [
            one
            for one in await self.all()
            if one.configuration.app_id == app_id and portal_id in (None, one.portal_id)
        ]

    async def all(self) -> Sequence[Installation]:
        """All that are not removed."""
        return [await self._complete(one) for one in await self._inner.all()]

    async def remove(self, installation_id: str) -> None:
        """Forget its secrets, grant and app among them."""
        await self._inner.remove(installation_id)
        self.forget(installation_id)

    async def removed(self, installation_id: str) -> bool:
        """Whether it was removed, which one that was never known is not."""
        return await self._inner.removed(installation_id)

    async def bindings(self, installation_id: str) -> Sequence[ChannelBinding]:
        """The channel accounts that `register` made or found."""
        return await self._inner.bindings(installation_id)

    async def set_bindings(self, installation_id: str, bindings: Sequence[ChannelBinding]) -> None:
        """Replace them."""
        await self._inner.set_bindings(installation_id, bindings)

    async def set_portal(self, installation_id: str, portal_id: str) -> None:
        """Remember the portal that the token belongs to."""
        await self._inner.set_portal(installation_id, portal_id)

    async def _complete(self, configured: Installation) -> Installation:
        known = await self._look(configured.id)
        done = self._done.get(configured.id)
        if done is not None and done[0] is configured and _same(done[1], known):
            return done[2]
        configuration = completed(
            configured.configuration, known.connection, known.app, self._shared
        )
        complete = (
            configured
            if configuration is configured.configuration
            else replace(configured, configuration=configuration)
        )
        self._done[configured.id] = (configured, known, complete)
        return complete

    async def _look(self, installation_id: str) -> _Known:
        now_s = self._clock.monotonic()
        known = self._known.get(installation_id)
        if known is None or now_s - known.checked_s >= self._trust_s:
            known = await self._readings.get(installation_id)
        return known

    async def _read_known(self, installation_id: str) -> _Known:
        before, now_s = self._forgotten, self._clock.monotonic()
        known = _Known(
            await self._connections.get(installation_id),
            await self._connections.app(installation_id),
            now_s,
        )
        if before == self._forgotten:
            self._known[installation_id] = known
        return known


def _same(one: _Known, other: _Known) -> bool:
    return one.connection == other.connection and one.app == other.app


def _scope(installation_id: str) -> str:
    """The vault scope that removing an installation forgets."""
    return f"installation:{installation_id}"


def _shown(record: BaseModel) -> bytes:
    """The record with its secrets in clear, for the vault and nothing else."""

    def reveal(value: object) -> object:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        raise TypeError(f"{type(value).__name__} cannot be stored")

    return json.dumps(record.model_dump(), default=reveal).encode()


def _read(kind: type[Record], blob: bytes, installation_id: str) -> Record:
    try:
        return kind.model_validate_json(blob)
    except ValidationError:
        raise BadSettings(
            f"what connecting installation {installation_id!r} left in the vault is not readable:"
            " connect its portal again"
        ) from None
