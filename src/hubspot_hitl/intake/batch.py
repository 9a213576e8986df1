"""Turns a batch of what HubSpot told into deliveries: finds each handoff, nothing else.

This is the part of an event that runs inside the webhook request, so it costs one indexed lookup
per batch. Threads that are not ours make no delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.hubspot_events import (
    MESSAGE,
    ORPHAN,
    UNRESOLVED,
    HubSpotEvent,
    delivery,
    parked,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.reading import start_in_flight
from hubspot_hitl.ports.services import Services


@dataclass(slots=True)
class Intake:
    """What became of a batch."""

    deliveries: list[NewDelivery] = field(default_factory=list[NewDelivery])
    foreign: int = 0


async def take_in(
    services: Services, installation: Installation, events: Iterable[HubSpotEvent]
) -> Intake:
    """Find each event's handoff and make its delivery, in the order in which things happened."""
    ordered = sorted(events, key=lambda event: event.occurred_ms)
    found = await _handoffs(services, installation.id, ordered)
    intake = Intake()
    starting = False
    if any(event.thread_id not in found for event in ordered):
        starting = await start_in_flight(services, installation.id)
        if not starting:  # one may have ended since the threads were looked up
            found = await _handoffs(services, installation.id, ordered)
    for event in ordered:
        handoff = found.get(event.thread_id)
        if handoff is not None:
            intake.deliveries.append(delivery(installation.id, handoff.id, event))
        elif starting:
            intake.deliveries.append(parked(installation.id, event, UNRESOLVED))
        elif event.kind == MESSAGE:
            # The channel is ours, so an agent is waiting for this to reach somebody.
            intake.deliveries.append(parked(installation.id, event, ORPHAN))
        else:
            intake.foreign += 1
    return intake


async def _handoffs(
    services: Services, installation_id: str, events: Sequence[HubSpotEvent]
) -> dict[str, Handoff]:
    """The handoffs of the events by HubSpot thread id."""
    own_ids = sorted({own for event in events for own in event.integration_thread_ids})
    by_own: Mapping[str, Handoff] = {}
    if own_ids:
        by_own = await services.handoffs.by_integration_threads(installation_id, own_ids)
    found: dict[str, Handoff] = {
        event.thread_id: by_own[own]
        for event in events
        for own in event.integration_thread_ids
        if own in by_own
    }
    rest = sorted({event.thread_id for event in events} - found.keys() - {""})
    if rest:
        found.update(await services.handoffs.by_threads(installation_id, rest))
    return found
