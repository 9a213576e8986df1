"""The ledger: what is accepted is durable, and done exactly once, in order within its lane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from hubspot_hitl.errors import InvalidPayload


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    READY = "ready"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something to be done once.

    `dedup_key` makes a second accept of the same thing a no-op, for as long as the row is kept.
    `body` is JSON. `due_ms` (epoch) holds it back until then. `timer` deliveries never hold up
    their lane: while not due they are passed over; others keep the order of acceptance strictly.
    `handoff_id` and `installation_id` are there for people who search.
    """

    dedup_key: str
    lane: str
    kind: str
    installation_id: str
    body: Mapping[str, object]
    handoff_id: str | None = None
    due_ms: int | None = None
    timer: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the ledger. Times are epoch milliseconds; `attempts` counts finished failures."""

    seq: int
    dedup_key: str
    lane: str
    kind: str
    installation_id: str
    body: Mapping[str, object]
    handoff_id: str | None
    timer: bool
    state: DeliveryState
    attempts: int
    due_ms: int
    accepted_ms: int
    finished_ms: int | None = None
    error_code: str | None = None
    error: str | None = None
    note: str | None = None
    started: bool = False

    def again(self, dedup_key: str) -> NewDelivery:
        """The same to be done once more, behind what its lane has by then."""
        return NewDelivery(
            dedup_key=dedup_key,
            lane=self.lane,
            kind=self.kind,
            installation_id=self.installation_id,
            body=self.body,
            handoff_id=self.handoff_id,
        )

    def number(self, name: str) -> int:
        """A whole number of its body. Raises InvalidPayload when there is none of this name."""
        value = self.body.get(name)
        if not isinstance(value, int):
            raise InvalidPayload(f"delivery {self.seq} of kind {self.kind!r} has no {name!r}")
        return value

    def waited_s(self, now_ms: int) -> float:
        """For how many seconds it has been here."""
        return (now_ms - self.accepted_ms) / 1000


@dataclass(frozen=True, slots=True)
class Done:
    """A handler's success. `note` is kept for the flight recorder.

    `then` is accepted in the same transaction that marks the delivery done; `cancel` names dedup
    keys of ready deliveries that are cancelled in it.
    """

    note: str | None = None
    then: Sequence[NewDelivery] = ()
    cancel: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """A handler's wish to be called again after `after_s`; not a failure, costs no attempt."""

    after_s: float
    reason: str


Outcome = Done | Later
Handler = Callable[[Delivery], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a person wants to see. Empty fields match all; times in epoch ms.

    `key_part` is one of the parts between colons that dedup keys are made of, such as the id of a
    message at either vendor; it takes a look at every delivery, the whole `dedup_key` does not.
    """

    seq: int | None = None
    dedup_key: str | None = None
    key_part: str | None = None
    states: Sequence[DeliveryState] = ()
    lane: str | None = None
    handoff_id: str | None = None
    installation_id: str | None = None
    kind: str | None = None
    error_code: str | None = None
    accepted_after_ms: int | None = None
    accepted_before_ms: int | None = None
    newest_first: bool = True
    limit: int = 100


ERASED: Mapping[str, object] = MappingProxyType({"erased": True})
"""The body of a delivery whose content was blanked."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which deliveries lose their content: all that match every field that is set.

    `finished_before_ms` is epoch milliseconds. Deliveries that wait are never touched. Raises
    ValueError without any field: nobody means all of them.
    """

    handoff_id: str | None = None
    lane: str | None = None
    finished_before_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse what names nothing."""
        if self.handoff_id is None and self.lane is None and self.finished_before_ms is None:
            raise ValueError("a redaction names a handoff, a lane or a time")


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Figures for readiness and metrics."""

    ready: int
    dead: int
    oldest_ready_ms: int | None


class Ledger(Protocol):
    """The port everything else uses. Raises StoreUnavailable when nothing was accepted."""

    async def accept(self, deliveries: Sequence[NewDelivery]) -> int:
        """Write all in one transaction and return, when durable, how many were new."""
        ...

    async def mark_started(self, delivery: Delivery) -> None:
        """Remember durably that an effect without idempotency is about to happen."""
        ...

    async def hold(self, lane: str, until_ms: int) -> None:
        """Run nothing of `lane` before `until_ms`; a later call replaces an earlier one."""
        ...

    async def cancel(self, dedup_keys: Sequence[str]) -> int:
        """Cancel ready deliveries that have not begun; returns how many."""
        ...

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        """List deliveries for people."""
        ...

    async def beside(self, delivery: Delivery) -> Sequence[Delivery]:
        """The other ready deliveries of its lane in order, but for timers that are not due.

        Meant for the handler of `delivery`. Where no second process takes messages in, it is
        answered from memory, without what the command line may have added at this very moment.
        """
        ...

    async def replay(self, seqs: Sequence[int]) -> int:
        """Make dead or cancelled deliveries ready again at their old place in the lane.

        One that waits after a failure is tried at once instead; its failures still count.
        """
        ...

    async def discard(self, seqs: Sequence[int]) -> int:
        """Cancel dead or ready deliveries for good; returns how many."""
        ...

    async def purge(self, finished_before_ms: int) -> int:
        """Delete done and cancelled rows that finished before; returns how many."""
        ...

    async def redact(self, which: Redaction) -> int:
        """Blank body, error and note of deliveries that ended or died; returns how many had any.

        The rows stay, so what they say about repeats and figures stays true. A blanked delivery
        can no longer be replayed.
        """
        ...

    async def health(self) -> LedgerHealth:
        """Count what waits and what died.

        Raises StoreUnavailable also when the database can be read but not written.
        """
        ...
