"""Numbers for people: times of handoffs and deliveries over a span, and who waits longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HandoffTimes:
    """When things happened to one handoff, epoch ms; None where they have not."""

    created_ms: int
    state: str
    assigned_ms: int | None = None
    first_reply_ms: int | None = None
    ended_ms: int | None = None
    end_reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTimes:
    """When a delivery was accepted and done, epoch ms."""

    kind: str
    accepted_ms: int
    finished_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who asked for a person and has none yet."""

    handoff_id: str
    user_name: str | None
    created_ms: int


class Figures(Protocol):
    """Read-only numbers. Raises StoreUnavailable when the database is away."""

    async def handoffs(self, since_ms: int, limit: int) -> Sequence[HandoffTimes]:
        """Handoffs that began at `since_ms` or later, newest first, at most `limit`."""
        ...

    async def deliveries(self, since_ms: int, limit: int) -> Sequence[DeliveryTimes]:
        """Deliveries done at `since_ms` or later, newest first, without timers."""
        ...

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """Handoffs without an agent, the longest wait first."""
        ...
