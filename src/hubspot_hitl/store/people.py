"""End users and mirrored agents in the database, per installation.

Each message asks who speaks, so answers are kept for a while: a minute where one process owns the
file, seconds where replicas share a server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from cachetools import TTLCache
from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from hubspot_hitl.handoff.records import Person
from hubspot_hitl.store.database import Database
from hubspot_hitl.store.tables import people

_KEPT: Final = 10_000
_TRUST_ALONE_S: Final = 60.0
_TRUST_SHARED_S: Final = 5.0
_Key = tuple[str, str]
_KEY: Final = ("installation_id", "user_id")
_USER: Final = select(people).where(
    people.c.installation_id == bindparam("owner"), people.c.user_id == bindparam("key")
)
_AGENT: Final = (
    select(people)
    .where(people.c.installation_id == bindparam("owner"), people.c.actor_id == bindparam("key"))
    .order_by(people.c.seen_ms.desc(), people.c.user_id)
    .limit(1)
)


def _person(row: RowMapping) -> Person:
    return Person(**row)


class SqlPeople:
    """:class:`~hubspot_hitl.ports.store.People` on a database."""

    def __init__(self, database: Database, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        trust_s = _TRUST_ALONE_S if database.dialect == "sqlite" else _TRUST_SHARED_S
        self._users: TTLCache[_Key, Person] = TTLCache(_KEPT, trust_s, timer=timer)
        self._agents: TTLCache[_Key, Person] = TTLCache(_KEPT, trust_s, timer=timer)
        self._writes = 0
        insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
        statement = insert(people)
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
        return await self._read(self._users, _USER, (installation_id, user_id))

    async def agent(self, installation_id: str, actor_id: str) -> Person | None:
        """Read an agent by HubSpot actor id; the one seen last when several users mirror it."""
        return await self._read(self._agents, _AGENT, (installation_id, actor_id))

    async def _read(
        self, kept: TTLCache[_Key, Person], statement: Select[*tuple[object, ...]], key: _Key
    ) -> Person | None:
        known = kept.get(key)
        if known is not None:
            return known
        values, before = {"owner": key[0], "key": key[1]}, self._writes

        def look(connection: Connection) -> Person | None:
            row = connection.execute(statement, values).mappings().first()
            return _person(row) if row is not None else None

        found = await self._database.read(look)
        if found is not None and before == self._writes:
            kept[key] = found
        return found

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
