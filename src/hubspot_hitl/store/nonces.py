"""Names that may be used once, remembered in the database for all replicas."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import used_nonces


class SqlNonces:
    """:class:`~hubspot_hitl.ports.audit.Nonces` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = (
            insert_into(database.dialect, used_nonces)
            .on_conflict_do_nothing()
            .returning(used_nonces.c.name)
        )

    async def use(self, name: str, expires_ms: int) -> bool:
        """True the first time, False ever after."""
        row = {"name": name, "expires_ms": expires_ms}

        def write(connection: Connection) -> bool:
            return connection.execute(self._insert, row).scalar() is not None

        return await self._database.write(write)

    async def purge(self, now_ms: int) -> int:
        """Forget names that expired before `now_ms`; returns how many."""
        statement = delete(used_nonces).where(used_nonces.c.expires_ms < now_ms)
        return await self._database.write(lambda c: c.execute(statement).rowcount)
