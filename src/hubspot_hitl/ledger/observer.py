"""What happens in the ledger, told to whoever counts it: metrics, the flight recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hubspot_hitl.ports.ledger import Delivery


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accept became durable; `known` were deliveries that were there already."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A handler succeeded. `waited_ms`: from due to begin; `took_s`: in the handler."""

    delivery: Delivery
    waited_ms: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Postponed:
    """A handler asked to be called later."""

    delivery: Delivery
    at_ms: int


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt failed and another follows."""

    delivery: Delivery
    at_ms: int
    code: str


@dataclass(frozen=True, slots=True)
class Buried:
    """A delivery went to the dead letters."""

    delivery: Delivery
    reason: str
    code: str


Event = Accepted | Finished | Postponed | Retried | Buried
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The observer that does nothing."""
