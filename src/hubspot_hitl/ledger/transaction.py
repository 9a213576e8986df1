"""The order of things inside one transaction of the ledger, the same on every engine.

One call carries out all that has gathered. Lanes are locked in key order before any delivery is
touched; an idle one is claimed right here and its deliveries are handed over in memory: no poll.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hubspot_hitl.ledger.engine import Transaction
from hubspot_hitl.ledger.requests import (
    Accept,
    Cancel,
    ClaimDue,
    Claimed,
    Committed,
    Finish,
    Hold,
    LaneNews,
    Load,
    MarkStarted,
    Release,
    Renew,
    Replay,
    Reply,
    Request,
    touched,
)
from hubspot_hitl.ledger.rows import (
    STOPPED_MS,
    FinishRow,
    LaneRow,
    NewRow,
    RowRef,
    delivery_of,
)
from hubspot_hitl.ports.ledger import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who commits, when, and how many more lanes it can run.

    `running` is given when an earlier commit ended in doubt: lanes that are ours in the database
    but not among these are let go.
    """

    owner: str
    now_ms: int
    room: int
    running: frozenset[str] | None = None


async def carry_out(
    tx: Transaction, batch: Sequence[Request], circumstances: Circumstances
) -> Committed:
    """Do all of `batch` in one transaction; replies come in its order."""
    return await _Batch(tx, batch, circumstances).carry_out()


