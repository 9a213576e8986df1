"""What a worker knows of one lane it owns, and what is to be done next; pure.

Strict order by sequence: a delivery that is not due yet blocks those behind it. A timer that is
not due is passed over. Only due timers are in the queue; of the others the earliest moment is
known, and when it has come the lane is read anew so that the timer takes its place in the order.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from hubspot_hitl.ledger.requests import Claimed, LaneNews
from hubspot_hitl.ports.ledger import Delivery

_QUEUE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """Call the handler of this delivery."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Reload:
    """Read from the database what waits."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Give the lane back; it wants to be looked at when `due_ms` has come (None: never)."""

    due_ms: int | None
    blocked: bool


Step = Run | Reload | Rest


@dataclass(slots=True)
class LaneQueue:
    """The deliveries of an owned lane, in order."""

    lane: str
    fence: int
    version: int
    held_until_ms: int = 0
    timer_ms: int | None = None
    queue: list[Delivery] = field(default_factory=list[Delivery])
    more: bool = False
    stale: bool = False

    @property
    def claim(self) -> Claimed:
        """The claim that every request about this lane carries."""
        return Claimed(self.lane, self.fence)

    def hear(self, news: LaneNews, now_ms: int) -> None:
        """Take in what a transaction changed."""
        if news.waiting is not None:
            self.queue = list(news.waiting.deliveries)
            self.timer_ms = news.waiting.timer_ms
            self.more = news.waiting.more
            self.stale = False
        else:
            if news.reload or (not news.fresh and news.base_version != self.version):
                self.stale = True
            self._remember_timer(news.timer_ms)
            for delivery in news.deliveries:
                self.put(delivery, now_ms)
        if news.cancelled:
            self.drop(news.cancelled)
        self.version = news.version
        self.held_until_ms = news.held_until_ms

    def put(self, delivery: Delivery, now_ms: int) -> None:
        """Put a delivery to its place, also one that is to be tried again."""
        if delivery.timer and delivery.due_ms > now_ms:
            self._remember_timer(delivery.due_ms)
        elif self.more and (not self.queue or delivery.seq > self.queue[-1].seq):
            return  # it is behind what was not read yet
        elif len(self.queue) >= _QUEUE_LIMIT:
            self.more = True
        else:
            insort(self.queue, delivery, key=_seq)

    def drop(self, seqs: Collection[int]) -> None:
        """Forget cancelled deliveries."""
        self.queue = [delivery for delivery in self.queue if delivery.seq not in seqs]

    def next(self, now_ms: int) -> Step:
        """What is to be done now; a delivery to run is taken out of the queue."""
        if self.stale:
            return Reload()
        if self.held_until_ms > now_ms:
            return self.rest(now_ms)
        if self.timer_ms is not None and self.timer_ms <= now_ms:
            return Reload()
        if self.queue:
            if self.queue[0].due_ms <= now_ms:
                return Run(self.queue.pop(0))
            return self.rest(now_ms)
        return Reload() if self.more else self.rest(now_ms)

    def rest(self, now_ms: int) -> Rest:
        """How to give the lane back as it stands."""
        if self.stale or self.more:
            return Rest(now_ms, blocked=True)
        due_ms = [self.queue[0].due_ms] if self.queue else []
        if self.timer_ms is not None:
            due_ms.append(self.timer_ms)
        return Rest(min(due_ms, default=None), blocked=bool(self.queue))

    def _remember_timer(self, at_ms: int | None) -> None:
        if at_ms is not None and (self.timer_ms is None or at_ms < self.timer_ms):
            self.timer_ms = at_ms


def _seq(delivery: Delivery) -> int:
    return delivery.seq
