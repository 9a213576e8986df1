"""End users and mirrored agents in the database, per installation.

Each message asks who speaks, so answers are kept for a while: a minute where one process owns the
file, seconds where replicas share a server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final, Literal

from cachetools import TTLCache
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    delete,
    func,
    select,
)

from hubspot_hitl.gathering import Gathering
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import people

_KEPT: Final = 10_000
_TRUST_ALONE_S: Final = 60.0
_TRUST_SHARED_S: Final = 5.0
_By = Literal["user_id", "actor_id"]
_Key = tuple[str, str]
_Statement = Select[*tuple[object, ...]]
_KEY: Final = ("installation_id", "user_id")


def _of(column: ColumnElement[str] | ColumnElement[str | None]) -> _Statement:
    """People of one installation by a column, who was seen last first."""
    return (
        select(people)
        .where(people.c.installation_id == bindparam("owner"), column == bindparam("key"))
        .order_by(people.c.seen_ms.desc(), people.c.user_id)
        .limit(1)
    )


def _of_pairs(column: ColumnElement[str] | ColumnElement[str | None]) -> _Statement:
    """The same for many at once, by two arrays of the same length."""
    arrays = (bindparam("owners", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text)))
    pairs = func.unnest(*arrays).table_valued("owner", "key").render_derived()
    return (
        select(people)
        .where(people.c.installation_id == pairs.c.owner, column == pairs.c.key)
        .order_by(people.c.seen_ms.desc(), people.c.user_id)
    )


_COLUMNS: Final[Mapping[_By, ColumnElement[str] | ColumnElement[str | None]]] = {
    "user_id": people.c.user_id,
    "actor_id": people.c.actor_id,
}
_ONE: Final = {by: _of(column) for by, column in _COLUMNS.items()}
_MANY: Final = {by: _of_pairs(column) for by, column in _COLUMNS.items()}


def _person(row: RowMapping) -> Person:
    return Person(**row)


class SqlPeople:
    """:class:`~hubspot_hitl.ports.store.People` on a database."""

    def __init__(self, database: Database, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        trust_s = _TRUST_ALONE_S if database.dialect == "sqlite" else _TRUST_SHARED_S
        self._users: TTLCache[_Key, Person] = TTLCache(_KEPT, trust_s, timer=timer)
        self._agents: TTLCache[_Key, Person] = TTLCache(_KEPT, trust_s, timer=timer)
        self._gathered: dict[_By, Gathering[_Key, Mapping[_Key, Person]]] = {
            by: Gathering(partial(self._read_many, by)) for by in _COLUMNS
        }
        self._writes = 0
        statement = insert_into(database.dialect, people)
        self._upsert = statement.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={c.name: statement.excluded[c.name] for c in people.c if c.name not in _KEY},
        )

    async def remember(self, person: Person) -> None:
        """Insert or replace."""
        row = asdict(person)
        try:
            await self._database.write(lambda c: c.execute(self._upsert, row).close())
        finally:  # a failed write may have happened all the same
            self._forget((person.installation_id, person.user_id))

    async def user(self, installation_id: str, user_id: str) -> Person | None:
        """Read by Botpress user id."""
        return await self._read(self._users, "user_id", (installation_id, user_id))

    async def agent(self, installation_id: str, actor_id: str) -> Person | None:
        """Read an agent by HubSpot actor id; the one seen last when several users mirror it."""
        return await self._read(self._agents, "actor_id", (installation_id, actor_id))

    async def _read(self, kept: TTLCache[_Key, Person], by: _By, key: _Key) -> Person | None:
        known = kept.get(key)
        if known is not None:
            return known
        before = self._writes
        if self._database.dialect == "postgresql":
            found = (await self._gathered[by].get([key])).get(key)
        else:
            found = await self._read_one(by, key)
        if found is not None and before == self._writes:
            kept[key] = found
        return found

    async def _read_one(self, by: _By, key: _Key) -> Person | None:
        values = {"owner": key[0], "key": key[1]}

        def look(connection: Connection) -> Person | None:
            row = connection.execute(_ONE[by], values).mappings().first()
            return _person(row) if row is not None else None

        return await self._database.read(look)

    async def _read_many(self, by: _By, keys: Sequence[_Key]) -> Mapping[_Key, Person]:
        values = {"owners": [owner for owner, _ in keys], "keys": [key for _, key in keys]}

        def look(connection: Connection) -> dict[_Key, Person]:
            found: dict[_Key, Person] = {}
            for row in connection.execute(_MANY[by], values).mappings():
                found.setdefault((row["installation_id"], row[by]), _person(row))
            return found

        return await self._database.read(look)

    async def forget(self, installation_id: str, user_id: str) -> bool:
        """Delete an end user; agents stay. Returns whether there was one."""
        statement = delete(people).where(
            people.c.installation_id == installation_id,
            people.c.user_id == user_id,
            people.c.actor_id.is_(None),
        )
        try:
            return await self._database.write(lambda c: c.execute(statement).rowcount > 0)
        finally:
            self._forget((installation_id, user_id))

    def _forget(self, key: _Key) -> None:
        """Read anew: the person, and every agent, for who mirrors whom may have changed."""
        self._writes += 1  # a read under way may carry the old row: it must not be kept
        self._users.pop(key, None)
        self._agents.clear()
