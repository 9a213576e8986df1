"""What happened in a span up to now, in buckets to draw: durations, outcomes, rate limits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hubspot_hitl.ports.figures import HOUR_MS, MINUTE_MS, Budget, Counted, Tally


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

FIGURES = MappingProxyType(
    {
        "waiting": ("Waiting time", "from the request until the first agent took it"),
        "first_response": ("First response", "from the request to an agent's first answer"),
        "handle": ("Handle time", "from the first agent to the end"),
        "delivery": (
            "Delivery latency",
            "from the moment a message was written down until it was delivered",
        ),
    }
)
"""Each duration with its name and what it means."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How some durations are spread, ms; None where there are none."""

    count: int
    median_ms: float | None
    p90_ms: float | None
    most_ms: float | None


def spread(tally: Tally) -> Spread:
    """Nearest-rank median, 90th percentile and maximum.

    >>> tally = Tally()
    >>> tally.add(1, 3, 1)
    >>> tally.add(10, 1, 10)
    >>> spread(tally)
    Spread(count=4, median_ms=1, p90_ms=10, most_ms=10)
    """
    if not tally.count:
        return Spread(0, None, None, None)
    return Spread(tally.count, tally.quantile(0.5), tally.quantile(0.9), tally.most_ms)


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
    """Handoffs that ended in each bucket by reason, and those that began there and go on."""

    starts: Sequence[int]
    names: Sequence[str]
    buckets: Sequence[Counter[str]]

    @property
    def totals(self) -> Counter[str]:
        """Over the whole span."""
        return sum(self.buckets, Counter[str]())


@dataclass(frozen=True, slots=True)
class Used:
    """The highest share of one portal's rate limit in use, 0 to 1; None without calls."""

    budget: Budget
    buckets: Sequence[float | None]

    @property
    def most(self) -> float:
        """Over the whole span."""
        return max((one for one in self.buckets if one is not None), default=0.0)


@dataclass(frozen=True, slots=True)
class RateUse:
    """All portals that were called, the busiest first."""

    starts: Sequence[int]
    portals: Sequence[Used]

    @property
    def busiest(self) -> Sequence[tuple[float, Budget] | None]:
        """For each bucket the highest share, and whose it was."""
        return [
            max(
                ((share, one.budget) for one in self.portals if (share := one.buckets[index])),
                default=None,
            )
            for index in range(len(self.starts))
        ]


def durations(starts: Sequence[int], counted: Mapping[int, Counted]) -> list[Durations]:
    """Every duration that the console draws."""
    nothing = Counted()
    found: list[Durations] = []
    for name, (label, explained) in FIGURES.items():
        tallies = [counted.get(start, nothing).of(name) for start in starts]
        whole = Tally()
        for tally in tallies:
            whole.merge(tally)
        buckets = [spread(tally) for tally in tallies]
        found.append(Durations(name, label, explained, starts, buckets, spread(whole)))
    return found


def outcomes(starts: Sequence[int], counted: Mapping[int, Counted]) -> Outcomes:
    """Handoffs by what became of them: their end's reason, else their state."""
    nothing = Counted()
    found = [counted.get(start, nothing) for start in starts]
    buckets = [one.ended + one.open for one in found]
    return Outcomes(starts, sorted({name for bucket in buckets for name in bucket}), buckets)


def rate_use(starts: Sequence[int], peaks: Mapping[Budget, Mapping[int, float]]) -> RateUse:
    """How much of each portal's rate limit was in use."""
    portals = [
        Used(budget, [shares.get(start) for start in starts]) for budget, shares in peaks.items()
    ]
    return RateUse(starts, sorted(portals, key=lambda one: (-one.most, one.budget)))
