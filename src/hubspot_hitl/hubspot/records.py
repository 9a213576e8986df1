"""JSON of HubSpot's REST API to the records of :mod:`hubspot_hitl.ports.hubspot`, and back. Pure.

Only what a record cannot do without is required; everything else may be missing. Reading raises
:class:`~hubspot_hitl.hubspot.fields.ShapeError`, which the client turns into `UnexpectedAnswer` and
the webhook parser into `InvalidPayload`.
"""

from __future__ import annotations

from typing import cast

from hubspot_hitl.hubspot.fields import Fields, ShapeError, iso_time
from hubspot_hitl.json_values import is_object
from hubspot_hitl.ports.hubspot_records import (
    Actor,
    Attachment,
    Channel,
    ChannelAccount,
    ChannelMessage,
    Contact,
    DeliveryIdentifier,
    FileAttachment,
    IdentifierType,
    Inbox,
    LocationAttachment,
    Party,
    PortalInfo,
    Published,
    QuickReply,
    Thread,
    ThreadAttachment,
    ThreadMessage,
)

_DEEPEST = 5
_ACTOR_TYPES = {
    "A": "AGENT",
    "V": "VISITOR",
    "B": "BOT",
    "I": "INTEGRATOR",
    "S": "SYSTEM",
    "E": "EMAIL",
    "L": "LLM",
}


# -- reading


def inbox(raw: Fields) -> Inbox:
    """An inbox or help desk."""
    kind = raw.text("type")
    return Inbox(
        id=raw.require_id("id"),
        name=raw.text("name") or "",
        type="HELP_DESK" if kind == "HELP_DESK" else "INBOX",
        archived=raw.flag("archived"),
    )


def channel(raw: Fields) -> Channel:
    """A custom channel."""
    return Channel(
        id=raw.require_id("id"),
        name=raw.text("name") or "",
        webhook_url=raw.text("webhookUrl"),
        capabilities=raw.mapping("capabilities"),
        description=raw.text("channelDescription"),
    )


def channel_account(raw: Fields) -> ChannelAccount:
    """A channel account. A missing `authorized` counts as not authorized."""
    return ChannelAccount(
        id=raw.require_id("id"),
        channel_id=raw.id("channelId") or "",
        inbox_id=raw.id("inboxId") or "",
        name=raw.text("name") or "",
        authorized=raw.flag("authorized"),
        active=raw.flag("active", default=True),
        archived=raw.flag("archived"),
        identifier=delivery_identifier(raw.raw("deliveryIdentifier")),
    )


def delivery_identifier(value: object) -> DeliveryIdentifier | None:
    """A delivery identifier; older texts show a bare string, which counts as an opaque one."""
    if isinstance(value, str):
        return DeliveryIdentifier(IdentifierType.OPAQUE, value) if value else None
    if not is_object(value):
        return None
    raw = Fields(value)
    type_, text = raw.text("type"), raw.text("value")
    if text is None or type_ not in list(IdentifierType):
        return None
    return DeliveryIdentifier(IdentifierType(type_), text)


def published(raw: Fields) -> Published:
    """Where a message landed."""
    return Published(
        message_id=raw.require_id("id"), thread_id=raw.require_id("conversationsThreadId")
    )


def thread(raw: Fields) -> Thread:
    """A thread. Anything but CLOSED counts as OPEN, so that no status ends a handoff by mistake."""
    return Thread(
        id=raw.require_id("id"),
        status="CLOSED" if raw.word("status") == "CLOSED" else "OPEN",
        inbox_id=raw.id("inboxId"),
        assigned_to=raw.id("assignedTo"),
        contact_id=raw.id("associatedContactId"),
        ticket_id=raw.child("threadAssociations").id("associatedTicketId"),
        channel_account_id=raw.id("originalChannelAccountId"),
        archived=raw.flag("archived"),
        spam=raw.flag("spam"),
        latest_message_ms=raw.time_ms("latestMessageTimestamp"),
    )


