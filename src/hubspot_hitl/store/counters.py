"""Numbers that a migration wrote down for the code that runs later."""

from __future__ import annotations

from sqlalchemy import select

from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.tables import counters


async def named_by_number(database: Database) -> int:
    """The last delivery that is called by its number in marks and keys; 0 for none."""
    wanted = select(counters.c.value).where(counters.c.name == "deliveries_named_by_number")
    return int(await database.read(lambda c: c.execute(wanted).scalar()) or 0)
