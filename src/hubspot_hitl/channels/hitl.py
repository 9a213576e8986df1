"""The channel `hitl`: what the user (or the bot) says, on its way to the agent.

`accept_message` runs inside Botpress's request and only writes the delivery down. The rest runs in
the handoff's lane: publish with the Botpress message id as idempotency id, then acknowledge by
tagging the Botpress message with HubSpot's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import structlog

from hubspot_hitl.channels.parties import account_identifier, recipient_of, sender_of
from hubspot_hitl.errors import ActionRefused, VendorError
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.split import split_text
from hubspot_hitl.handoff.to_agent import as_text, to_agent
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import MessageTag
from hubspot_hitl.ports.hubspot import ChannelMessage
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

MESSAGE = "bot.message"
ACKNOWLEDGE = "bot.acknowledge"


async def accept_message(
    services: Services,
    installation: Installation,
    *,
    message_id: str,
    conversation_id: str,
    type_: str,
    payload: Mapping[str, object],
    created_at: str | None,
    user_id: str | None,
    acknowledge: bool = True,
) -> None:
    """Write a message of the bot side down; it is durable when this returns.

    `created_at` is ISO 8601. `acknowledge` tags the Botpress message with HubSpot's id afterwards;
    a message that is no Botpress message has nothing to tag.
    Raises ActionRefused when the conversation is none of ours.
    """
    handoff = await services.handoffs.by_conversation(installation.id, conversation_id)
    if handoff is None:
        raise ActionRefused(
            f"Conversation {conversation_id!r} has no HubSpot thread. Start a handoff first: only"
            " conversations that startHitl returned can carry messages."
        )
    await services.ledger.accept(
        [
            NewDelivery(
                dedup_key=f"bp:{installation.id}:message:{message_id}",
                lane=handoff.id,
                kind=MESSAGE,
                installation_id=installation.id,
                handoff_id=handoff.id,
                body={
                    "messageId": message_id,
                    "type": type_,
                    "payload": dict(payload),
                    "createdAt": created_at,
                    "userId": user_id,
                    "acknowledge": acknowledge,
                },
            )
        ]
    )


async def deliver_message(services: Services, it: Delivery) -> Outcome:
    """Publish the message into the thread and acknowledge it at Botpress.

    Safe to repeat: HubSpot makes one message per idempotency id. A message that comes after the
    end is put into the thread as an internal comment, so that somebody can still read it.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if not handoff.active:
        return await _after_the_end(services, installation, handoff, it)
    message_id = str(it.body["messageId"])
    published = [
        await services.hubspot.of(installation).publish(part)
        for part in await _parts(services, installation, handoff, it)
    ]
    hubspot_id = published[0].message_id
    if not it.body.get("acknowledge", True):
        return Done(note=f"published as {hubspot_id}")
    return await _acknowledge(services, installation, it, message_id, hubspot_id)


async def _parts(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> list[ChannelMessage]:
    """The channel messages of one bot message: one, or several when the text is long."""
    message_id = str(it.body["messageId"])
    content = to_agent(str(it.body["type"]), cast(Mapping[str, object], it.body["payload"]))
    texts = split_text(as_text(content), services.policy.message_chars_limit)
    sender = await sender_of(
        services, installation, handoff, cast(str | None, it.body.get("userId"))
    )
    recipient = recipient_of(await account_identifier(services, handoff))
    return [
        ChannelMessage(
            channel_id=handoff.channel_id,
            channel_account_id=handoff.channel_account_id,
            integration_thread_id=handoff.integration_thread_id,
            idempotency_id=message_id if number == 0 else f"{message_id}:{number}",
            text=text,
            rich_text=content.rich_text if len(texts) == 1 and not content.files else None,
            sender=sender,
            recipients=(recipient,),
            timestamp_ms=_created_ms(it),
            contact_id=None,
        )
        for number, text in enumerate(texts)
    ]


def _created_ms(it: Delivery) -> int:
    """When the user wrote it; when we took it in, if Botpress did not say so readably."""
    created_at = it.body.get("createdAt")
    if isinstance(created_at, str):
        try:
            return int(datetime.fromisoformat(created_at).timestamp() * 1000)
        except ValueError:
            return it.accepted_ms
    return it.accepted_ms


async def _acknowledge(
    services: Services,
    installation: Installation,
    it: Delivery,
    message_id: str,
    hubspot_id: str,
) -> Outcome:
    """Tag the Botpress message with HubSpot's id; if Botpress cannot take it now, do it later."""
    note = f"published as {hubspot_id}"
    try:
        await services.bots.of(installation).update_message(
            message_id, {MessageTag.ID.value: hubspot_id}
        )
    except VendorError as error:
        if not error.retryable:
            log.warning("message_not_tagged", message=message_id, error=error.code)
            return Done(note=f"{note}; not tagged: {error.code}")
        later = NewDelivery(
            dedup_key=f"{it.dedup_key}:acknowledge",
            # A lane of its own: the user's next words must not wait for a tag.
            lane=f"acknowledge:{it.lane}",
            kind=ACKNOWLEDGE,
            installation_id=it.installation_id,
            handoff_id=it.handoff_id,
            body={"messageId": message_id, "hubspotId": hubspot_id},
        )
        return Done(note=note, then=[later])
    return Done(note=note)


async def acknowledge(services: Services, it: Delivery) -> Outcome:
    """Tag a Botpress message whose tagging did not work at once."""
    installation = await installation_of(services, it)
    await services.bots.of(installation).update_message(
        str(it.body["messageId"]), {MessageTag.ID.value: str(it.body["hubspotId"])}
    )
    return Done(note="tagged")


async def _after_the_end(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> Outcome:
    if handoff.thread_id is None:
        return Done(note=f"the handoff is {handoff.state}; there is no thread to write into")
    content = to_agent(str(it.body["type"]), cast(Mapping[str, object], it.body["payload"]))
    hubspot = services.hubspot.of(installation)
    mark = f"[{it.body['messageId']}]"
    text = f"After the end of this chat ({handoff.end_reason}) came: {as_text(content)} {mark}"
    if it.attempts or it.started:
        # Comments have no idempotency id: look before writing again.
        for entry in await hubspot.thread_messages(handoff.thread_id, newest_first=True, limit=50):
            if entry.type == "COMMENT" and mark in entry.text:
                return Done(note="already commented")
    await services.ledger.mark_started(it)
    await hubspot.comment(handoff.thread_id, text)
    return Done(note=f"the handoff is {handoff.state}; put into the thread as a comment")


DELIVERIES = {MESSAGE: deliver_message, ACKNOWLEDGE: acknowledge}
"""Kind of delivery -> who handles it."""
