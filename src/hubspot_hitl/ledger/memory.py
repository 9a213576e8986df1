"""The ledger in memory: for tests and other runtimes. Durable as long as the object lives.

A second :class:`~hubspot_hitl.ledger.service.LaneLedger` on the same engine is what a restart is
to a database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hubspot_hitl.ledger.engine import LOAD_LIMIT, Transaction, ready_in
from hubspot_hitl.ledger.rows import FinishRow, LaneRow, NewRow, RowRef, Waiting, delivery_of
from hubspot_hitl.ports.ledger import (
    ERASED,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    LedgerHealth,
    Redaction,
)

T = TypeVar("T")
_FINISHED = frozenset({DeliveryState.DONE, DeliveryState.CANCELLED})
_REVIVABLE = frozenset({DeliveryState.DEAD, DeliveryState.CANCELLED})


@dataclass(slots=True)
class _Tables:
    deliveries: dict[int, Delivery] = field(default_factory=dict[int, Delivery])
    by_key: dict[str, int] = field(default_factory=dict[str, int])
    ready: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    lanes: dict[str, LaneRow] = field(default_factory=dict[str, LaneRow])
    last_seq: int = 0

    def put(self, delivery: Delivery) -> None:
        self.deliveries[delivery.seq] = delivery
        ready = self.ready.setdefault(delivery.lane, set())
        if delivery.state is DeliveryState.READY:
            ready.add(delivery.seq)
        else:
            ready.discard(delivery.seq)
            if not ready:
                del self.ready[delivery.lane]


class MemoryEngine:
    """The :class:`~hubspot_hitl.ledger.engine.Engine` over dictionaries."""

    lease_s: float | None = None

    def __init__(self) -> None:
        self._tables = _Tables()

    async def open(self, *, alone: bool, owner: str, wake: Callable[[], None]) -> None:
        """Take over every lane."""
        if alone:
            for lane in self._tables.lanes.values():
                lane.live = False

    async def close(self) -> None:
        """Keep what is there for the next one."""

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `work`; nothing here waits, so nothing comes between its statements."""
        return await work(_MemoryTransaction(self._tables))

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        tables = self._tables
        seqs = sorted(tables.deliveries, reverse=filter_.newest_first)
        found = (tables.deliveries[seq] for seq in seqs)
        matching = [delivery for delivery in found if _matches(delivery, filter_)]
        return matching[: filter_.limit]

    async def ready(self, lane: str) -> Sequence[Delivery]:
        """What a lane has that is ready, in order."""
        return await self.find(ready_in(lane))

    async def purge(self, finished_before_ms: int, now_ms: int) -> int:
        """Delete done and cancelled rows, and lanes that nothing is left to do in."""
        tables = self._tables
        gone = [
            delivery
            for delivery in tables.deliveries.values()
            if delivery.state in _FINISHED and (delivery.finished_ms or 0) < finished_before_ms
        ]
        for delivery in gone:
            del tables.deliveries[delivery.seq]
            del tables.by_key[delivery.dedup_key]
        idle = [
            name
            for name, lane in tables.lanes.items()
            if not lane.live and lane.held_until_ms <= now_ms and name not in tables.ready
        ]
        for name in idle:
            del tables.lanes[name]
        return len(gone)

    async def redact(self, which: Redaction) -> int:
        """Blank what finished or dead rows hold."""
        held = [
            delivery
            for delivery in self._tables.deliveries.values()
            if delivery.state is not DeliveryState.READY
            and delivery.body != ERASED
            and which.handoff_id in (None, delivery.handoff_id)
            and which.lane in (None, delivery.lane)
            and (
                which.finished_before_ms is None
                or (delivery.finished_ms or 0) < which.finished_before_ms
            )
        ]
        for delivery in held:
            self._tables.put(replace(delivery, body=dict(ERASED), error=None, note=None))
        return len(held)

    async def health(self) -> LedgerHealth:
        """Count what waits and what died."""
        states = [delivery.state for delivery in self._tables.deliveries.values()]
        waiting = [
            delivery.accepted_ms
            for delivery in self._tables.deliveries.values()
            if delivery.state is DeliveryState.READY and not delivery.timer
        ]
        return LedgerHealth(
            ready=states.count(DeliveryState.READY),
            dead=states.count(DeliveryState.DEAD),
            oldest_ready_ms=min(waiting, default=None),
        )


