"""The channel `hitl`: what the user (or the bot) says, on its way to the agent.

`accept_message` runs inside Botpress's request and only writes the delivery down. The rest runs in
the handoff's lane: publish with the Botpress message id as idempotency id, then acknowledge by
tagging the Botpress message with HubSpot's id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import cast

import structlog

from hubspot_hitl.channels.choosing import with_the_choice
from hubspot_hitl.channels.parties import account_identifier, recipient_of, sender_of
from hubspot_hitl.channels.publishing import Said, publish
from hubspot_hitl.channels.stop_word import user_ended
from hubspot_hitl.effects.comments import comments_in, write_comment
from hubspot_hitl.effects.contact_log import said_later
from hubspot_hitl.effects.saying import say_to_user
from hubspot_hitl.effects.seen import read_until
from hubspot_hitl.effects.spoken import BOT_MESSAGE, PUBLISHED, created_ms, said_by_user
from hubspot_hitl.errors import ActionRefused, AuthorizationLost, HitlError, VendorError
from hubspot_hitl.handoff.marks import has_mark
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.to_agent import ToAgent, as_text, edited, to_agent
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import MessageTag
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports import flight
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_content

log = structlog.get_logger(__name__)

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
    flight.about(handoff.id)
    body = {
        "messageId": message_id,
        "type": type_,
        "payload": dict(payload),
        "createdAt": created_at,
        "userId": user_id,
        "acknowledge": acknowledge,
    }
    await services.ledger.accept([_said(handoff, message_id, body)])


async def accept_edit(
    services: Services,
    installation: Installation,
    *,
    message_id: str,
    conversation_id: str,
    type_: str,
    payload: Mapping[str, object],
    updated_at: str | None,
    user_id: str | None,
) -> None:
    """Write down that a message was changed: HubSpot cannot change one, so the agent reads it anew.

    The same change twice is one message; a conversation that is none of ours is ignored.
    """
    handoff = await services.handoffs.by_conversation(installation.id, conversation_id)
    if handoff is None:
        return
    flight.about(handoff.id)
    said = json.dumps([payload, updated_at], sort_keys=True, default=str)
    name = f"{message_id}:edit:{hashlib.sha256(said.encode()).hexdigest()[:16]}"
    body = {
        "messageId": name,
        "type": type_,
        "payload": dict(payload),
        "createdAt": updated_at,
        "userId": user_id,
        "acknowledge": False,
        "edited": True,
    }
    await services.ledger.accept([_said(handoff, name, body)])


def _said(handoff: Handoff, message_id: str, body: Mapping[str, object]) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"bp:{handoff.installation_id}:message:{message_id}",
        lane=handoff.id,
        kind=BOT_MESSAGE,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body=body,
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
    try:
        published = await _published(services, installation, handoff, it)
    except HitlError as error:
        if not error.retryable and not isinstance(error, AuthorizationLost):
            await _tell_of_failure(services, installation, handoff, it)
        raise
    note = _published_as(published)
    then = said_later(installation, handoff, it, said_by_user(installation, handoff, it))
    then += await _answered(services, installation, handoff, it)
    then += user_ended(installation, handoff, it)
    if not it.body.get("acknowledge", True):
        return Done(note=note, then=then)
    return await _acknowledge(services, installation, it, message_id, published, then)


async def _published(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> str | None:
    user_id = cast(str | None, it.body.get("userId"))
    said = Said(
        key=str(it.body["messageId"]),
        content=await with_the_choice(services, it, _content(installation, handoff, it)),
        sender=await sender_of(services, installation, handoff, user_id),
        recipient=recipient_of(await account_identifier(services, handoff)),
        timestamp_ms=created_ms(it),
        attempts=it.attempts,
    )
    return await publish(services, installation, handoff, said)


def _content(installation: Installation, handoff: Handoff, it: Delivery) -> ToAgent:
    words = agents_words(installation, handoff)
    said = to_agent(str(it.body["type"]), it.body["payload"], words)
    return edited(said, words) if it.body.get("edited") else said


async def _answered(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> list[NewDelivery]:
    """A user who writes has read what was there, if the bot owner lets that count."""
    by_user = it.body.get("userId") is not None
    if not by_user or installation.configuration.read_receipts != "reply":
        return []
    return await read_until(services, installation, handoff, it.accepted_ms)


async def _tell_of_failure(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> None:
    """Tell the user that the agent will not see the message, and mark it; the error goes on."""
    if it.body.get("userId") is None:
        return
    message_id = str(it.body["messageId"])
    try:
        await say_to_user(
            services, installation, handoff, TextKey.MESSAGE_FAILED, key=f"failed:{message_id}"
        )
        if it.body.get("acknowledge", True):
            await services.bots.of(installation).update_message(
                message_id, {MessageTag.STATUS.value: "failed"}
            )
    except VendorError as error:
        log.warning("failure_not_told", message=message_id, error=error.code)


async def _acknowledge(
    services: Services,
    installation: Installation,
    it: Delivery,
    message_id: str,
    hubspot_id: str | None,
    then: Sequence[NewDelivery],
) -> Outcome:
    """Tag the Botpress message with HubSpot's id; if Botpress cannot take it now, do it later."""
    note = _published_as(hubspot_id)
    try:
        await services.bots.of(installation).update_message(message_id, _delivered(hubspot_id))
    except VendorError as error:
        if not error.retryable:
            log.warning("message_not_tagged", message=message_id, error=error.code)
            return Done(note=f"{note}; not tagged: {error.code}", then=then)
        later = NewDelivery(
            dedup_key=f"{it.dedup_key}:acknowledge",
            # A lane of its own: the user's next words must not wait for a tag.
            lane=f"acknowledge:{it.lane}",
            kind=ACKNOWLEDGE,
            installation_id=it.installation_id,
            handoff_id=it.handoff_id,
            body={"messageId": message_id, "hubspotId": hubspot_id},
        )
        return Done(note=note, then=[*then, later])
    return Done(note=note, then=then)


