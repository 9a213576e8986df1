"""The numbers that the console draws, read from handoffs and the ledger's finished deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Boolean, Connection, column, false, select, table, text
from sqlalchemy import Text as SqlText

from hubspot_hitl.ports.figures import DeliveryTimes, HandoffTimes, Waiting
from hubspot_hitl.store.database import Database
from hubspot_hitl.store.tables import handoffs

# The ledger owns this table; adapters do not import each other, so its columns are named here.
_done = table(
    "deliveries",
    column("kind", SqlText),
    column("state", SqlText),
    column("timer", Boolean),
    column("accepted_ms", BigInteger),
    column("finished_ms", BigInteger),
).c


class SqlFigures:
    """:class:`~hubspot_hitl.ports.figures.Figures` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handoffs(self, since_ms: int, limit: int) -> Sequence[HandoffTimes]:
        """Handoffs that began at `since_ms` or later, newest first, at most `limit`."""
        h = handoffs.c
        statement = (
            select(h.created_ms, h.state, h.assigned_ms, h.first_reply_ms, h.ended_ms, h.end_reason)
            .where(h.created_ms >= since_ms)
            .order_by(h.created_ms.desc())
            .limit(limit)
        )

        def look(connection: Connection) -> list[HandoffTimes]:
            return [HandoffTimes(*row) for row in connection.execute(statement)]

        return await self._database.read(look)

    async def deliveries(self, since_ms: int, limit: int) -> Sequence[DeliveryTimes]:
        """Deliveries done at `since_ms` or later, newest first, without timers."""
        statement = (
            select(_done.kind, _done.accepted_ms, _done.finished_ms)
            .where(
                # as literals: only so does the partial index of finished rows serve
                text("state IN ('done', 'cancelled') AND state = 'done'"),
                _done.finished_ms >= since_ms,
                _done.timer == false(),
            )
            .order_by(_done.finished_ms.desc())
            .limit(limit)
        )

        def look(connection: Connection) -> list[DeliveryTimes]:
            return [DeliveryTimes(*row) for row in connection.execute(statement)]

        return await self._database.read(look)

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """Handoffs without an agent, the longest wait first."""
        h = handoffs.c
        statement = (
            select(h.id, h.user_name, h.created_ms)
            .where(h.state == "pending")
            .order_by(h.created_ms)
            .limit(limit)
        )

        def look(connection: Connection) -> list[Waiting]:
            return [Waiting(*row) for row in connection.execute(statement)]

        return await self._database.read(look)
