"""Runs lanes: many at once, each one delivery at a time, in order.

The next delivery of a lane begins only when the end of the one before is durable, so that after a
kill at most one delivery per lane is repeated. Starting it earlier would gain less than one fsync
per delivery and would double that number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

import structlog

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger import observer
from hubspot_hitl.ledger.attempt import LaneLost
from hubspot_hitl.ledger.backoff import Policies
from hubspot_hitl.ledger.caller import Caller
from hubspot_hitl.ledger.committer import Committer
from hubspot_hitl.ledger.lane import LaneQueue, Reload, Rest, Run, Step
from hubspot_hitl.ledger.requests import (
    Committed,
    Finish,
    LaneNews,
    Load,
    MarkStarted,
    Release,
    Reply,
    Request,
)
from hubspot_hitl.ledger.shares import Shares
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import Delivery, Handler

_log = structlog.get_logger(__name__)
_MARK_AGAIN_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How the ledger works.

    `concurrency`: lanes at a time. `turn`: deliveries after which a lane lets waiting lanes go
    first. `handler_timeout_s` ends a handler that hangs. `poll_s`: how often lanes are looked for
    that nobody announced. `wake_horizon_s`: due times further away are left to the poll.
    `circuits`: which vendors answer whom. `patient`: the kinds of delivery that can wait, of which
    few are run at a time. `given_up`: the kinds of which one delivery alone that a vendor chokes on
    is given up (:mod:`hubspot_hitl.ledger.choking`).
    """

    concurrency: int = 256
    turn: int = 64
    handler_timeout_s: float = 300.0
    poll_s: float = 1.0
    wake_horizon_s: float = 5.0
    stop_lane_on_dead: bool = False
    circuits: Circuits | None = None
    patient: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()
    policies: Policies = field(default_factory=Policies)


@dataclass(slots=True, eq=False)
class _LaneRun:
    """A lane of ours while a task works on it."""

    queue: LaneQueue
    lease_until_s: float
    moved: bool
    current: Delivery | None = None
    cancelled: bool = False
    over: bool = False
    turns: int = 0
    task: asyncio.Task[None] | None = None