class _MemoryTransaction:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    async def refs(self, keys: Sequence[str], seqs: Sequence[int]) -> Sequence[RowRef]:
        tables = self._tables
        wanted = {tables.by_key[key] for key in keys if key in tables.by_key}
        wanted.update(seq for seq in seqs if seq in tables.deliveries)
        found = [tables.deliveries[seq] for seq in sorted(wanted)]
        return [RowRef(row.seq, row.dedup_key, row.lane, row.state) for row in found]

    async def lock_lanes(
        self, lanes: Collection[str], create: Collection[str], now_ms: int
    ) -> dict[str, LaneRow]:
        table = self._tables.lanes
        for name in create:
            if name not in table:
                table[name] = LaneRow(name, now_ms, now_ms, None, False, 0, None, False)
        return {name: replace(table[name]) for name in sorted(lanes) if name in table}

    async def finish(self, rows: Sequence[FinishRow]) -> None:
        for row in rows:
            delivery = self._tables.deliveries.get(row.seq)
            if delivery is None:
                continue
            may = delivery.state is DeliveryState.READY or (
                delivery.state is DeliveryState.CANCELLED and row.state is DeliveryState.DONE
            )
            if not may:
                continue
            self._tables.put(
                replace(
                    delivery,
                    state=row.state,
                    attempts=row.attempts,
                    due_ms=row.due_ms,
                    finished_ms=row.finished_ms,
                    error_code=row.error_code,
                    error=row.error,
                    note=row.note,
                )
            )

    async def mark_started(self, seqs: Sequence[int]) -> None:
        for seq in seqs:
            if seq in self._tables.deliveries:
                self._tables.put(replace(self._tables.deliveries[seq], started=True))

    async def cancel(
        self, seqs: Sequence[int], states: Collection[DeliveryState], now_ms: int
    ) -> Collection[int]:
        return self._move(seqs, states, DeliveryState.CANCELLED, finished_ms=now_ms)

    async def revive(self, seqs: Sequence[int], now_ms: int) -> Collection[int]:
        waiting = {
            seq
            for seq, one in ((seq, self._tables.deliveries.get(seq)) for seq in seqs)
            if one and one.state is DeliveryState.READY and not one.timer and one.due_ms > now_ms
        }
        for seq in waiting:
            self._tables.put(replace(self._tables.deliveries[seq], due_ms=now_ms))
        return {
            *waiting,
            *self._move(seqs, _REVIVABLE, DeliveryState.READY, due_ms=now_ms),
        }

    def _move(
        self,
        seqs: Sequence[int],
        states: Collection[DeliveryState],
        to: DeliveryState,
        *,
        finished_ms: int | None = None,
        due_ms: int | None = None,
    ) -> Collection[int]:
        moved: set[int] = set()
        for seq in seqs:
            delivery = self._tables.deliveries.get(seq)
            if delivery is None or delivery.state not in states:
                continue
            if to is DeliveryState.READY and delivery.body == ERASED:
                continue
            delivery = replace(delivery, state=to, finished_ms=finished_ms)
            if due_ms is not None:
                delivery = replace(delivery, attempts=0, due_ms=due_ms)
            self._tables.put(delivery)
            moved.add(seq)
        return moved

    async def insert(self, rows: Sequence[NewRow], now_ms: int) -> Sequence[int | None]:
        tables = self._tables
        seqs: list[int | None] = []
        for row in rows:
            if row.dedup_key in tables.by_key:
                seqs.append(None)
                continue
            tables.last_seq += 1
            tables.by_key[row.dedup_key] = tables.last_seq
            tables.put(delivery_of(row, tables.last_seq, now_ms))
            seqs.append(tables.last_seq)
        return seqs

    async def save_lanes(self, lanes: Sequence[LaneRow], owner: str) -> None:
        for lane in lanes:
            live = lane.lease == "take" or (lane.lease == "keep" and lane.live)
            saved = replace(lane, live=live, lease="keep", dirty=False)
            self._tables.lanes[lane.lane] = saved

    async def disown(self, owner: str, running: Collection[str]) -> None:
        for lane in self._tables.lanes.values():
            if lane.owner == owner and lane.lane not in running:
                lane.live = False

    async def claim_due(
        self, owner: str, now_ms: int, limit: int
    ) -> Sequence[tuple[LaneRow, str | None]]:
        due = [
            (lane.due_ms, lane.lane)
            for lane in self._tables.lanes.values()
            if not lane.live
            and lane.due_ms is not None
            and lane.due_ms <= now_ms
            and lane.held_until_ms <= now_ms
        ]
        claimed: list[tuple[LaneRow, str | None]] = []
        for _, name in sorted(due)[:limit]:
            lane = self._tables.lanes[name]
            before, lane.owner = lane.owner, owner
            lane.fence += 1
            lane.live = True
            lane.due_ms = now_ms
            claimed.append((replace(lane), before))
        return claimed

    async def waiting(self, lanes: Collection[str], now_ms: int) -> Mapping[str, Waiting]:
        return {name: self._waiting(name, now_ms) for name in lanes}

    def _waiting(self, lane: str, now_ms: int) -> Waiting:
        seqs = sorted(self._tables.ready.get(lane, ()))
        rows = [self._tables.deliveries[seq] for seq in seqs]
        timers = [row.due_ms for row in rows if row.timer and row.due_ms > now_ms]
        queue = [row for row in rows if not row.timer or row.due_ms <= now_ms]
        return Waiting(
            tuple(queue[:LOAD_LIMIT]), min(timers, default=None), len(queue) > LOAD_LIMIT
        )

    async def notify(self) -> None:
        """Nobody else listens."""


def _matches(delivery: Delivery, filter_: DeliveryFilter) -> bool:
    after_ms, before_ms = filter_.accepted_after_ms, filter_.accepted_before_ms
    pairs = (
        (filter_.seq, delivery.seq),
        (filter_.lane, delivery.lane),
        (filter_.handoff_id, delivery.handoff_id),
        (filter_.installation_id, delivery.installation_id),
        (filter_.kind, delivery.kind),
        (filter_.error_code, delivery.error_code),
    )
    return (
        all(wanted is None or wanted == actual for wanted, actual in pairs)
        and (not filter_.states or delivery.state in filter_.states)
        and (filter_.dedup_key is None or delivery.dedup_key == filter_.dedup_key)
        and (filter_.key_part is None or f":{filter_.key_part}:" in f":{delivery.dedup_key}:")
        and (after_ms is None or delivery.accepted_ms >= after_ms)
        and (before_ms is None or delivery.accepted_ms < before_ms)
    )
