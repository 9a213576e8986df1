"""The ledger in SQLite: hot statements go straight to the driver, in the database's writer thread.

One process works on the file, so a lease never runs out while it lives; opening to work drops the
leases of the process before. Another process may look and replay (the command line).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import Connection

from hubspot_hitl.ledger.engine import LOAD_LIMIT, Transaction, ready_in
from hubspot_hitl.ledger.queries import (
    DELIVERY_COLUMNS,
    PURGE_CHUNK,
    delivery_of_row,
    found_by,
    health_figures,
    health_of_row,
    purged_deliveries,
    purged_lanes,
    redacted,
)
from hubspot_hitl.ledger.rows import ERASED_BODY, FinishRow, LaneRow, NewRow, RowRef, Waiting
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    LedgerHealth,
    Redaction,
)

T = TypeVar("T")

_FOREVER: Final = 1 << 62
_COLUMNS: Final = ", ".join(DELIVERY_COLUMNS)
_LANE_COLUMNS: Final = "lane, version, fence, owner, lease_until_ms, held_until_ms, due_ms, blocked"
_LOCK: Final = f"SELECT {_LANE_COLUMNS} FROM lanes WHERE lane IN (SELECT value FROM json_each(?))"  # noqa: S608
_REFS: Final = (
    "SELECT seq, dedup_key, lane, state FROM deliveries"
    " WHERE dedup_key IN (SELECT value FROM json_each(?))"
    " UNION SELECT seq, dedup_key, lane, state FROM deliveries"
    " WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
)
_INSERT: Final = (
    "INSERT INTO deliveries (dedup_key, lane, kind, installation_id, handoff_id, body, timer,"
    " state, due_ms, accepted_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 'ready', ?, ?)"
    " ON CONFLICT (dedup_key) DO NOTHING"
)
_FINISH: Final = (
    "UPDATE deliveries SET state = ?1, attempts = ?2, due_ms = ?3, finished_ms = ?4,"
    " error_code = ?5, error = ?6, note = ?7"
    " WHERE seq = ?8 AND (state = 'ready' OR (state = 'cancelled' AND ?1 = 'done'))"
)
_CANCEL: Final = (
    "UPDATE deliveries SET state = 'cancelled', finished_ms = ?"
    " WHERE seq = ? AND state IN (SELECT value FROM json_each(?))"
)
_REVIVE: Final = (
    "UPDATE deliveries SET attempts = CASE state WHEN 'ready' THEN attempts ELSE 0 END,"  # noqa: S608
    " state = 'ready', due_ms = ?1, finished_ms = NULL WHERE seq = ?2 AND"
    " (state IN ('dead', 'cancelled') OR (state = 'ready' AND NOT timer AND due_ms > ?1))"
    f" AND body <> '{ERASED_BODY}'"
)
_SAVE_LANE: Final = (
    "UPDATE lanes SET version = ?, fence = ?, owner = ?, held_until_ms = ?, due_ms = ?,"
    " blocked = ?, lease_until_ms = ? WHERE lane = ?"
)
_DUE: Final = (
    f"SELECT {_LANE_COLUMNS} FROM lanes WHERE due_ms <= ?1 AND held_until_ms <= ?1"  # noqa: S608
    " AND lease_until_ms = 0 ORDER BY due_ms LIMIT ?2"
)
_WAITING: Final = (
    f"SELECT {_COLUMNS} FROM deliveries WHERE lane = ?1 AND state = 'ready'"  # noqa: S608
    f" AND NOT (timer AND due_ms > ?2) ORDER BY seq LIMIT {LOAD_LIMIT + 1}"
)
_NEXT_TIMER: Final = (
    "SELECT min(due_ms) FROM deliveries"
    " WHERE lane = ?1 AND state = 'ready' AND timer AND due_ms > ?2"
)


class Database(Protocol):
    """What the ledger needs of the database: transactions, and looks."""

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction; return when durable. Raises StoreUnavailable."""
        ...

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn`, which only reads."""
        ...


class SqliteEngine:
    """The :class:`~hubspot_hitl.ledger.engine.Engine` in a SQLite file."""

    lease_s: float | None = None

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, *, alone: bool, owner: str, wake: Callable[[], None]) -> None:
        """Take over every lane when this process is to work. The database is open already."""
        if alone:
            await self._database.write(_drop_all_leases)

    async def close(self) -> None:
        """Nothing: whoever opened the database closes it."""

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in the writer thread."""
        return await self._database.write(
            lambda connection: _run_now(work(_SqliteTransaction(_raw(connection))))
        )

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        text, values = found_by(filter_, "?")
        return await self._database.read(
            lambda connection: [
                delivery_of_row(row) for row in _raw(connection).execute(text, values)
            ]
        )

    async def ready(self, lane: str) -> Sequence[Delivery]:
        """What a lane has that is ready, in order."""
        return await self.find(ready_in(lane))

    async def purge(self, finished_before_ms: int, now_ms: int) -> int:
        """Delete in chunks, so that accepts come in between."""
        gone = 0
        statement = purged_deliveries(finished_before_ms, skip_locked=False)
        while True:
            count = await self._database.write(lambda c: c.execute(statement).rowcount)
            gone += count
            if count < PURGE_CHUNK:
                break
        idle = purged_lanes(now_ms, skip_locked=False)
        while await self._database.write(lambda c: c.execute(idle).rowcount) == PURGE_CHUNK:
            pass
        return gone

    async def redact(self, which: Redaction) -> int:
        """Blank in chunks, so that accepts come in between."""
        statement = redacted(which, skip_locked=False)
        blanked = 0
        while True:
            count = await self._database.write(lambda c: c.execute(statement).rowcount)
            blanked += count
            if count < PURGE_CHUNK:
                return blanked

    async def health(self) -> LedgerHealth:
        """Count what waits and what died."""
        return await self._database.read(
            lambda connection: health_of_row(connection.execute(health_figures()).one())
        )


def _drop_all_leases(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE lanes SET lease_until_ms = 0 WHERE lease_until_ms > 0")


def _raw(connection: Connection) -> sqlite3.Connection:
    raw: object = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError(f"the SQLite ledger needs sqlite3, not {type(raw).__name__}")
    return raw


def _run_now(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, where there is no event loop."""
    results: list[T] = []

    async def run() -> None:
        results.append(await work)

    running = run()
    try:
        running.send(None)
    except StopIteration:
        return results[0]
    running.close()
    raise RuntimeError("a statement of the SQLite ledger tried to wait")


def _json(values: Collection[str] | Sequence[int]) -> str:
    return orjson.dumps(list(values)).decode()


def _lane(row: tuple[Any, ...]) -> LaneRow:
    lane, version, fence, owner, lease_until_ms, held_until_ms, due_ms, blocked = row
    return LaneRow(
        lane, version, fence, owner, lease_until_ms > 0, held_until_ms, due_ms, bool(blocked)
    )


class _SqliteTransaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def refs(self, keys: Sequence[str], seqs: Sequence[int]) -> Sequence[RowRef]:
        rows = self._connection.execute(_REFS, (_json(keys), _json(seqs)))
        return [RowRef(seq, key, lane, DeliveryState(state)) for seq, key, lane, state in rows]

    async def lock_lanes(
        self, lanes: Collection[str], create: Collection[str], now_ms: int
    ) -> dict[str, LaneRow]:
        if create:
            self._connection.executemany(
                "INSERT INTO lanes (lane, version, fence) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(name, now_ms, now_ms) for name in create],
            )
        rows = self._connection.execute(_LOCK, (_json(lanes),))
        return {row[0]: _lane(row) for row in rows}

    async def finish(self, rows: Sequence[FinishRow]) -> None:
        self._connection.executemany(
            _FINISH,
            [
                (
                    row.state.value,
                    row.attempts,
                    row.due_ms,
                    row.finished_ms,
                    row.error_code,
                    row.error,
                    row.note,
                    row.seq,
                )
                for row in rows
            ],
        )

    async def mark_started(self, seqs: Sequence[int]) -> None:
        self._connection.executemany(
            "UPDATE deliveries SET started = 1 WHERE seq = ?", [(seq,) for seq in seqs]
        )

    async def cancel(
        self, seqs: Sequence[int], states: Collection[DeliveryState], now_ms: int
    ) -> Collection[int]:
        allowed = _json([state.value for state in states])
        run = self._connection.execute
        return {seq for seq in seqs if run(_CANCEL, (now_ms, seq, allowed)).rowcount}

    async def revive(self, seqs: Sequence[int], now_ms: int) -> Collection[int]:
        run = self._connection.execute
        return {seq for seq in seqs if run(_REVIVE, (now_ms, seq)).rowcount}

    async def insert(self, rows: Sequence[NewRow], now_ms: int) -> Sequence[int | None]:
        seqs: list[int | None] = []
        cursor = self._connection.cursor()
        for row in rows:
            cursor.execute(
                _INSERT,
                (
                    row.dedup_key,
                    row.lane,
                    row.kind,
                    row.installation_id,
                    row.handoff_id,
                    row.body,
                    row.timer,
                    now_ms if row.due_ms is None else row.due_ms,
                    now_ms,
                ),
            )
            seqs.append(cursor.lastrowid if cursor.rowcount else None)
        return seqs

    async def save_lanes(self, lanes: Sequence[LaneRow], owner: str) -> None:
        self._connection.executemany(
            _SAVE_LANE,
            [
                (
                    lane.version,
                    lane.fence,
                    lane.owner,
                    lane.held_until_ms,
                    lane.due_ms,
                    lane.blocked,
                    _FOREVER if lane.live else 0,
                    lane.lane,
                )
                for lane in lanes
            ],
        )

    async def disown(self, owner: str, running: Collection[str]) -> None:
        self._connection.execute(
            "UPDATE lanes SET lease_until_ms = 0 WHERE owner = ? AND lease_until_ms > 0"
            " AND lane NOT IN (SELECT value FROM json_each(?))",
            (owner, _json(running)),
        )

    async def claim_due(
        self, owner: str, now_ms: int, limit: int
    ) -> Sequence[tuple[LaneRow, str | None]]:
        claimed: list[tuple[LaneRow, str | None]] = []
        for row in self._connection.execute(_DUE, (now_ms, limit)).fetchall():
            lane = _lane(row)
            before, lane.owner = lane.owner, owner
            lane.fence += 1
            lane.live = True
            lane.due_ms = now_ms
            claimed.append((lane, before))
        if claimed:
            await self.save_lanes([lane for lane, _ in claimed], owner)
        return claimed

    async def waiting(self, lanes: Collection[str], now_ms: int) -> Mapping[str, Waiting]:
        return {lane: self._waiting(lane, now_ms) for lane in lanes}

    def _waiting(self, lane: str, now_ms: int) -> Waiting:
        rows = self._connection.execute(_WAITING, (lane, now_ms)).fetchall()
        (timer_ms,) = self._connection.execute(_NEXT_TIMER, (lane, now_ms)).fetchone()
        queue = tuple(delivery_of_row(row) for row in rows[:LOAD_LIMIT])
        return Waiting(queue, timer_ms, len(rows) > LOAD_LIMIT)

    async def notify(self) -> None:
        """Nobody else works on the file."""