def thread_message(raw: Fields) -> ThreadMessage:
    """An entry of a thread, from the REST API or from a channel webhook.

    `status` is an object in one and a bare string in the other.
    """
    senders = raw.children("senders")
    actor_ids = (sender.id("actorId") for sender in senders)
    attachments = (thread_attachment(item) for item in raw.children("attachments"))
    truncation = raw.word("truncationStatus")
    return ThreadMessage(
        id=raw.require_id("id"),
        type=raw.word("type") or "MESSAGE",
        created_ms=raw.time_ms("createdAt") or 0,
        created_by=raw.id("createdBy"),
        direction=raw.word("direction"),
        text=raw.text("text") or "",
        rich_text=raw.text("richText") or None,
        attachments=tuple(attachments),
        truncated=truncation is not None and truncation != "NOT_TRUNCATED",
        integration_app_id=raw.child("client").id("integrationAppId"),
        sender_actor_ids=tuple(one for one in actor_ids if one is not None),
        in_reply_to=raw.id("inReplyToId"),
        new_status=raw.word("newStatus"),
        assigned_to=raw.id("assignedTo"),
        inbox_to=raw.id("toInboxId"),
        sender_name=next((name for one in senders if (name := one.text("name"))), None),
        status_type=raw.word("status") or raw.child("status").word("statusType"),
    )


def thread_message_since(raw: Fields, since_ms: int) -> ThreadMessage | None:
    """The entry, None if it was written before."""
    return thread_message(raw) if (raw.time_ms("createdAt") or 0) >= since_ms else None


def thread_attachment(raw: Fields) -> ThreadAttachment:
    """An attachment; one without a type is kept as `UNSUPPORTED_CONTENT`, never left out."""
    replies = (quick_reply(item) for item in raw.children("quickReplies"))
    name, address = raw.text("name"), raw.text("address")
    if profile := raw.raw("contactProfile"):
        name, address = contact_card(profile)
    return ThreadAttachment(
        type=raw.text("type") or "UNSUPPORTED_CONTENT",
        file_id=raw.id("fileId"),
        usage=raw.text("fileUsageType"),
        name=name,
        url=raw.text("url"),
        replies=tuple(reply for reply in replies if reply is not None),
        latitude=raw.number("latitude"),
        longitude=raw.number("longitude"),
        address=address,
    )


def contact_card(profile: object) -> tuple[str | None, str | None]:
    """Name, and all the rest in one line, of a contact that an agent sends.

    HubSpot's schema names the groups (name, org, emails, phones, addresses, urls) and not what is
    in them, so everything readable is taken in the order in which it comes.

    >>> contact_card({"name": {"formattedName": "Ada B"}, "phones": [{"phone": "1", "type": "W"}]})
    ('Ada B', '1')
    """
    groups = profile if is_object(profile) else {"name": profile}
    name: object = groups.get("name")
    if isinstance(name, dict):
        named = cast("dict[str, object]", name)
        name = named.get("formattedName") or named.get("formatted_name") or named
    rest = _scalars({key: value for key, value in groups.items() if key != "name"})
    return " ".join(_scalars(name)) or None, ", ".join(rest) or None


def _scalars(value: object, depth: int = 0) -> list[str]:
    """Texts and numbers in it, each once, without the labels of their kind."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [text] if (text := str(value).strip()) else []
    inner: list[object] = []
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        inner = [one for key, one in named.items() if key not in {"type", "kind", "label"}]
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    found = [text for one in inner if depth < _DEEPEST for text in _scalars(one, depth + 1)]
    return list(dict.fromkeys(found))


def quick_reply(raw: Fields) -> QuickReply | None:
    """A button; None when it has neither value nor label."""
    value = raw.text("value") or raw.text("label")
    if value is None:
        return None
    kind = raw.text("valueType")
    return QuickReply(
        value=value, label=raw.text("label"), value_type="URL" if kind == "URL" else "TEXT"
    )


def actor(raw: Fields) -> Actor:
    """An actor; its type follows from the id's prefix when it is not told."""
    id_ = raw.require_id("id")
    return Actor(
        id=id_,
        type=raw.text("type") or actor_type(id_),
        name=raw.text("name"),
        email=raw.text("email"),
        avatar_url=raw.text("avatar"),
    )


