"""Bytes of a HubSpot webhook become typed events. Pure; the signature was checked before.

Two senders use the same door: the custom channel posts one JSON object with a `type`, the app's
subscriptions post an array of up to 100 objects with a `subscriptionType`. An array of either, or a
single object of either, is accepted. Nothing here decides what an event means.

Sources: https://developers.hubspot.com/docs/api-reference/latest/conversations/custom-channels/guide
and https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from urllib.parse import quote

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.hubspot import records
from hubspot_hitl.hubspot.fields import Fields, ShapeError, parse_json
from hubspot_hitl.json_values import is_list
from hubspot_hitl.ports.hubspot_records import DeliveryIdentifier, ThreadMessage

_MAX_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """An agent pressed send in a thread of a custom channel."""

    portal_id: str
    channel_id: str
    channel_account_id: str | None
    thread_id: str
    integration_thread_ids: tuple[str, ...]
    message: ThreadMessage
    sender_actor_id: str | None
    event_id: str | None
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class ChannelAccountChanged:
    """An account of a custom channel was connected, changed or deleted.

    HubSpot does not say what changed: read the account again.
    """

    kind: Literal["created", "updated", "purged"]
    portal_id: str
    channel_id: str
    account_id: str
    identifier: DeliveryIdentifier | None
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class ThreadPropertyChanged:
    """`assignedTo`, `status`, `isArchived` or another property of a thread changed.

    `value` is empty when the property was cleared: an un-assignment, for example.
    """

    portal_id: str
    app_id: str
    thread_id: str
    property: str
    value: str
    occurred_ms: int
    dedup_key: str
    change_source: str | None = None


@dataclass(frozen=True, slots=True)
class ThreadNewMessage:
    """A message or comment was added to a thread; its text has to be fetched.

    It fires for messages of both directions, ours included (unverified).
    """

    portal_id: str
    app_id: str
    thread_id: str
    message_id: str
    message_type: str
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class ThreadCreated:
    """A thread was created."""

    portal_id: str
    app_id: str
    thread_id: str
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class ThreadDeleted:
    """A thread was archived, or with `privacy` deleted for good."""

    portal_id: str
    app_id: str
    thread_id: str
    privacy: bool
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class ContactErased:
    """A contact was deleted for good, at the person's wish."""

    portal_id: str
    app_id: str
    contact_id: str
    occurred_ms: int
    dedup_key: str


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event nobody here handles; it is acknowledged and ignored.

    `problem` is set when a known type lacked what it needs, within a batch that held good events.
    """

    type: str
    problem: str | None = None


WebhookEvent = (
    OutgoingMessage
    | ChannelAccountChanged
    | ThreadPropertyChanged
    | ThreadNewMessage
    | ThreadCreated
    | ThreadDeleted
    | ContactErased
    | UnknownEvent
)


def parse_webhook(body: bytes) -> tuple[WebhookEvent, ...]:
    """All events of a webhook, in the order they came.

    Raises :class:`InvalidPayload` when the body is not JSON, holds something else than events, or
    holds nothing but damaged ones. A damaged event among good ones becomes an `UnknownEvent` with a
    `problem`: refusing the batch would make HubSpot repeat it and the good ones be lost with it.
    """
    try:
        value = parse_json(body)
    except ShapeError as error:
        raise InvalidPayload(f"HubSpot webhook: {error}") from None
    items = value if is_list(value) else [value]
    events: list[WebhookEvent] = []
    problems: list[str] = []
    for item in items:
        try:
            events.append(_event(Fields.of(item, "an event")))
        except ShapeError as error:
            problems.append(str(error))
            events.append(UnknownEvent(_type_name(item), problem=str(error)))
    if problems and len(problems) == len(items):
        raise InvalidPayload(f"HubSpot webhook: {problems[0]}")
    return tuple(events)


def _event(raw: Fields) -> WebhookEvent:
    """One event. Channel hooks say `type`; subscriptions `subscriptionType`, or `eventType`."""
    type_ = raw.text("type") or raw.text("subscriptionType") or raw.text("eventType")
    if not type_:
        raise ShapeError("an event has neither 'type' nor 'subscriptionType'")
    known = EVENT_TYPES.get(type_)
    return known[1](raw) if known else UnknownEvent(type_)


def _outgoing_message(raw: Fields) -> OutgoingMessage:
    inner = raw.child("message")
    message = records.thread_message(inner)
    occurred_ms = raw.time_ms("eventTimestamp") or message.created_ms
    if not message.created_ms:
        message = replace(message, created_ms=occurred_ms)
    portal_id = raw.require_id("portalId")
    return OutgoingMessage(
        portal_id=portal_id,
        channel_id=raw.id("channelId") or inner.require_id("channelId"),
        channel_account_id=inner.id("channelAccountId") or raw.id("channelAccountId"),
        thread_id=raw.id("conversationsThreadId") or inner.require_id("conversationsThreadId"),
        # One integrator reads the ids inside the message; the guide has them at top level.
        integration_thread_ids=raw.ids("channelIntegrationThreadIds")
        or inner.ids("channelIntegrationThreadIds"),
        message=message,
        sender_actor_id=next(iter(message.sender_actor_ids), message.created_by),
        event_id=raw.id("eventId"),
        occurred_ms=occurred_ms,
        dedup_key=_key("outgoing", portal_id, message.id),
    )


def _account_changed(
    raw: Fields, *, kind: Literal["created", "updated", "purged"]
) -> ChannelAccountChanged:
    portal_id, account_id = raw.require_id("portalId"), raw.require_id("channelAccountId")
    occurred_ms = raw.time_ms("eventTimestamp") or 0
    return ChannelAccountChanged(
        kind=kind,
        portal_id=portal_id,
        channel_id=raw.require_id("channelId"),
        account_id=account_id,
        identifier=records.delivery_identifier(raw.raw("channelAccountDeliveryIdentifier")),
        occurred_ms=occurred_ms,
        dedup_key=_key("account", portal_id, account_id, kind, str(occurred_ms)),
    )


def _property_changed(raw: Fields) -> ThreadPropertyChanged:
    portal_id, app_id, thread_id, occurred_ms = _thread_of(raw)
    name = raw.text("propertyName")
    if not name:
        raise ShapeError("the field 'propertyName' is missing")
    value = _value_text(raw.raw("propertyValue"))
    return ThreadPropertyChanged(
        portal_id=portal_id,
        app_id=app_id,
        thread_id=thread_id,
        property=name,
        value=value,
        occurred_ms=occurred_ms,
        dedup_key=_subscription_key("property", raw, name, value),
        change_source=raw.text("changeSource"),
    )


def _new_message(raw: Fields) -> ThreadNewMessage:
    portal_id, app_id, thread_id, occurred_ms = _thread_of(raw)
    message_id = raw.require_id("messageId")
    return ThreadNewMessage(
        portal_id=portal_id,
        app_id=app_id,
        thread_id=thread_id,
        message_id=message_id,
        message_type=raw.text("messageType") or "MESSAGE",
        occurred_ms=occurred_ms,
        dedup_key=_key("new-message", portal_id, message_id),
    )


def _created(raw: Fields) -> ThreadCreated:
    return ThreadCreated(*_thread_of(raw), dedup_key=_subscription_key("created", raw))


def _contact_erased(raw: Fields) -> ContactErased:
    return ContactErased(*_thread_of(raw), dedup_key=_subscription_key("contact", raw))


def _deleted(raw: Fields, *, privacy: bool) -> ThreadDeleted:
    kind = "privacy-deleted" if privacy else "deleted"
    portal_id, app_id, thread_id, occurred_ms = _thread_of(raw)
    return ThreadDeleted(
        portal_id=portal_id,
        app_id=app_id,
        thread_id=thread_id,
        privacy=privacy,
        occurred_ms=occurred_ms,
        dedup_key=_subscription_key(kind, raw),
    )


def _thread_of(raw: Fields) -> tuple[str, str, str, int]:
    """Portal, app, object and time of a subscription event: of a thread, or of a contact."""
    return (
        raw.require_id("portalId"),
        raw.id("appId") or "",
        raw.require_id("objectId"),
        raw.time_ms("occurredAt") or 0,
    )


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _subscription_key(kind: str, raw: Fields, *more: str) -> str:
    """HubSpot's advice for duplicates of subscription events; `eventId` is not unique."""
    occurred = str(raw.time_ms("occurredAt") or 0)
    thread = raw.require_id("objectId")
    return _key(
        kind,
        raw.require_id("portalId"),
        raw.id("subscriptionId") or "",
        thread,
        *more,
        occurred,
    )


