"""Times of handoffs and deliveries, gathered into buckets of a span and summed up. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType

from hubspot_hitl.ports.figures import DeliveryTimes, HandoffTimes

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time up to now: `count` buckets of `bucket_ms`."""

    name: str
    label: str
    bucket_ms: int
    count: int

    def starts(self, now_ms: int) -> list[int]:
        """Where the buckets begin, oldest first; the last one is not over."""
        last = now_ms // self.bucket_ms * self.bucket_ms
        return [last - self.bucket_ms * back for back in reversed(range(self.count))]


SPANS = MappingProxyType(
    {
        "hour": Span("hour", "last hour", 5 * MINUTE_MS, 12),
        "day": Span("day", "last day", HOUR_MS, 24),
        "week": Span("week", "last week", 6 * HOUR_MS, 28),
    }
)


@dataclass(frozen=True, slots=True)
class Spread:
    """How some durations are spread, ms; None where there are none."""

    count: int
    median_ms: float | None
    p90_ms: float | None
    most_ms: float | None


def spread(values: Sequence[float]) -> Spread:
    """Nearest-rank median, 90th percentile and maximum.

    >>> spread([1, 2, 3, 4, 10])
    Spread(count=5, median_ms=3, p90_ms=10, most_ms=10)
    """
    if not values:
        return Spread(0, None, None, None)
    ordered = sorted(values)
    rank = [ordered[max(0, ceil(share * len(ordered)) - 1)] for share in (0.5, 0.9)]
    return Spread(len(ordered), rank[0], rank[1], ordered[-1])


@dataclass(frozen=True, slots=True)
class Durations:
    """One duration over a span: a spread for each bucket, and for all."""

    name: str
    label: str
    explained: str
    starts: Sequence[int]
    buckets: Sequence[Spread]
    whole: Spread


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Handoffs that began in each bucket, by what became of them."""

    starts: Sequence[int]
    names: Sequence[str]
    buckets: Sequence[Counter[str]] = field(default_factory=tuple[Counter[str], ...])

    @property
    def totals(self) -> Counter[str]:
        """Over the whole span."""
        return sum(self.buckets, Counter[str]())


def durations(
    span: Span, now_ms: int, handoffs: Sequence[HandoffTimes], deliveries: Sequence[DeliveryTimes]
) -> list[Durations]:
    """Every duration that the console draws."""
    ended = [one for one in handoffs if one.ended_ms is not None]
    return [
        _over(span, now_ms, "waiting", "Waiting time", "from the request until an agent takes it",
              ((one.created_ms, one.assigned_ms) for one in handoffs)),
        _over(span, now_ms, "first_response", "First response", "from the request to the first"
              " answer of an agent", ((one.created_ms, one.first_reply_ms) for one in handoffs)),
        _over(span, now_ms, "handle", "Handle time", "from the request to the end",
              ((one.created_ms, one.ended_ms) for one in ended)),
        _over(span, now_ms, "delivery", "Delivery latency", "from the moment a message was written"
              " down until it was delivered",
              ((one.accepted_ms, one.finished_ms) for one in deliveries)),
    ]  # fmt: skip


def _over(
    span: Span,
    now_ms: int,
    name: str,
    label: str,
    explained: str,
    pairs: Iterable[tuple[int, int | None]],
) -> Durations:
    starts = span.starts(now_ms)
    sorted_in: list[list[float]] = [[] for _ in starts]
    for begin, end in pairs:
        index = (begin - starts[0]) // span.bucket_ms
        if end is not None and 0 <= index < len(starts):
            sorted_in[index].append(max(0, end - begin))
    every = [value for values in sorted_in for value in values]
    return Durations(name, label, explained, starts, [*map(spread, sorted_in)], spread(every))


def outcomes(span: Span, now_ms: int, handoffs: Sequence[HandoffTimes]) -> Outcomes:
    """Handoffs by what became of them: their end's reason, else their state."""
    starts = span.starts(now_ms)
    buckets: list[Counter[str]] = [Counter() for _ in starts]
    for one in handoffs:
        index = (one.created_ms - starts[0]) // span.bucket_ms
        if 0 <= index < len(starts):
            over = one.state not in ("starting", "pending", "assigned")
            buckets[index][(one.end_reason if over else None) or one.state] += 1
    return Outcomes(starts, sorted({name for bucket in buckets for name in bucket}), buckets)
