"""The ledger's statements on PostgreSQL, inside one transaction, in as few round trips as can be.

Lanes are there nearly always: they are locked first and made only when missing. The ends of
attempts are written together with the lanes, for nothing reads either in between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from hubspot_hitl.ledger.engine import LOAD_LIMIT
from hubspot_hitl.ledger.postgres import sql
from hubspot_hitl.ledger.postgres.foreseen import (
    KnownLanes,
    finish_columns,
    lane_columns,
    new_columns,
)
from hubspot_hitl.ledger.queries import delivery_of_row
from hubspot_hitl.ledger.rows import FinishRow, LaneRow, NewRow, RowRef, Waiting
from hubspot_hitl.ports.ledger import Delivery, DeliveryState

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]


class LaneMade(Exception):
    """Another transaction made a lane at the same moment: run this one again from the start.

    Locking it now would break the order in which lanes are locked.
    """


def _lane(row: asyncpg.Record) -> LaneRow:
    return LaneRow(
        row["lane"],
        row["version"],
        row["fence"],
        row["owner"],
        row["live"],
        row["held_until_ms"],
        row["due_ms"],
        row["blocked"],
    )


class PostgresTransaction:
    """The :class:`~hubspot_hitl.ledger.engine.Transaction`; `flush` it before the commit."""

    def __init__(self, connection: Connection, *, offset_ms: int, lease_ms: int) -> None:
        self._connection = connection
        self._offset_ms = offset_ms
        self._lease_ms = lease_ms
        self._finished: Sequence[FinishRow] = ()
        self._lanes: dict[str, LaneRow] = {}
        self._disowned = False

    def tell(self, known: KnownLanes) -> None:
        """After the commit: say how the lanes were left."""
        if self._disowned:
            known.forget()
        known.remember(self._lanes.values())

    async def flush(self) -> None:
        """Write what waits to be written together with something else."""
        finished, self._finished = self._finished, ()
        if finished:
            await self._connection.execute(sql.FINISH, *finish_columns(finished))

    async def refs(self, keys: Sequence[str], seqs: Sequence[int]) -> Sequence[RowRef]:
        """Find deliveries by key or sequence, without locking."""
        rows = await self._connection.fetch(sql.REFS, keys, seqs)
        return [
            RowRef(row["seq"], row["dedup_key"], row["lane"], DeliveryState(row["state"]))
            for row in rows
        ]

    async def lock_lanes(
        self, lanes: Collection[str], create: Collection[str], now_ms: int
    ) -> dict[str, LaneRow]:
        """Lock `lanes` in key order, and make those of `create` that are missing.

        Raises LaneMade when somebody else is making one of them.
        """
        rows = await self._connection.fetch(sql.LOCK_LANES, list(lanes), self._offset_ms)
        locked = {row["lane"]: _lane(row) for row in rows}
        missing = sorted(set(create) - locked.keys(), key=str.encode)
        if missing:
            made = await self._connection.fetch(sql.CREATE_LANES, missing, now_ms)
            if len(made) < len(missing):
                raise LaneMade
            for name in missing:
                locked[name] = LaneRow(name, now_ms, now_ms, None, False, 0, None, False)
        self._lanes.update(locked)
        return locked

    async def finish(self, rows: Sequence[FinishRow]) -> None:
        """Write the ends of attempts with the lanes, or at the next look at deliveries."""
        await self.flush()
        self._finished = rows

    async def mark_started(self, seqs: Sequence[int]) -> None:
        """Set `started`."""
        await self.flush()
        await self._connection.execute(sql.MARK_STARTED, seqs)

    async def cancel(
        self, seqs: Sequence[int], states: Collection[DeliveryState], now_ms: int
    ) -> Collection[int]:
        """Cancel those that are in one of `states`; returns which."""
        await self.flush()
        allowed = [state.value for state in states]
        rows = await self._connection.fetch(sql.CANCEL, seqs, allowed, now_ms)
        return {row["seq"] for row in rows}

    async def revive(self, seqs: Sequence[int], now_ms: int) -> Collection[int]:
        """Make dead or cancelled ones ready, without attempts; returns which."""
        await self.flush()
        rows = await self._connection.fetch(sql.REVIVE, seqs, now_ms)
        return {row["seq"] for row in rows}

    async def insert(self, rows: Sequence[NewRow], now_ms: int) -> Sequence[int | None]:
        """Insert in this order; for each its sequence, or None when its key is known."""
        inserted = await self._connection.fetch(
            sql.INSERT,
            *new_columns(rows),
            now_ms,
        )
        seqs: dict[str, int] = {row["dedup_key"]: row["seq"] for row in inserted}
        return [seqs.pop(row.dedup_key, None) for row in rows]

    async def save_lanes(self, lanes: Sequence[LaneRow], owner: str) -> None:
        """Write changed lanes."""
        arguments = (
            *lane_columns(lanes),
            self._offset_ms,
            self._lease_ms,
        )
        finished, self._finished = self._finished, ()
        if finished:
            both = (*arguments, *finish_columns(finished))
            await self._connection.execute(sql.FINISH_AND_SAVE_LANES, *both)
        else:
            await self._connection.execute(sql.SAVE_LANES, *arguments)

    async def disown(self, owner: str, running: Collection[str]) -> None:
        """Drop the leases of `owner` on lanes that are not `running`."""
        self._disowned = True
        await self._connection.execute(sql.DISOWN, owner, list(running), self._offset_ms)

    async def claim_due(
        self, owner: str, now_ms: int, limit: int
    ) -> Sequence[tuple[LaneRow, str | None]]:
        """Claim lanes that are due, longest first, skipping locked ones."""
        rows = await self._connection.fetch(
            sql.CLAIM_DUE, owner, now_ms, limit, self._offset_ms, self._lease_ms
        )
        claimed = [(_lane(row), row["before"]) for row in rows]
        self._lanes.update((lane.lane, lane) for lane, _ in claimed)
        return claimed

    async def waiting(self, lanes: Collection[str], now_ms: int) -> Mapping[str, Waiting]:
        """Read what lanes have to run."""
        await self.flush()
        names = list(lanes)
        queues: dict[str, list[Delivery]] = {name: [] for name in names}
        for row in await self._connection.fetch(sql.WAITING, names, now_ms):
            queues[row["lane"]].append(delivery_of_row(row))
        timers: dict[str, int] = {
            row[0]: row[1] for row in await self._connection.fetch(sql.NEXT_TIMERS, names, now_ms)
        }
        return {
            name: Waiting(tuple(queue[:LOAD_LIMIT]), timers.get(name), len(queue) > LOAD_LIMIT)
            for name, queue in queues.items()
        }

    async def notify(self) -> None:
        """Tell other replicas that lanes wait for an owner."""
        await self._connection.execute("SELECT pg_notify($1, '')", sql.CHANNEL)
