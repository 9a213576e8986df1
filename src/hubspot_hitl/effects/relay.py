"""Puts an agent's message into the bot's conversation, once, and tells the agent about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Literal

import structlog

from hubspot_hitl.effects.agents import as_agent
from hubspot_hitl.effects.presenting import presented
from hubspot_hitl.errors import VendorError
from hubspot_hitl.handoff.records import Handoff, Person
from hubspot_hitl.handoff.to_user import to_user
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import MessageTag
from hubspot_hitl.json_values import is_object
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import installation_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_payload

log = structlog.get_logger(__name__)

RECEIPT = "hubspot.receipt"
_Status = Literal["SENT", "READ", "FAILED"]
_STATUSES: Mapping[str, _Status] = {"SENT": "SENT", "READ": "READ", "FAILED": "FAILED"}


async def relay(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    message: ThreadMessage,
    agent: Person,
    *,
    attempts: int = 0,
    conversation_id: str | None = None,
    repetition: str = "",
) -> int:
    """Create the bot-side messages of one agent message; returns how many were new.

    Each carries HubSpot's message id as its tag, so repeating this changes nothing. `attempts`
    counts the failures so far. `conversation_id` is another one than the handoff's, for a message
    that was held until the user came back. `repetition` makes it another message on purpose.
    """
    to = conversation_id or handoff.conversation_id
    if to is None:
        return 0
    whole = await _completed(services, installation, handoff, message)
    whole, options = await presented(services, installation, handoff, whole, attempts=attempts)
    bot = services.bots.of(installation)
    created = 0
    for piece in to_user(whole, options):
        send = partial(
            bot.get_or_create_message,
            to,
            type_=piece.type,
            payload=mask_payload(installation.configuration, piece.payload),
            tags={MessageTag.ID.value: f"{piece.key}{repetition}"},
            discriminate_by=[MessageTag.ID.value],
        )
        _, new = await as_agent(services, installation, agent, send)
        created += new
    return created


async def _completed(
    services: Services, installation: Installation, handoff: Handoff, message: ThreadMessage
) -> ThreadMessage:
    """The message with its full text: HubSpot cuts long ones in webhooks and lists."""
    if not message.truncated or handoff.thread_id is None:
        return message
    text, rich_text = await services.hubspot.of(installation).original_content(
        handoff.thread_id, message.id
    )
    return dataclasses.replace(message, text=text, rich_text=rich_text, truncated=False)


async def receipt(
    services: Services, installation: Installation, it: Delivery, message_id: str
) -> list[NewDelivery]:
    """Mark the agent's message as SENT; returns the delivery that does it if HubSpot cannot now.

    After failures it is always done by a delivery, so that it comes behind what was told of them.
    """
    channel_id = str(it.body.get("channelId") or "")
    if not channel_id or not installation.configuration.receipts:
        return []
    later = _receipt(it, "receipt", channel_id, message_id, "SENT", None)
    if it.attempts:
        return [later]
    hubspot = services.hubspot.of(installation)
    try:
        await hubspot.set_message_status(channel_id, message_id, "SENT")
    except VendorError as error:
        if error.retryable:
            return [later]
        log.warning("receipt_refused", message=message_id, error=error.code)
    return []


def failure_receipt(
    installation: Installation, it: Delivery, message_id: str, reason: str, *, final: bool
) -> NewDelivery | None:
    """The delivery that tells the agent, in plain words, why a message reached nobody (yet)."""
    channel_id = str(it.body.get("channelId") or "")
    if not channel_id or not installation.configuration.receipts:
        return None
    name = "failed" if final else "delayed"
    return _receipt(it, name, channel_id, message_id, "FAILED", reason or None)


def _receipt(
    it: Delivery, name: str, channel_id: str, message_id: str, status: str, reason: str | None
) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"{it.dedup_key}:{name}",
        # A lane of its own: the agent's next words must not wait for a receipt.
        lane=f"receipt:{it.lane}",
        kind=RECEIPT,
        installation_id=it.installation_id,
        handoff_id=it.handoff_id,
        body={
            "channelId": channel_id,
            "messageId": message_id,
            "status": status,
            "reason": reason,
        },
    )


def read_receipt(delivered: Delivery, channel_id: str) -> NewDelivery | None:
    """The delivery that marks a message, which `delivered` brought to the user, as READ."""
    message = delivered.body.get("message")
    channel_id = str(delivered.body.get("channelId") or channel_id)
    message_id = message.get("id") if is_object(message) else None
    if not channel_id or not isinstance(message_id, str):
        return None
    return _receipt(delivered, "read", channel_id, message_id, "READ", None)


async def handle_receipt(services: Services, it: Delivery) -> Outcome:
    """Set the status of an agent's message."""
    installation = await installation_of(services, it)
    status = it.body["status"]
    reason = it.body.get("reason")
    await services.hubspot.of(installation).set_message_status(
        str(it.body["channelId"]),
        str(it.body["messageId"]),
        _STATUSES.get(str(status), "SENT"),
        str(reason) if reason else None,
    )
    return Done(note=f"status {status}")
