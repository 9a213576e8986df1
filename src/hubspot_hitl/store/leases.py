"""Leases in the table of names that may be used once: a lease is a name that may be used again.

The time it ends is its fence: a release names it, and the next holder's is always a later one.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete

from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import used_nonces


class SqlLeases:
    """:class:`~hubspot_hitl.ports.lease.Leases` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        statement = insert_into(database.dialect, used_nonces).values(
            name=bindparam("name"), expires_ms=bindparam("expires_ms")
        )
        self._acquire = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"expires_ms": statement.excluded.expires_ms},
            where=used_nonces.c.expires_ms <= bindparam("now_ms"),
        ).returning(used_nonces.c.name)

    async def acquire(self, name: str, now_ms: int, until_ms: int) -> bool:
        """True when the lease is ours until `until_ms`."""
        row = {"name": _key(name), "expires_ms": until_ms, "now_ms": now_ms}

        def write(connection: Connection) -> bool:
            return connection.execute(self._acquire, row).scalar() is not None

        return await self._database.write(write)

    async def release(self, name: str, until_ms: int) -> None:
        """Give a lease back early."""
        statement = delete(used_nonces).where(
            used_nonces.c.name == _key(name), used_nonces.c.expires_ms == until_ms
        )
        await self._database.write(lambda connection: connection.execute(statement))


def _key(name: str) -> str:
    return f"lease:{name}"
