"""Turns what HubSpot told into deliveries: finds the handoff, names the lane, nothing else.

This is the part of an event that runs inside the webhook request, so it costs one indexed lookup
per batch. Threads that are not ours make no delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from hubspot_hitl.events.codec import message_to_json
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, NewDelivery
from hubspot_hitl.ports.reading import start_in_flight
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

MESSAGE = "hubspot.message"
ASSIGNED = "hubspot.assigned"
STATUS = "hubspot.status"
UNARCHIVED = "hubspot.unarchived"
DELETED = "hubspot.deleted"
NEW_MESSAGE = "hubspot.new_message"
ACCOUNT = "hubspot.account"
UNRESOLVED = "hubspot.unresolved"
ORPHAN = "hubspot.orphan"


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """One thing HubSpot told about one thread.

    `dedup_key` is the vendor's identity of the event; `occurred_ms` is epoch ms.
    `integration_thread_ids` are our own ids, which only the channel's hook carries.
    """

    kind: str
    dedup_key: str
    thread_id: str
    occurred_ms: int
    body: dict[str, object]
    integration_thread_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Intake:
    """What became of a batch."""

    deliveries: list[NewDelivery] = field(default_factory=list[NewDelivery])
    foreign: int = 0


def agent_message(
    message: ThreadMessage,
    thread_id: str,
    integration_thread_ids: Sequence[str],
    channel_id: str | None,
) -> ThreadEvent:
    """The event of an agent's message, whether a webhook or the thread's history told it."""
    return ThreadEvent(
        kind=MESSAGE,
        dedup_key=f"message:{message.id}",
        thread_id=thread_id,
        occurred_ms=message.created_ms,
        body={"message": message_to_json(message), "channelId": channel_id},
        integration_thread_ids=tuple(integration_thread_ids),
    )


async def take_in(
    services: Services, installation: Installation, events: Iterable[ThreadEvent]
) -> Intake:
    """Find each event's handoff and make its delivery, in the order in which things happened."""
    ordered = sorted(events, key=lambda event: event.occurred_ms)
    found = await _handoffs(services, installation.id, ordered)
    intake = Intake()
    starting: bool | None = None
    for event in ordered:
        handoff = found.get(event.thread_id)
        if handoff is not None:
            intake.deliveries.append(delivery(installation.id, handoff.id, event))
            continue
        if starting is None:
            starting = await start_in_flight(services, installation.id)
        if starting:
            intake.deliveries.append(_parked(installation.id, event, UNRESOLVED))
        elif event.kind == MESSAGE:
            # The channel is ours, so an agent is waiting for this to reach somebody.
            intake.deliveries.append(_parked(installation.id, event, ORPHAN))
        else:
            intake.foreign += 1
    return intake


def delivery(installation_id: str, handoff_id: str, event: ThreadEvent) -> NewDelivery:
    """The delivery of `event` in its handoff's lane."""
    return NewDelivery(
        dedup_key=f"hs:{installation_id}:{event.dedup_key}",
        lane=handoff_id,
        kind=event.kind,
        installation_id=installation_id,
        handoff_id=handoff_id,
        body={"threadId": event.thread_id, "occurredMs": event.occurred_ms, **event.body},
    )


def thread_lane(installation_id: str, thread_id: str) -> str:
    """The lane of a thread that belongs to no handoff, or not yet."""
    return f"thread:{installation_id}:{thread_id}"


def _parked(installation_id: str, event: ThreadEvent, kind: str) -> NewDelivery:
    """A delivery in the thread's own lane, for a thread that may yet turn out to be ours."""
    return NewDelivery(
        dedup_key=f"hs:{installation_id}:{kind}:{event.dedup_key}",
        lane=thread_lane(installation_id, event.thread_id),
        kind=kind,
        installation_id=installation_id,
        body={
            "kind": event.kind,
            "dedupKey": event.dedup_key,
            "threadId": event.thread_id,
            "occurredMs": event.occurred_ms,
            "integrationThreadIds": list(event.integration_thread_ids),
            "body": event.body,
        },
    )


async def _handoffs(
    services: Services, installation_id: str, events: Sequence[ThreadEvent]
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


def written_ms(delivery: NewDelivery | Delivery) -> int:
    """When what it brings happened in HubSpot, by HubSpot's clock; 0 where nothing says so."""
    value = delivery.body.get("occurredMs")
    return value if isinstance(value, int) else 0