class Worker:
    """Owns lanes, calls handlers, marks what became of them."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        clock: Clock,
        options: WorkerOptions,
        *,
        lease_s: float | None,
        observe: observer.Observer,
        on_lane_moved: Callable[[str], None],
        wants_more: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._options = options
        self._lease_s = lease_s
        self._observe = observe
        self._on_lane_moved = on_lane_moved
        self._wants_more = wants_more
        self._runs: dict[str, _LaneRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._committer: Committer | None = None
        self._shares = Shares(options.concurrency)
        self._stopping = True
        self._caller = Caller(
            handlers,
            clock,
            options.policies,
            options.handler_timeout_s,
            options.circuits,
            options.given_up,
        )
        self.backlog = False

    # -- what the service asks
    def start(self, committer: Committer) -> None:
        """Accept lanes from now on."""
        self._committer = committer
        self._stopping = False

    @property
    def room(self) -> int:
        """How many more lanes may be claimed."""
        return 0 if self._stopping else max(0, self._options.concurrency - len(self._runs))

    @property
    def lanes(self) -> frozenset[str]:
        """The lanes that run."""
        return frozenset(self._runs)

    @property
    def claims(self) -> list[LaneQueue]:
        """The lanes that run, with their claims."""
        return [run.queue for run in self._runs.values()]

    def running(self, keys: Sequence[str] = (), seqs: Sequence[int] = ()) -> frozenset[int]:
        """Which of these deliveries are being run; each will not be tried again if it fails."""
        found: set[int] = set()
        if not keys and not seqs:
            return frozenset()
        for run in self._runs.values():
            current = run.current
            if current and (current.dedup_key in keys or current.seq in seqs):
                run.cancelled = True
                found.add(current.seq)
        return frozenset(found)

    def beside(self, delivery: Delivery) -> Sequence[Delivery] | None:
        """What waits in the lane in which this one is being run; None if that is not known."""
        run = self._runs.get(delivery.lane)
        if run is None or run.current is None or run.current.seq != delivery.seq:
            return None
        return None if run.queue.stale or run.queue.more else tuple(run.queue.queue)

    def renewed(self, lanes: Sequence[str], lost: Sequence[str], began_s: float) -> None:
        """Take in which leases were prolonged and which were lost."""
        for lane in lanes:
            run = self._runs.get(lane)
            if run is None:
                continue
            if lane in lost:
                run.lease_until_s = 0.0
            else:
                run.lease_until_s = max(run.lease_until_s, self._lease_end(began_s))

    def apply(self, committed: Committed, began_s: float) -> None:
        """Take in what a transaction changed; called in the order of the transactions."""
        for claim in committed.released:
            run = self._runs.get(claim.lane)
            if run and run.queue.fence == claim.fence:
                run.over = True
                del self._runs[claim.lane]
        for news in committed.news:
            if news.fresh:
                self._begin(news, began_s)
                continue
            run = self._runs.get(news.lane)
            if run is None or run.queue.fence != news.fence:
                continue
            run.queue.hear(news, self._clock.now_ms())
            if run.current and run.current.seq in news.cancelled:
                run.cancelled = True

    async def mark_started(self, delivery: Delivery) -> None:
        """See :meth:`hubspot_hitl.ports.ledger.Ledger.mark_started`; raises LaneLost."""
        run = self._runs.get(delivery.lane)
        current = run.current if run else None
        mine = run if current and current.seq == delivery.seq else None
        request = MarkStarted(delivery.seq, delivery.lane, mine.queue.claim if mine else None)
        (reply,) = await self._commit(request)
        if not reply.owned:
            raise LaneLost(f"lane {delivery.lane!r} has another owner: stop this attempt")
        if mine and mine.current:
            mine.current = replace(mine.current, started=True)

    def tell(self, event: observer.Event) -> None:
        """Tell the observer; what it raises is logged and does no harm."""
        try:
            self._observe(event)
        except Exception:
            _log.exception("ledger_observer_failed", event_type=type(event).__name__)

    def take_no_more(self) -> None:
        """Begin nothing new: no lane is claimed in a transaction that starts after this."""
        self._stopping = True

    async def stop(self, grace_s: float) -> None:
        """Wait for what runs, cancel the rest and give all lanes back; after `take_no_more`."""
        if self._tasks:
            grace = asyncio.ensure_future(self._clock.sleep(grace_s))
            done = asyncio.ensure_future(_all_of(self._tasks))
            await asyncio.wait({grace, done}, return_when=asyncio.FIRST_COMPLETED)
            grace.cancel()
            done.cancel()
        for task in self._tasks:
            task.cancel()
        await _all_of(self._tasks)
        now_ms = self._clock.now_ms()
        left = [Release(run.queue.claim, None, now_ms, True) for run in self._runs.values()]
        if left:
            try:
                await self._commit(*left)
            except StoreUnavailable:
                _log.warning("ledger_lanes_not_released", lanes=len(left))
        self._runs.clear()

    # -- one lane
    def _begin(self, news: LaneNews, began_s: float) -> None:
        before = self._runs.get(news.lane)
        if before:
            before.over = True
        queue = LaneQueue(news.lane, news.fence, news.version)
        queue.hear(news, self._clock.now_ms())
        run = _LaneRun(queue, self._lease_end(began_s), news.moved)
        self._runs[news.lane] = run
        run.task = asyncio.create_task(self._run(run, before), name=f"lane {news.lane}")
        self._tasks.add(run.task)
        run.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self.backlog and not self._stopping:
            self._wants_more()

    def _lease_end(self, began_s: float) -> float:
        return float("inf") if self._lease_s is None else began_s + self._lease_s

    async def _run(self, run: _LaneRun, before: _LaneRun | None) -> None:
        if before and before.task:  # lost and claimed again while its old handler still ran
            await asyncio.wait({before.task})
        try:
            if run.moved:
                self._on_lane_moved(run.queue.lane)
            while not run.over:
                await self._advance(run, self._next(run))
        except Exception as error:
            # Ours to mend; the lane is looked at again later instead of being stuck.
            _log.exception("lane_failed", lane=run.queue.lane, error=type(error).__name__)
            due_ms = self._clock.now_ms() + 1_000
            await self._insist(run, Release(run.queue.claim, None, due_ms, True))
            self._forget(run)

    def _next(self, run: _LaneRun) -> Step:
        now_ms = self._clock.now_ms()
        if self._stopping:
            return run.queue.rest(now_ms)
        if run.turns >= self._options.turn and self.backlog:
            run.turns = 0
            rest = run.queue.rest(now_ms)
            return Rest(max(rest.due_ms or 0, now_ms), rest.blocked) if rest.due_ms else rest
        return run.queue.next(now_ms)

    async def _advance(self, run: _LaneRun, step: Step) -> None:
        match step:
            case Run(delivery):
                if run.lease_until_s <= self._clock.monotonic():
                    await self._reload(run)
                else:
                    await self._take_turn(run, delivery)
            case Reload():
                await self._reload(run)
            case Rest():
                await self._give_back(run, step)
            case _:
                assert_never(step)

    async def _take_turn(self, run: _LaneRun, delivery: Delivery) -> None:
        """Attempt a delivery, unless its installation holds its share of the places already.

        Then the lane is given back as it is, so that others get on: nothing was tried.
        """
        installation_id, patient = delivery.installation_id, delivery.kind in self._options.patient
        wait_s = self._shares.begin(installation_id, self._clock.monotonic(), patient=patient)
        if wait_s is not None:
            run.queue.queue.insert(0, delivery)
            await self._give_back(run, Rest(self._clock.now_ms() + round(wait_s * 1000), True))
            return
        run.turns += 1
        try:
            await self._attempt(run, delivery)
        finally:
            self._shares.end(installation_id, self._clock.monotonic(), patient=patient)

    async def _give_back(self, run: _LaneRun, rest: Rest) -> None:
        (reply,) = await self._insist(run, _release(run.queue, rest))
        self._heard(run, reply)

    async def _reload(self, run: _LaneRun) -> None:
        began_s = self._clock.monotonic()
        run.queue.stale = True
        (reply,) = await self._insist(run, Load(run.queue.claim))
        self._heard(run, reply)
        if not run.over:
            run.lease_until_s = max(run.lease_until_s, self._lease_end(began_s))

    async def _attempt(self, run: _LaneRun, delivery: Delivery) -> None:
        run.current, run.cancelled = delivery, False
        try:
            settled = await self._caller.call(delivery, lambda: (run.current, run.cancelled))
            requests: list[Request] = [
                Finish(
                    run.queue.claim,
                    settled.row,
                    settled.then,
                    settled.cancel,
                    self.running(settled.cancel) if settled.cancel else frozenset(),
                    stop_lane=settled.dead and self._options.stop_lane_on_dead,
                )
            ]
            if settled.again:
                run.queue.put(settled.again, self._clock.now_ms())
            if not settled.then and not settled.cancel:
                rest = self._peek(run)
                if rest:
                    requests.append(_release(run.queue, rest))
            run.current = None
            finished, *_ = await self._insist(run, *requests)
        finally:
            run.current = None
        if finished.owned and settled.event:
            self.tell(settled.event)
        self._heard(run, finished)

    def _peek(self, run: _LaneRun) -> Rest | None:
        """How to give the lane back, if there is nothing to do in it now."""
        queue, now_ms = run.queue, self._clock.now_ms()
        if self._stopping:
            return queue.rest(now_ms)
        idle = not queue.queue or queue.queue[0].due_ms > now_ms
        waits = queue.timer_ms is None or queue.timer_ms > now_ms
        return queue.rest(now_ms) if idle and waits and not (queue.stale or queue.more) else None

    # -- commits
    def _heard(self, run: _LaneRun, reply: Reply) -> None:
        if not reply.owned:
            _log.warning("lane_lost", lane=run.queue.lane)
            self._forget(run)
        elif reply.version != run.queue.version:
            run.queue.stale = True  # another replica changed the lane

    def _forget(self, run: _LaneRun) -> None:
        run.over = True
        if self._runs.get(run.queue.lane) is run:
            del self._runs[run.queue.lane]

    async def _commit(self, *requests: Request) -> Sequence[Reply]:
        if self._committer is None:
            raise StoreUnavailable("the ledger is not running")
        return await self._committer.submit(*requests)

    async def _insist(self, run: _LaneRun, *requests: Request) -> Sequence[Reply]:
        """Commit, however long the database is away: the effect has happened already."""
        failures = 0
        while True:
            try:
                return await self._commit(*requests)
            except StoreUnavailable:
                wait_s = _MARK_AGAIN_S[min(failures, len(_MARK_AGAIN_S) - 1)]
                failures += 1
                _log.warning("ledger_mark_waits", lane=run.queue.lane, failures=failures)
                await self._clock.sleep(wait_s)


def _release(queue: LaneQueue, rest: Rest) -> Release:
    """Give a lane back, unless another replica changes it first and there is more to be done.

    What another has changed already is given back as it is, to be looked at anew.
    """
    version = None if queue.stale else queue.version
    return Release(queue.claim, version, rest.due_ms, rest.blocked)


async def _all_of(tasks: set[asyncio.Task[None]]) -> None:
    while tasks:
        await asyncio.wait(set(tasks))