@dataclass(slots=True)
class _Batch:
    tx: Transaction
    batch: Sequence[Request]
    at: Circumstances
    lanes: dict[str, LaneRow] = field(default_factory=dict[str, LaneRow])
    base: dict[str, int] = field(default_factory=dict[str, int])
    news: dict[str, LaneNews] = field(default_factory=dict[str, LaneNews])
    to_load: set[str] = field(default_factory=set[str])
    room: int = 0
    notify: bool = False
    out: Committed = field(default_factory=lambda: Committed([]))

    async def carry_out(self) -> Committed:
        self.room = self.at.room
        self.out.replies.extend(Reply() for _ in self.batch)
        refs = await self._lock()
        inserts = await self._finish(refs)
        await self._cancel_and_replay(refs)
        await self._insert(inserts)
        self._hold()
        self._give_back_and_renew()
        changed = [lane for lane in self.lanes.values() if lane.dirty]
        if changed:
            await self.tx.save_lanes(changed, self.at.owner)
        await self._claim_due()
        await self._load()
        self._reply_versions()
        if self.notify:
            await self.tx.notify()
        self.out.news.extend(self.news.values())
        return self.out

    # -- locking
    async def _lock(self) -> list[RowRef]:
        about = touched(self.batch)
        refs: list[RowRef] = []
        if about.keys or about.seqs:
            refs.extend(await self.tx.refs(about.keys, about.seqs))
        about.lanes.update(ref.lane for ref in refs)
        if about.lanes:
            self.lanes = await self.tx.lock_lanes(about.lanes, about.create, self.at.now_ms)
            self.base = {name: lane.version for name, lane in self.lanes.items()}
            self._let_go_of_doubtful()
        return refs

    def _let_go_of_doubtful(self) -> None:
        """Lanes that a commit claimed whose answer never came: nobody here runs them."""
        owner, running = self.at.owner, self.at.running
        for lane in self.lanes.values():
            mine = lane.live and lane.owner == owner
            if running is not None and mine and lane.lane not in running:
                lane.live, lane.lease, lane.dirty = False, "drop", True

    def _owned(self, claim: Claimed) -> LaneRow | None:
        lane = self.lanes.get(claim.lane)
        return lane if lane and lane.is_owned(self.at.owner, claim.fence) else None

    def _news(self, lane: LaneRow) -> LaneNews | None:
        """Where to note a change of a lane; None when it is not ours to run."""
        if not (lane.live and lane.owner == self.at.owner):
            return None
        if lane.lane not in self.news:
            self.news[lane.lane] = LaneNews(
                lane.lane, lane.fence, self.base.get(lane.lane, lane.version), lane.version
            )
        return self.news[lane.lane]

    def _changed(self, lane: LaneRow) -> LaneNews | None:
        lane.version += 1
        lane.dirty = True
        news = self._news(lane)
        if news:
            news.version = lane.version
            news.held_until_ms = lane.held_until_ms
        return news

    # -- deliveries
    async def _finish(self, refs: list[RowRef]) -> list[tuple[int | None, NewRow]]:
        """Write the ends of attempts; returns all rows to insert, each with who counts it."""
        inserts: list[tuple[int | None, NewRow]] = []
        finished: list[FinishRow] = []
        started: list[int] = []
        for index, request in enumerate(self.batch):
            if isinstance(request, Accept):
                inserts.extend((index, row) for row in request.rows)
            elif isinstance(request, Finish):
                lane = self._owned(request.claim)
                if lane is None:
                    self.out.replies[index].owned = False
                    continue
                finished.append(request.row)
                inserts.extend((None, row) for row in request.then)
                if request.stop_lane:
                    lane.held_until_ms = STOPPED_MS
                    self._changed(lane)
            elif isinstance(request, MarkStarted):
                if request.claim is None or self._owned(request.claim):
                    started.append(request.seq)
                else:
                    self.out.replies[index].owned = False
        if finished:
            await self.tx.finish(finished)
        if started:
            await self.tx.mark_started(started)
        return inserts

    async def _cancel_and_replay(self, refs: list[RowRef]) -> None:
        if not refs:
            return
        by_key = {ref.dedup_key: ref for ref in refs}
        by_seq = {ref.seq: ref for ref in refs}
        ready = {DeliveryState.READY}
        for reply, request in zip(self.out.replies, self.batch, strict=True):
            match request:
                case Finish(cancel=keys, running=running) if keys and reply.owned:
                    found = [by_key[key] for key in keys if key in by_key]
                    await self._cancel(found, ready, running)
                case Cancel(keys, seqs, running):
                    found = [by_key[key] for key in keys if key in by_key]
                    reply.count = await self._cancel(found, ready, running)
                    found = [by_seq[seq] for seq in seqs if seq in by_seq]
                    reply.count += await self._cancel(
                        found, {DeliveryState.READY, DeliveryState.DEAD}, running
                    )
                case Replay(seqs):
                    found = [by_seq[seq] for seq in seqs if seq in by_seq]
                    reply.count = await self._revive(found)
                case _:
                    pass

    async def _cancel(
        self, refs: Sequence[RowRef], states: set[DeliveryState], running: frozenset[int]
    ) -> int:
        if not (seqs := [ref.seq for ref in refs if ref.seq not in running]):
            return 0
        done = await self.tx.cancel(seqs, states, self.at.now_ms)
        for ref in refs:
            if ref.seq not in done:
                continue
            lane = self.lanes[ref.lane]
            news = self._changed(lane)
            if news:
                news.cancelled.add(ref.seq)
            elif not lane.live and lane.blocked:
                self._look_again(lane)
            if ref.state is DeliveryState.DEAD:
                self._start_again(lane)
        return len(done)

    async def _revive(self, refs: Sequence[RowRef]) -> int:
        done = await self.tx.revive([ref.seq for ref in refs], self.at.now_ms)
        for ref in refs:
            if ref.seq not in done:
                continue
            lane = self.lanes[ref.lane]
            news = self._changed(lane)
            if news:
                news.reload = True
            elif not lane.live:
                self._look_again(lane)
            if ref.state is not DeliveryState.READY:
                self._start_again(lane)
        return len(done)

    def _look_again(self, lane: LaneRow) -> None:
        """Have an idle lane claimed and read anew: what it waited for is not what it was."""
        lane.due_ms = self.at.now_ms
        lane.dirty = True
        self._wants_owner(lane)

    def _start_again(self, lane: LaneRow) -> None:
        """Let a lane go on that a dead letter had stopped."""
        if lane.held_until_ms == STOPPED_MS:
            lane.held_until_ms = 0
            self._changed(lane)
            self._wants_owner(lane)

    async def _insert(self, inserts: Sequence[tuple[int | None, NewRow]]) -> None:
        if not inserts:
            return
        seqs = await self.tx.insert([row for _, row in inserts], self.at.now_ms)
        by_lane: dict[str, list[Delivery]] = {}
        for (index, row), seq in zip(inserts, seqs, strict=True):
            if seq is None:
                continue
            if index is not None:
                self.out.replies[index].count += 1
            by_lane.setdefault(row.lane, []).append(delivery_of(row, seq, self.at.now_ms))
        for name, deliveries in by_lane.items():
            self._arrived(self.lanes[name], deliveries)

    def _arrived(self, lane: LaneRow, deliveries: list[Delivery]) -> None:
        """Hand new deliveries to their lane's runner, or claim the lane for them if it is idle."""
        news = self._changed(lane)
        if news:
            news.deliveries.extend(deliveries)
            return
        if lane.live:
            return
        now_ms = self.at.now_ms
        waits = lane.due_ms
        load = waits is not None and waits <= now_ms
        if not load and not (lane.blocked and waits is not None):
            due_ms, lane.blocked = _first_due(deliveries)
            lane.due_ms = due_ms if waits is None else min(waits, due_ms)
        if lane.due_ms is None or lane.due_ms > now_ms or lane.held_until_ms > now_ms:
            self._wants_owner(lane)
            return
        if self.room <= 0:
            self.out.backlog = self.notify = True
            return
        news = self._claim(lane)
        if load:
            self.to_load.add(lane.lane)
        else:
            news.deliveries.extend(deliveries)
            news.timer_ms = waits

    def _claim(self, lane: LaneRow) -> LaneNews:
        self.room -= 1
        before, lane.owner = lane.owner, self.at.owner
        lane.fence += 1
        lane.live = True
        lane.lease = "take"
        lane.due_ms = self.at.now_ms
        lane.dirty = True
        return self._fresh(lane, before)

    def _fresh(self, lane: LaneRow, before: str | None) -> LaneNews:
        news = LaneNews(lane.lane, lane.fence, lane.version, lane.version, fresh=True)
        news.moved = before is not None and before != self.at.owner
        news.held_until_ms = lane.held_until_ms
        self.news[lane.lane] = news
        return news

    # -- lanes
    def _hold(self) -> None:
        for request in self.batch:
            if not isinstance(request, Hold):
                continue
            lane = self.lanes[request.lane]
            if lane.held_until_ms == STOPPED_MS:
                continue
            lane.held_until_ms = request.until_ms
            if not lane.live:
                # Whoever holds it may change what the last owner keeps in memory.
                lane.owner = self.at.owner
            self._changed(lane)
            self._wants_owner(lane)

    def _wants_owner(self, lane: LaneRow) -> None:
        """See to it that an idle lane is looked at in time."""
        if lane.live or lane.due_ms is None or lane.held_until_ms == STOPPED_MS:
            return
        at_ms = max(lane.due_ms, lane.held_until_ms)
        self.out.wake_ms.append(at_ms)
        if at_ms <= self.at.now_ms:
            self.out.backlog = self.notify = True

    def _give_back_and_renew(self) -> None:
        for reply, request in zip(self.out.replies, self.batch, strict=True):
            match request:
                case Release(claim, version, due_ms, blocked):
                    lane = self._owned(claim)
                    if lane is None:
                        reply.owned = False
                    elif version is None or version == lane.version:
                        lane.live, lane.lease, lane.dirty = False, "drop", True
                        lane.due_ms, lane.blocked = due_ms, blocked
                        reply.released = True
                        self.news.pop(lane.lane, None)
                        self.out.released.append(claim)
                        self._wants_owner(lane)
                case Load(claim):
                    lane = self._owned(claim)
                    if lane is None:
                        reply.owned = False
                    else:
                        lane.lease, lane.dirty = "take", True
                        self.to_load.add(lane.lane)
                case Renew(claims):
                    kept = {claim.lane: self._owned(claim) for claim in claims}
                    reply.lost = tuple(name for name, lane in kept.items() if lane is None)
                    for lane in kept.values():
                        if lane is not None and lane.lease == "keep":
                            lane.lease, lane.dirty = "take", True
                case _:
                    pass

    async def _claim_due(self) -> None:
        if self.at.running is not None:
            await self.tx.disown(self.at.owner, self.at.running | self.news.keys())
        wanting = [
            reply
            for reply, request in zip(self.out.replies, self.batch, strict=True)
            if isinstance(request, ClaimDue)
        ]
        if not wanting:
            return
        self.out.looked = True
        limit = self.room + len(self.out.released)
        if limit > 0:
            claimed = await self.tx.claim_due(self.at.owner, self.at.now_ms, limit)
            for lane, before in claimed:
                self._fresh(lane, before)
                self.to_load.add(lane.lane)
                self.lanes[lane.lane] = lane
            wanting[0].count = len(claimed)
            self.out.backlog = len(claimed) == limit
        else:
            self.out.backlog = True

    async def _load(self) -> None:
        if not self.to_load:
            return
        waiting = await self.tx.waiting(self.to_load, self.at.now_ms)
        for name in self.to_load:
            lane = self.lanes[name]
            news = self._news(lane)
            if news:
                news.waiting = waiting[name]
                news.held_until_ms = lane.held_until_ms

    def _reply_versions(self) -> None:
        for reply, request in zip(self.out.replies, self.batch, strict=True):
            if isinstance(request, Finish | Release | Load):
                lane = self.lanes.get(request.claim.lane)
                if lane is not None:
                    reply.version = lane.version


def _first_due(deliveries: Sequence[Delivery]) -> tuple[int, bool]:
    """When the first of a lane's deliveries can run, and whether one that is no timer waits."""
    due: list[int] = []
    for delivery in deliveries:
        due.append(delivery.due_ms)
        if not delivery.timer:
            return min(due), True
    return min(due), False
