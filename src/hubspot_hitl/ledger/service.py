"""The ledger as the rest of the house knows it: an engine below, a worker beside."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import uuid4

import structlog

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.committer import Committer
from hubspot_hitl.ledger.engine import Engine
from hubspot_hitl.ledger.observer import Accepted, Observer, ignore
from hubspot_hitl.ledger.requests import (
    Accept,
    Cancel,
    ClaimDue,
    Committed,
    Hold,
    Renew,
    Replay,
)
from hubspot_hitl.ledger.rows import is_storable, new_row
from hubspot_hitl.ledger.transaction import Circumstances
from hubspot_hitl.ledger.worker import Worker, WorkerOptions
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    Handler,
    LedgerHealth,
    NewDelivery,
    Redaction,
)

_log = structlog.get_logger(__name__)


def _nobody_cares(lane: str) -> None:
    """Default of `on_lane_moved`."""


RENEW_S: Final = 1.0
"""Leases are renewed at least so often: PostgreSQL's replicas take that for a sign of life."""


class LaneLedger:
    """The :class:`~hubspot_hitl.ports.ledger.Ledger` of this project.

    `handlers` is looked up at each delivery, so that it may be filled until `start`.
    `on_lane_moved` is told of a lane that another process ran before: what is cached of it is old.
    """

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[str, Handler],
        clock: Clock,
        options: WorkerOptions | None = None,
        *,
        observe: Observer = ignore,
        on_lane_moved: Callable[[str], None] = _nobody_cares,
        owner: str | None = None,
    ) -> None:
        self.owner = owner or uuid4().hex
        self._engine = engine
        self._clock = clock
        self._options = options or WorkerOptions()
        self._worker = Worker(
            handlers,
            clock,
            self._options,
            lease_s=engine.lease_s,
            observe=observe,
            on_lane_moved=on_lane_moved,
            wants_more=self._look_now,
        )
        self._committer = Committer(engine, self._circumstances, self._apply)
        self._began_s = 0.0
        self._nudged = asyncio.Event()
        self._look = False
        self._wakes: list[int] = []
        self._wakes_known: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []

    # -- life
    async def start(self, *, work: bool = True) -> None:
        """Open the engine and, with `work`, run what waits. Raises StoreUnavailable."""
        await self._engine.open(alone=work, owner=self.owner, wake=self._look_now)
        self._committer.start()
        if not work:
            return
        self._worker.start(self._committer)
        self._look_now()
        self._tasks.append(asyncio.create_task(self._look_for_lanes(), name="ledger-poll"))
        if self._engine.lease_s is not None:
            heartbeat = self._keep_leases(min(self._engine.lease_s / 3, RENEW_S))
            self._tasks.append(asyncio.create_task(heartbeat, name="ledger-leases"))

    async def stop(self, grace_s: float = 10.0) -> None:
        """Begin nothing new, give what runs `grace_s` to end, leave the rest ready, disconnect."""
        self._worker.take_no_more()
        with suppress(StoreUnavailable):
            await self._committer.submit()  # what was being written may still have claimed lanes
        await self._worker.stop(grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._committer.close()
        await self._engine.close()

    @property
    def lanes_running(self) -> int:
        """How many lanes a handler or a mark is at work in, in this process."""
        return len(self._worker.lanes)

    # -- the port
    async def accept(self, deliveries: Sequence[NewDelivery]) -> int:
        """Write all in one transaction and return, when durable, how many were new."""
        if not deliveries:
            return 0
        rows = [new_row(new) for new in deliveries]
        (reply,) = await self._committer.submit(Accept(rows))
        self._worker.tell(Accepted(reply.count, len(rows) - reply.count))
        return reply.count

    async def mark_started(self, delivery: Delivery) -> None:
        """Remember durably that an effect without idempotency is about to happen.

        Raises LaneLost when another replica has taken the lane over: the effect must not happen.
        """
        await self._worker.mark_started(delivery)

    async def hold(self, lane: str, until_ms: int) -> None:
        """Run nothing of `lane` before `until_ms`; a later call replaces an earlier one.

        A moment that has passed lets the lane go on at once. A lane that a dead letter stopped
        (option `stop_lane_on_dead`) goes on only when that is replayed or discarded.
        """
        await self._committer.submit(Hold(lane, until_ms))

    async def cancel(self, dedup_keys: Sequence[str]) -> int:
        """Cancel ready deliveries that have not begun; returns how many.

        One that is being run here ends, and is done if it succeeds; it is not tried again.
        """
        keys = [key for key in dedup_keys if is_storable(key)]
        if not keys:
            return 0
        running = self._worker.running(keys=keys)
        (reply,) = await self._committer.submit(Cancel(keys=keys, running=running))
        return reply.count

    async def replay(self, seqs: Sequence[int]) -> int:
        """Make dead or cancelled deliveries ready again at their old place in the lane.

        One that waits after a failure is tried at once instead; its failures still count.
        """
        if not seqs:
            return 0
        (reply,) = await self._committer.submit(Replay(seqs))
        return reply.count

    async def discard(self, seqs: Sequence[int]) -> int:
        """Cancel dead or ready deliveries for good; returns how many."""
        if not seqs:
            return 0
        running = self._worker.running(seqs=seqs)
        (reply,) = await self._committer.submit(Cancel(seqs=seqs, running=running))
        return reply.count

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        return await self._engine.find(filter_)

    async def beside(self, delivery: Delivery) -> Sequence[Delivery]:
        """The other ready deliveries of its lane in order, but for timers that are not due."""
        if self._engine.lease_s is None and (known := self._worker.beside(delivery)) is not None:
            return known
        now_ms = self._clock.now_ms()
        return [
            one
            for one in await self._engine.ready(delivery.lane)
            if one.seq != delivery.seq and not (one.timer and one.due_ms > now_ms)
        ]

    async def purge(self, finished_before_ms: int) -> int:
        """Delete done and cancelled rows that finished before; returns how many."""
        return await self._engine.purge(finished_before_ms, self._clock.now_ms())

    async def redact(self, which: Redaction) -> int:
        """Blank body, error and note of deliveries that ended or died; returns how many had any."""
        return await self._engine.redact(which)

    async def health(self) -> LedgerHealth:
        """Count what waits and what died."""
        await self._committer.prove()
        return await self._engine.health()

    # -- inside
    def _circumstances(self, in_doubt: bool) -> Circumstances:
        self._began_s = self._clock.monotonic()
        running = self._worker.lanes if in_doubt else None
        return Circumstances(self.owner, self._clock.now_ms(), self._worker.room, running)

    def _apply(self, committed: Committed) -> None:
        self._worker.apply(committed, self._began_s)
        self._worker.backlog = committed.backlog or (self._worker.backlog and not committed.looked)
        if committed.backlog and self._worker.room:
            self._look_now()
        horizon_ms = self._clock.now_ms() + round(self._options.wake_horizon_s * 1000)
        for at_ms in committed.wake_ms:
            if at_ms <= horizon_ms and at_ms not in self._wakes_known:
                if not self._wakes or at_ms < self._wakes[0]:
                    self._nudged.set()
                heapq.heappush(self._wakes, at_ms)
                self._wakes_known.add(at_ms)

    def _look_now(self) -> None:
        self._look = True
        self._nudged.set()

    async def _look_for_lanes(self) -> None:
        """Claim lanes that are due: at a known moment, on a hint, and every `poll_s`."""
        while True:
            self._nudged.clear()
            now_ms = self._clock.now_ms()
            while self._wakes and self._wakes[0] <= now_ms:
                self._wakes_known.discard(heapq.heappop(self._wakes))
                self._look = True
            if self._look and self._worker.room:
                self._look = False
                await self._claim_due()
                continue
            wait_s = self._options.poll_s
            if self._wakes:
                wait_s = min(wait_s, (self._wakes[0] - now_ms) / 1000)
            if await self._nap(wait_s):
                self._look = True

    async def _nap(self, wait_s: float) -> bool:
        """Sleep, or until somebody nudges; whether the time has passed."""

        def slept(sleep: asyncio.Future[None]) -> None:
            if not sleep.cancelled():  # else the end of one nap would end the next, for ever
                self._nudged.set()

        sleep = asyncio.ensure_future(self._clock.sleep(wait_s))
        sleep.add_done_callback(slept)
        try:
            await self._nudged.wait()
            return sleep.done()
        finally:
            sleep.cancel()

    async def _claim_due(self) -> None:
        try:
            await self._committer.submit(ClaimDue())
        except StoreUnavailable:
            _log.warning("ledger_poll_failed")
            await self._clock.sleep(self._options.poll_s)
            self._look = True
        except Exception as error:
            _log.exception("ledger_poll_failed", error=type(error).__name__)
            await self._clock.sleep(self._options.poll_s)

    async def _keep_leases(self, every_s: float) -> None:
        while True:
            await self._clock.sleep(every_s)
            claims = [queue.claim for queue in self._worker.claims]
            if not claims:
                continue
            began_s = self._clock.monotonic()
            try:
                (reply,) = await self._committer.submit(Renew(claims))
            except StoreUnavailable:
                _log.warning("ledger_leases_not_renewed", lanes=len(claims))
                continue
            self._worker.renewed([claim.lane for claim in claims], reply.lost, began_s)
