"""What the flight recorder is told: one journey for each attempt of a delivery and each operation.

Whoever does the work notes what it finds out on the current journey; without a recorder there is
none, and noting costs a look. Nothing here may hold a person's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Protocol

MOST_CALLS: Final = 50


@dataclass(frozen=True, slots=True)
class CallMade:
    """One call to a vendor. `outcome` is `ok` or the error's code; times in ms, epoch for `at_ms`.

    `correlation_id` is what the vendor's support asks for.
    """

    vendor: str
    operation: str
    at_ms: int
    took_ms: float
    outcome: str
    status: int | None = None
    correlation_id: str | None = None


@dataclass(slots=True)
class Journey:
    """What is being done. `seq` is the delivery's number, None for an operation of Botpress.

    `failures` counts those before this attempt; `accepted_ms`: when the delivery was written down;
    `parent`: the W3C traceparent of whoever asked.
    """

    name: str
    at_ms: int
    installation_id: str = ""
    handoff_id: str | None = None
    seq: int | None = None
    failures: int = 0
    accepted_ms: int | None = None
    parent: str | None = None
    took_ms: float = 0.0
    outcome: str = "ok"
    calls: list[CallMade] = field(default_factory=list[CallMade])
    notes: dict[str, object] = field(default_factory=dict[str, object])


current: ContextVar[Journey | None] = ContextVar("hubspot_hitl_journey", default=None)


def about(handoff_id: str) -> None:
    """Say which handoff the current journey turned out to be about."""
    journey = current.get()
    if journey is not None:
        journey.handoff_id = handoff_id


def note(name: str, value: object) -> None:
    """Remember a decision or a figure, as JSON without anybody's words."""
    journey = current.get()
    if journey is not None:
        journey.notes[name] = value


def called(call: CallMade) -> None:
    """Remember a call to a vendor."""
    journey = current.get()
    if journey is not None and len(journey.calls) < MOST_CALLS:
        journey.calls.append(call)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A journey as it was kept. Times in ms, epoch for `at_ms`."""

    name: str
    seq: int | None
    at_ms: int
    took_ms: float
    outcome: str
    failures: int = 0
    calls: Sequence[CallMade] = ()
    notes: Mapping[str, object] = field(default_factory=dict[str, object])


class FlightLog(Protocol):
    """Where journeys are kept. What was told a moment before a crash may be missing."""

    async def of(self, handoff_id: str) -> Sequence[Recorded]:
        """The journeys of a handoff, oldest first. Raises StoreUnavailable."""
        ...

    async def purge(self, before_ms: int) -> int:
        """Forget journeys that began before; returns how many."""
        ...


class NoFlightLog:
    """Keeps nothing."""

    async def of(self, handoff_id: str) -> Sequence[Recorded]:
        """None."""
        return ()

    async def purge(self, before_ms: int) -> int:
        """None."""
        return 0
