"""What HubSpot tells of a thread, and the delivery that is made of it: kind, key, lane. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.intake.codec import message_to_json
from hubspot_hitl.json_values import is_list, is_object
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, NewDelivery

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
class HubSpotEvent:
    """One thing HubSpot told about one thread.

    `dedup_key` is the vendor's identity of the event; `occurred_ms` is epoch ms.
    `integration_thread_ids` are our own ids, which only the channel's hook carries.
    """

    kind: str
    dedup_key: str
    thread_id: str
    occurred_ms: int
    body: Mapping[str, object]
    integration_thread_ids: tuple[str, ...] = ()


def agent_message(
    message: ThreadMessage,
    thread_id: str,
    integration_thread_ids: Sequence[str],
    channel_id: str | None,
) -> HubSpotEvent:
    """The event of an agent's message, whether a webhook or the thread's history told it."""
    return HubSpotEvent(
        kind=MESSAGE,
        dedup_key=f"message:{message.id}",
        thread_id=thread_id,
        occurred_ms=message.created_ms,
        body={"message": message_to_json(message), "channelId": channel_id},
        integration_thread_ids=tuple(integration_thread_ids),
    )


def key_of(installation_id: str, event: HubSpotEvent) -> str:
    """The dedup key of the event's delivery in its handoff's lane."""
    return f"hs:{installation_id}:{event.dedup_key}"


def delivery(installation_id: str, handoff_id: str, event: HubSpotEvent) -> NewDelivery:
    """The delivery of `event` in its handoff's lane."""
    return NewDelivery(
        dedup_key=key_of(installation_id, event),
        lane=handoff_id,
        kind=event.kind,
        installation_id=installation_id,
        handoff_id=handoff_id,
        body={"threadId": event.thread_id, "occurredMs": event.occurred_ms, **event.body},
    )


def thread_lane(installation_id: str, thread_id: str) -> str:
    """The lane of a thread that belongs to no handoff, or not yet."""
    return f"thread:{installation_id}:{thread_id}"


def parked(installation_id: str, event: HubSpotEvent, kind: str) -> NewDelivery:
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


def parked_event(it: Delivery) -> HubSpotEvent:
    """The event that `parked` wrote down. Raises InvalidPayload when `it` carries none."""
    body, own = it.body.get("body"), it.body.get("integrationThreadIds")
    if not is_object(body):
        raise InvalidPayload(f"delivery {it.seq} of kind {it.kind!r} carries no event")
    return HubSpotEvent(
        kind=str(it.body["kind"]),
        dedup_key=str(it.body["dedupKey"]),
        thread_id=str(it.body["threadId"]),
        occurred_ms=it.number("occurredMs"),
        body=body,
        integration_thread_ids=tuple(map(str, own)) if is_list(own) else (),
    )


def written_ms(delivery: NewDelivery | Delivery) -> int:
    """When what it brings happened in HubSpot, by HubSpot's clock; 0 where nothing says so."""
    value = delivery.body.get("occurredMs")
    return value if isinstance(value, int) else 0


def occurred_ms(it: Delivery) -> int:
    """The same, but never 0: when we took it in, if HubSpot did not say."""
    return max(written_ms(it), 0) or it.accepted_ms
