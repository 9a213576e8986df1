"""End users and mirrored agents in the database, per installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection, RowMapping, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from hubspot_hitl.handoff.records import Person
from hubspot_hitl.store.database import Database
from hubspot_hitl.store.tables import people

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

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
        statement = insert(people)
        self._upsert = statement.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={c.name: statement.excluded[c.name] for c in people.c if c.name not in _KEY},
        )

    async def remember(self, person: Person) -> None:
        """Insert or replace."""
        row = asdict(person)
        await self._database.write(lambda c: c.execute(self._upsert, row).close())

    async def user(self, installation_id: str, user_id: str) -> Person | None:
        """Read by Botpress user id."""
        key = {"owner": installation_id, "key": user_id}

        def look(connection: Connection) -> Person | None:
            row = connection.execute(_USER, key).mappings().first()
            return _person(row) if row is not None else None

        return await self._database.read(look)

    async def agent(self, installation_id: str, actor_id: str) -> Person | None:
        """Read an agent by HubSpot actor id; the one seen last when several users mirror it."""
        key = {"owner": installation_id, "key": actor_id}

        def look(connection: Connection) -> Person | None:
            row = connection.execute(_AGENT, key).mappings().first()
            return _person(row) if row is not None else None

        return await self._database.read(look)
