"""Numbers for people: how long things took, how handoffs ended, how much of a rate limit was used.

Counted by when a thing happened, not by when its handoff began: what is over does not change, and
a wait that has just ended shows at once, however long it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
EXACT_BELOW_MS: Final = 64
"""Durations are gathered into bins; below this each millisecond has its own."""


@dataclass(slots=True)
class Tally:
    """How often durations fell into bins: lower bound in ms -> count, and the longest.

    A bin is at most a thirty-second of its values wide, so a quantile is off by 1.6 % at most.
    """

    bins: Counter[int] = field(default_factory=Counter[int])
    most_ms: int = 0

    @property
    def count(self) -> int:
        """How many durations there are."""
        return self.bins.total()

    def add(self, low_ms: int, count: int, most_ms: int) -> None:
        """Take in `count` durations of one bin, the longest of which is `most_ms`."""
        self.bins[low_ms] += count
        self.most_ms = max(self.most_ms, most_ms)

    def merge(self, other: Tally) -> None:
        """Take in what another one counted."""
        self.bins.update(other.bins)
        self.most_ms = max(self.most_ms, other.most_ms)

    def quantile(self, share: float) -> float | None:
        """The nearest-rank quantile, from the middle of its bin; None without durations.

        >>> tally = Tally()
        >>> for low_ms in (1, 2, 3, 4, 10):
        ...     tally.add(low_ms, 1, low_ms)
        >>> tally.quantile(0.5), tally.quantile(0.9)
        (3, 10)
        """
        rank, seen = max(1, ceil(share * self.count)), 0
        for low_ms in sorted(self.bins):
            seen += self.bins[low_ms]
            if seen >= rank:
                return min(low_ms + (bin_width(low_ms) - 1) / 2, self.most_ms)
        return None


def bin_width(low_ms: int) -> int:
    """How many milliseconds the bin that begins at `low_ms` covers.

    >>> bin_width(63), bin_width(64), bin_width(1_000_000)
    (1, 2, 16384)
    """
    return 1 if low_ms < EXACT_BELOW_MS else 1 << (low_ms.bit_length() - 6)


@dataclass(slots=True)
class Counted:
    """What happened in a stretch of time.

    `durations` by figure: `waiting` (until the first agent), `first_response` (until the first
    answer), `handle` (from the first agent to the end), `delivery` (from accepted to delivered).
    `ended`: handoffs that ended, by reason. `open`: those that began then and go on, by state.
    """

    durations: dict[str, Tally] = field(default_factory=dict[str, Tally])
    ended: Counter[str] = field(default_factory=Counter[str])
    open: Counter[str] = field(default_factory=Counter[str])

    def of(self, figure: str) -> Tally:
        """The tally of a figure, made when it is missing."""
        return self.durations.setdefault(figure, Tally())

    def merge(self, other: Counted) -> None:
        """Take in another stretch."""
        for figure, tally in other.durations.items():
            self.of(figure).merge(tally)
        self.ended.update(other.ended)
        self.open.update(other.open)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who asked for a person and has none yet."""

    handoff_id: str
    user_name: str | None
    created_ms: int


class Figures(Protocol):
    """Read-only numbers. Raises StoreUnavailable when the database is away."""

    async def counted(self, starts: Sequence[int], step_ms: int) -> Mapping[int, Counted]:
        """What happened in each of the steps that begin at `starts`, epoch ms.

        `starts` are consecutive multiples of `step_ms`; steps in which nothing happened are absent.
        """
        ...

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """Handoffs without an agent, the longest wait first."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Budget:
    """Whose rate limit it is: HubSpot counts by app and portal."""

    app_id: str
    portal: str


class Rates(Protocol):
    """How much of each portal's rate limit was used. Raises StoreUnavailable."""

    async def peaks(
        self, starts: Sequence[int], step_ms: int
    ) -> Mapping[Budget, Mapping[int, float]]:
        """The highest share of the limit in use within each step, 0 to 1, by portal.

        The highest of what all replicas saw; steps without calls are absent.
        """
        ...
