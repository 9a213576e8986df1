"""What an engine under the ledger has to offer: a few statements inside one transaction.

The order of things lives once, in :mod:`hubspot_hitl.ledger.transaction`; an engine only knows how
its database says them. Every transaction locks lanes in key order first and touches deliveries
after, else PostgreSQL deadlocks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from hubspot_hitl.ledger.rows import FinishRow, LaneRow, NewRow, RowRef, Waiting
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    LedgerHealth,
    Redaction,
)

T = TypeVar("T")

LOAD_LIMIT = 64
"""How many deliveries of a lane are kept in memory at a time after it was read anew."""
MOST_READY = 1_000


class Transaction(Protocol):
    """The statements of one transaction. They are async for PostgreSQL's sake only."""

    async def refs(self, keys: Sequence[str], seqs: Sequence[int]) -> Sequence[RowRef]:
        """Find deliveries by key or sequence, without locking."""
        ...

    async def lock_lanes(
        self, lanes: Collection[str], create: Collection[str], now_ms: int
    ) -> dict[str, LaneRow]:
        """Lock `lanes` in key order, after making those of `create` that are missing."""
        ...

    async def finish(self, rows: Sequence[FinishRow]) -> None:
        """Write the ends of attempts. What was cancelled meanwhile can only become done."""
        ...

    async def mark_started(self, seqs: Sequence[int]) -> None:
        """Set `started`."""
        ...

    async def cancel(
        self, seqs: Sequence[int], states: Collection[DeliveryState], now_ms: int
    ) -> Collection[int]:
        """Cancel those that are in one of `states`; returns which."""
        ...

    async def revive(self, seqs: Sequence[int], now_ms: int) -> Collection[int]:
        """Make dead or cancelled ones ready, without attempts; returns which."""
        ...

    async def insert(self, rows: Sequence[NewRow], now_ms: int) -> Sequence[int | None]:
        """Insert in this order; for each its sequence, or None when its key is known."""
        ...

    async def save_lanes(self, lanes: Sequence[LaneRow], owner: str) -> None:
        """Write changed lanes."""
        ...

    async def disown(self, owner: str, running: Collection[str]) -> None:
        """Drop the leases of `owner` on lanes that are not `running`."""
        ...

    async def claim_due(
        self, owner: str, now_ms: int, limit: int
    ) -> Sequence[tuple[LaneRow, str | None]]:
        """Claim lanes that are due, longest first, skipping locked ones; with the owner before."""
        ...

    async def waiting(self, lanes: Collection[str], now_ms: int) -> Mapping[str, Waiting]:
        """Read what lanes have to run, at most `LOAD_LIMIT` deliveries each."""
        ...

    async def notify(self) -> None:
        """Tell other replicas that lanes wait for an owner."""
        ...


def ready_in(lane: str) -> DeliveryFilter:
    """What is ready in a lane, in order."""
    return DeliveryFilter(
        lane=lane, states=(DeliveryState.READY,), limit=MOST_READY, newest_first=False
    )


class Engine(Protocol):
    """Where the ledger is kept. Raises StoreUnavailable while that is away."""

    @property
    def lease_s(self) -> float | None:
        """How long a claim counts without being renewed; None: as long as the process lives."""
        ...

    async def open(self, *, alone: bool, owner: str, wake: Callable[[], None]) -> None:
        """Connect as `owner`. `alone`: take over every lane if no other process can be working.

        `wake` may be called from then on, in the loop, when another replica notifies.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in a transaction and return when durable; may run it again from the start."""
        ...

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        ...

    async def ready(self, lane: str) -> Sequence[Delivery]:
        """What a lane has that is ready, in order, timers among it; at most `MOST_READY`."""
        ...

    async def purge(self, finished_before_ms: int, now_ms: int) -> int:
        """Delete done and cancelled rows, and lanes that nothing is left to do in."""
        ...

    async def redact(self, which: Redaction) -> int:
        """Blank what finished or dead rows hold; returns how many held something."""
        ...

    async def health(self) -> LedgerHealth:
        """Count what waits and what died."""
        ...