async def acknowledge(services: Services, it: Delivery) -> Outcome:
    """Tag a Botpress message whose tagging did not work at once."""
    installation = await installation_of(services, it)
    hubspot_id = cast(str | None, it.body["hubspotId"])
    await services.bots.of(installation).update_message(
        str(it.body["messageId"]), _delivered(hubspot_id)
    )
    return Done(note="tagged")


def _delivered(hubspot_id: str | None) -> dict[str, str]:
    """The tag that confirms the delivery, also where HubSpot does not tell the message's id."""
    if hubspot_id is None:
        return {MessageTag.STATUS.value: "delivered"}
    return {MessageTag.ID.value: hubspot_id}


def _published_as(hubspot_id: str | None) -> str:
    return (
        f"{PUBLISHED} as {hubspot_id}" if hubspot_id else f"{PUBLISHED} where HubSpot does not say"
    )


async def _after_the_end(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> Outcome:
    if handoff.thread_id is None:
        return Done(note=f"the handoff is {handoff.state}; there is no thread to write into")
    mark = str(it.body["messageId"])
    words = agents_words(installation, handoff)
    said = as_text(mask_content(installation.configuration, _content(installation, handoff, it)))
    why = words.end(handoff.end_reason) or words.state(handoff.state)
    told = words(TextKey.NOTE_LATE_WORDS, reason=why, text=said)
    if it.attempts or it.started:
        # Comments have no idempotency id: look before writing again.
        written = await comments_in(services, installation, handoff.thread_id)
        if any(has_mark(comment, mark) for comment in written):
            return Done(note="already commented")
    await services.ledger.mark_started(it)
    await write_comment(services, installation, handoff.thread_id, told, mark)
    return Done(note=f"the handoff is {handoff.state}; put into the thread as a comment")


DELIVERIES = {BOT_MESSAGE: deliver_message, ACKNOWLEDGE: acknowledge}
"""Kind of delivery -> who handles it."""
