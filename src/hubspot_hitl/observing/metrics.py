"""Counts what happens, for `/metrics` and the console. Plain numbers: a count costs a dict access.

Labels are closed sets (kinds of delivery, vendors' operations, error codes), never ids or texts.
"""

from __future__ import annotations

import secrets
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from hubspot_hitl import effects, events, intake
from hubspot_hitl.ledger.observer import Accepted, Buried, Event, Finished, Postponed

Direction = Literal["to_user", "to_agent"]

_TO_USER: Final = frozenset({*intake.DELIVERIES, *events.DELIVERIES, *effects.DELIVERIES})

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets; the last bucket has none."""
WAITS: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0)
"""The same for people who wait for people."""


@dataclass(slots=True)
class Histogram:
    """How often a value fell into each bucket of `bounds`, and the sum of all values."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0
    bounds: tuple[float, ...] = SECONDS

    @classmethod
    def of(cls, bounds: tuple[float, ...]) -> Histogram:
        """An empty one with other buckets."""
        return cls([0] * (len(bounds) + 1), 0.0, bounds)

    def add(self, seconds: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Observed(Protocol):
    """One attempt of one call to HubSpot, as its client tells it."""

    @property
    def operation(self) -> str:
        """Which call."""
        ...

    @property
    def error_code(self) -> str | None:
        """What went wrong."""
        ...

    @property
    def status(self) -> int | None:
        """HTTP status."""
        ...

    @property
    def seconds(self) -> float:
        """HubSpot's time."""
        ...


class Metrics:
    """Everything counted since the process began."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(4)
        self._events = 0
        self.accepted: Counter[str] = Counter()
        self.deliveries: Counter[tuple[Direction, str, str]] = Counter()
        self.retries: Counter[tuple[str, str]] = Counter()
        self.relay: dict[Direction, Histogram] = {"to_user": Histogram(), "to_agent": Histogram()}
        self.first_agent = Histogram.of(WAITS)
        self.calls: dict[tuple[str, str, str], Histogram] = {}
        self.hubspot_throttled = 0

    @property
    def moment(self) -> str:
        """Another text after each event, and in each process."""
        return f"{self._process}-{self._events}"

    def ledger(self, event: Event) -> None:
        """The ledger's observer."""
        self._events += 1
        if isinstance(event, Accepted):
            self.accepted["new"] += event.new
            self.accepted["known"] += event.known
            return
        if isinstance(event, Postponed):
            return
        kind = event.delivery.kind
        direction = direction_of(kind)
        if isinstance(event, Finished):
            self.deliveries[direction, kind, "done"] += 1
            if not event.delivery.timer:
                self.relay[direction].add(max(0, event.waited_ms) / 1000 + event.took_s)
        elif isinstance(event, Buried):
            self.deliveries[direction, kind, "dead"] += 1
        else:
            self.retries[kind, event.code] += 1

    def hubspot(self, installation_id: str, observed: Observed) -> None:
        """The HubSpot clients' observer; the installation is left out, for it is unbounded."""
        outcome = observed.error_code or "ok"
        self.hubspot_throttled += observed.status == 429
        self._call("hubspot", observed.operation, outcome, observed.seconds)

    def botpress(self, operation: str, outcome: str, seconds: float) -> None:
        """The Botpress clients' observer."""
        self._call("botpress", operation, outcome, seconds)

    def _call(self, vendor: str, operation: str, outcome: str, seconds: float) -> None:
        key = (vendor, operation, outcome)
        found = self.calls.get(key)
        if found is None:
            found = self.calls[key] = Histogram()
        found.add(seconds)


def direction_of(kind: str) -> Direction:
    """Which way a kind of delivery goes: what HubSpot told goes to the user."""
    return "to_user" if kind in _TO_USER else "to_agent"