def actor_type(actor_id: str) -> str:
    """The type that an actor id's prefix stands for.

    >>> actor_type("A-1111"), actor_type("X-1")
    ('AGENT', 'UNKNOWN')
    """
    return _ACTOR_TYPES.get(actor_id.partition("-")[0], "UNKNOWN")


def contact(raw: Fields) -> Contact:
    """A CRM contact."""
    return Contact(id=raw.require_id("id"), properties=string_properties(raw))


def string_properties(raw: Fields) -> dict[str, str | None]:
    """The `properties` of a CRM object: strings or null."""
    found = raw.mapping("properties") or {}
    return {name: None if value is None else str(value) for name, value in found.items()}


def portal_info(raw: Fields, now_ms: int) -> PortalInfo:
    """What introspection tells. Raises ShapeError when the token is not active."""
    if not raw.flag("active", default=True):
        raise ShapeError("the token is not active")
    expires_s = raw.number("expires_in")
    return PortalInfo(
        portal_id=raw.require_id("hub_id"),
        portal_domain=raw.text("hub_domain"),
        app_id=raw.id("app_id"),
        user=raw.text("user") or raw.id("user_id"),
        scopes=raw.ids("scopes"),
        expires_ms=None if expires_s is None else now_ms + round(expires_s * 1000),
        user_id=raw.id("user_id"),
    )


# -- writing


def publish_body(message: ChannelMessage) -> dict[str, object]:
    """The body of a publish call, with every field the published schema requires.

    HubSpot refuses an empty `text` or may do so (unverified), so a message of attachments only
    carries one space.
    """
    body: dict[str, object] = {
        "type": "MESSAGE",
        "channelAccountId": message.channel_account_id,
        "messageDirection": message.direction,
        "integrationThreadId": message.integration_thread_id,
        "integrationIdempotencyId": message.idempotency_id,
        "text": message.text or " ",
        "senders": [party_json(message.sender)],
        "recipients": [party_json(recipient) for recipient in message.recipients],
        "attachments": [attachment_json(attachment) for attachment in message.attachments],
        "timestamp": iso_time(message.timestamp_ms),
    }
    if message.rich_text is not None:
        body["richText"] = message.rich_text
    if message.in_reply_to is not None:
        body["inReplyToId"] = message.in_reply_to
    if message.contact_id is not None:
        body["associateWithContactId"] = contact_number(message.contact_id)
    return body


def contact_number(contact_id: str) -> int | str:
    """The contact id as the number the schema asks for (int64; unverified on a real portal)."""
    return int(contact_id) if contact_id.isascii() and contact_id.isdigit() else contact_id


def party_json(party: Party) -> dict[str, object]:
    """A sender or recipient."""
    body: dict[str, object] = {"deliveryIdentifier": identifier_json(party.identifier)}
    if party.name:
        body["name"] = party.name
    return body


def identifier_json(identifier: DeliveryIdentifier) -> dict[str, object]:
    """A delivery identifier; both fields are required."""
    return {"type": identifier.type.value, "value": identifier.value}


def attachment_json(attachment: Attachment) -> dict[str, object]:
    """An attachment of a message to publish."""
    match attachment:
        case FileAttachment():
            return {
                "type": "FILE",
                "fileId": attachment.file_id,
                "fileUsageType": attachment.usage,
            }
        case LocationAttachment():
            place = {
                "name": attachment.name,
                "address": attachment.address,
                "url": attachment.url,
            }
            return {
                "type": "LOCATION",
                "latitude": attachment.latitude,
                "longitude": attachment.longitude,
                **{name: value for name, value in place.items() if value is not None},
            }
        case _:
            return {
                "type": "QUICK_REPLIES",
                "quickReplies": [quick_reply_json(reply) for reply in attachment.replies],
            }


def quick_reply_json(reply: QuickReply) -> dict[str, object]:
    """One button."""
    body: dict[str, object] = {"value": reply.value, "valueType": reply.value_type}
    if reply.label is not None:
        body["label"] = reply.label
    return body
