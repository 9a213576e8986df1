"""Installations in the database: routing data in plain columns, configuration in the vault.

Botpress sends the whole configuration with every operation, so `remember` is called all the time
and must cost nothing while nothing changes. A copy is trusted for `trust_s`; after that one small
query compares its revision, so that a change made through another replica is seen soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson
import structlog
from cachetools import LRUCache, TTLCache
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update

from hubspot_hitl.errors import BadConfiguration, BadSettings, UnknownInstallation
from hubspot_hitl.gathering import SharedReads
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.secrets.keyring import KeyRing
from hubspot_hitl.store.secrets.vault import delete_secrets, get_secret, put_secret
from hubspot_hitl.store.tables import bindings as bindings_table
from hubspot_hitl.store.tables import installations

_log = structlog.get_logger(__name__)

_CONFIGURATION: Final = "configuration"
_LEARNED: Final = ("bot_user_id", "configuration_type", "webhook_url", "portal_id")
_BY_ID: Final = select(installations).where(installations.c.id == bindparam("id"))
_LIVING: Final = select(installations).where(installations.c.removed.is_(False))
_REVISION: Final = select(installations.c.revision, installations.c.removed).where(
    installations.c.id == bindparam("id")
)

_BINDINGS: Final = (
    select(bindings_table)
    .where(bindings_table.c.installation_id == bindparam("id"))
    .order_by(bindings_table.c.position)
)


def secret_scope(installation_id: str) -> str:
    """The vault scope of an installation; `remove` forgets all of it."""
    return f"installation:{installation_id}"


def configuration_json(configuration: BaseModel) -> bytes:
    """The configuration with its secrets in clear, for the vault and nothing else."""
    return orjson.dumps(
        configuration.model_dump(by_alias=True), default=_reveal, option=orjson.OPT_SORT_KEYS
    )


def _reveal(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(f"a configuration field of type {type(value).__name__} cannot be stored")


def merged(known: Installation | None, told: Installation) -> Installation:
    """What is told now, with what was learned before where it says nothing."""
    if known is None:
        return told
    kept = {name: getattr(known, name) for name in _LEARNED if getattr(told, name) is None}
    return replace(told, **kept)


def _installation(row: RowMapping, configuration: Configuration) -> Installation:
    return Installation(
        id=row["id"],
        bot_id=row["bot_id"],
        integration_id=row["integration_id"],
        alias=row["alias"],
        configuration=configuration,
        bot_user_id=row["bot_user_id"],
        configuration_type=row["configuration_type"],
        webhook_url=row["webhook_url"],
        portal_id=row["portal_id"],
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    installation: Installation
    revision: int
    checked_s: float


class SqlInstallations:
    """:class:`~hubspot_hitl.ports.store.Installations` on a database."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        clock: Clock,
        *,
        cache_size: int = 10_000,
        trust_s: float = 2.0,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._trust_s = trust_s
        self._copies: LRUCache[str, _Copy] = LRUCache(cache_size)
        self._bindings: TTLCache[str, tuple[ChannelBinding, ...]] = TTLCache(
            cache_size, trust_s, timer=clock.monotonic
        )
        self._readings = SharedReads(self._read_one)
        self._removals = SharedReads(self._read_removed)
        self._bound = 0

    def forget(self, installation_id: str) -> None:
        """Read it from the database next time."""
        self._copies.pop(installation_id, None)

    async def remember(self, installation: Installation) -> Installation:
        """Insert or update when something changed; what is None in it keeps what is known."""
        try:
            known = await self.get(installation.id)
        except (BadSettings, BadConfiguration):
            known = None  # what is stored cannot be read any more: what is told replaces it
        if known is not None and merged(known, installation) == known:
            return known

        def write(connection: Connection) -> _Copy:
            row = connection.execute(_BY_ID.with_for_update(), {"id": installation.id}).mappings()
            stored = row.first()
            if stored is None or stored["removed"]:
                return self._store(connection, installation)
            before = _installation(stored, installation.configuration)
            return self._store(connection, merged(before, installation))

        return self._keep(await self._database.write(write)).installation

    async def get(self, installation_id: str) -> Installation | None:
        """Read by webhook id; None when unknown or removed."""
        copy = self._trusted(installation_id)
        return copy.installation if copy else await self._readings.get(installation_id)

    def _trusted(self, installation_id: str) -> _Copy | None:
        copy = self._copies.get(installation_id)
        if copy is None or self._clock.monotonic() - copy.checked_s >= self._trust_s:
            return None
        return copy

    async def _read_one(self, installation_id: str) -> Installation | None:
        copy = self._copies.get(installation_id)
        now_s = self._clock.monotonic()

        def look(connection: Connection) -> _Copy | None:
            key = {"id": installation_id}
            if copy is not None:
                row = connection.execute(_REVISION, key).first()
                if row is not None and not row.removed and row.revision == copy.revision:
                    return replace(copy, checked_s=now_s)
            found = connection.execute(_BY_ID, key).mappings().first()
            return self._read(connection, found) if found and not found["removed"] else None

        fresh = await self._database.read(look)
        if fresh is None:
            self.forget(installation_id)
            return None
        return self._keep(fresh).installation

    async def by_app(self, app_id: str, portal_id: str | None) -> Sequence[Installation]:
        """Installations of an app, of one portal when its id is known.

        One whose portal is not learned yet belongs to none.
        """
        statement = _LIVING.where(installations.c.app_id == app_id)
        if portal_id is not None:
            statement = statement.where(installations.c.portal_id == portal_id)
        return await self._list(statement)

    async def all(self) -> Sequence[Installation]:
        """All that are not removed, by id."""
        return await self._list(_LIVING)

    async def _list(self, statement: Select[*tuple[object, ...]]) -> list[Installation]:
        def look(connection: Connection) -> list[_Copy]:
            rows = connection.execute(statement.order_by(installations.c.id)).mappings().all()
            copies = (self._known(row) or self._readable(connection, row) for row in rows)
            return [copy for copy in copies if copy is not None]

        return [self._keep(copy).installation for copy in await self._database.read(look)]

    async def remove(self, installation_id: str) -> None:
        """Forget its secrets and bindings; handoffs stay as evidence."""

        def write(connection: Connection) -> None:
            connection.execute(
                update(installations)
                .where(installations.c.id == installation_id)
                .values(removed=True, revision=installations.c.revision + 1)
            )
            delete_secrets(connection, secret_scope(installation_id))
            _delete_bindings(connection, installation_id)

        try:
            await self._database.write(write)
        finally:
            self.forget(installation_id)
            self._unbind(installation_id)

    async def removed(self, installation_id: str) -> bool:
        """Whether it was removed, which one that was never known is not."""
        if self._trusted(installation_id) is not None:
            return False
        return await self._removals.get(installation_id)

    async def _read_removed(self, installation_id: str) -> bool:
        def look(connection: Connection) -> bool:
            row = connection.execute(_REVISION, {"id": installation_id}).first()
            return row is not None and bool(row.removed)

        return await self._database.read(look)

    async def bindings(self, installation_id: str) -> Sequence[ChannelBinding]:
        """The channel accounts that `register` made or found, in the order they were set."""
        bound = self._bindings.get(installation_id)
        if bound is not None:
            return bound
        before = self._bound

        def look(connection: Connection) -> tuple[ChannelBinding, ...]:
            return tuple(
                ChannelBinding(
                    channel_id=row.channel_id,
                    channel_account_id=row.channel_account_id,
                    inbox_id=row.inbox_id,
                    identifier=row.identifier,
                    default=row.default,
                )
                for row in connection.execute(_BINDINGS, {"id": installation_id})
            )

        bound = await self._database.read(look)
        if before == self._bound:
            self._bindings[installation_id] = bound
        return bound

    async def set_bindings(self, installation_id: str, bindings: Sequence[ChannelBinding]) -> None:
        """Replace them; raises UnknownInstallation for one that is not there or removed."""
        rows = [
            {"installation_id": installation_id, "position": position, **asdict(binding)}
            for position, binding in enumerate(bindings)
        ]

        def write(connection: Connection) -> None:
            found = connection.execute(_REVISION, {"id": installation_id}).first()
            if found is None or found.removed:
                raise UnknownInstallation(f"no installation {installation_id!r} to bind")
            _delete_bindings(connection, installation_id)
            if rows:
                connection.execute(insert(bindings_table), rows)

        try:
            await self._database.write(write)
        finally:
            self._unbind(installation_id)

    def _unbind(self, installation_id: str) -> None:
        self._bound += 1  # a read under way may carry the old rows: they must not be kept
        self._bindings.pop(installation_id, None)

    async def set_portal(self, installation_id: str, portal_id: str) -> None:
        """Remember the portal that the token belongs to."""

        def write(connection: Connection) -> None:
            connection.execute(
                update(installations)
                .where(installations.c.id == installation_id)
                .values(portal_id=portal_id, revision=installations.c.revision + 1)
            )

        await self._database.write(write)
        self.forget(installation_id)

    def _known(self, row: RowMapping) -> _Copy | None:
        copy = self._copies.get(str(row["id"]))
        return copy if copy is not None and copy.revision == row["revision"] else None

    def _readable(self, connection: Connection, row: RowMapping) -> _Copy | None:
        """One installation that cannot be read must not take its neighbours along."""
        try:
            return self._read(connection, row)
        except (BadSettings, BadConfiguration) as error:
            _log.error("installation_unreadable", installation_id=row["id"], code=error.code)
            return None

    def _read(self, connection: Connection, row: RowMapping) -> _Copy:
        name = str(row["id"])
        secret = get_secret(connection, self._keys, secret_scope(name), _CONFIGURATION)
        if secret is None:
            raise BadSettings(
                f"installation {name!r} has lost its stored configuration: save the integration's"
                " configuration in Botpress again"
            )
        try:
            configuration = Configuration.model_validate_json(secret)
        except ValidationError as error:
            fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
            raise BadConfiguration(
                f"the stored configuration of installation {name!r} no longer fits:"
                f" {', '.join(fields)}"
            ) from None  # the cause repeats the values
        for value in configuration.secrets:
            remember_secret(value)
        installation = _installation(row, configuration)
        return _Copy(installation, row["revision"], self._clock.monotonic())

    def _store(self, connection: Connection, installation: Installation) -> _Copy:
        row: dict[str, object] = {
            "id": installation.id,
            "bot_id": installation.bot_id,
            "integration_id": installation.integration_id,
            "alias": installation.alias,
            "app_id": installation.configuration.app_id,
            "removed": False,
            **{name: getattr(installation, name) for name in _LEARNED},
        }
        statement = insert_into(self._database.dialect, installations)
        changed = {name: statement.excluded[name] for name in row if name != "id"}
        revision = connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={**changed, "revision": installations.c.revision + 1}
            ).returning(installations.c.revision),
            row,
        ).scalar_one()
        put_secret(
            connection,
            self._keys,
            secret_scope(installation.id),
            _CONFIGURATION,
            configuration_json(installation.configuration),
        )
        return _Copy(installation, int(revision), self._clock.monotonic())

    def _keep(self, copy: _Copy) -> _Copy:
        known = self._copies.get(copy.installation.id)
        if known is None or known.revision <= copy.revision:
            self._copies[copy.installation.id] = copy
        return copy


def _delete_bindings(connection: Connection, installation_id: str) -> None:
    connection.execute(
        delete(bindings_table).where(bindings_table.c.installation_id == installation_id)
    )