def _key(kind: str, *parts: str) -> str:
    """A dedup key: equal parts make equal keys, different parts different ones.

    >>> _key("outgoing", "12", "a:b")
    'hubspot:outgoing:12:a%3Ab'
    """
    text = ":".join(["hubspot", kind, *(quote(part, safe="-._") for part in parts)])
    if len(text) <= _MAX_KEY_CHARS:
        return text
    return f"hubspot:{kind}:sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _type_name(item: object) -> str:
    try:
        raw = Fields.of(item)
    except ShapeError:
        return ""
    return raw.text("type") or raw.text("subscriptionType") or raw.text("eventType") or ""


EVENT_TYPES: Mapping[str, tuple[type[WebhookEvent], Callable[[Fields], WebhookEvent]]] = {
    "OUTGOING_CHANNEL_MESSAGE_CREATED": (OutgoingMessage, _outgoing_message),
    "CHANNEL_ACCOUNT_CREATED": (ChannelAccountChanged, partial(_account_changed, kind="created")),
    "CHANNEL_ACCOUNT_UPDATED": (ChannelAccountChanged, partial(_account_changed, kind="updated")),
    "CHANNEL_ACCOUNT_PURGED": (ChannelAccountChanged, partial(_account_changed, kind="purged")),
    "conversation.propertyChange": (ThreadPropertyChanged, _property_changed),
    "conversation.newMessage": (ThreadNewMessage, _new_message),
    "conversation.creation": (ThreadCreated, _created),
    "conversation.deletion": (ThreadDeleted, partial(_deleted, privacy=False)),
    "conversation.privacyDeletion": (ThreadDeleted, partial(_deleted, privacy=True)),
    "contact.privacyDeletion": (ContactErased, _contact_erased),
}
"""What HubSpot calls an event -> what it becomes, and by which reader."""
