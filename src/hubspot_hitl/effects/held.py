"""Replies that came after the end of a chat, held until the user asks for an agent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hubspot_hitl.effects.agents import SYSTEM_ACTOR, mirror_agent
from hubspot_hitl.effects.relay import failure_receipt, receipt, relay
from hubspot_hitl.effects.reopened import open_question, was_asked
from hubspot_hitl.effects.saying import agents_placeholder, note_once
from hubspot_hitl.effects.spoken import DELIVERED_LATER, HELD_KEY
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    Later,
    NewDelivery,
    Outcome,
)
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

HELD = "hubspot.held"
LOOK_AGAIN_S = 15.0
NEWS_S = 1.0
LONGEST_MS = 7 * 24 * 3_600_000


async def hold_for_return(services: Services, it: Delivery, handoff: Handoff) -> NewDelivery:
    """The delivery that waits with the message of `it`, one after the other for each user."""
    return _held(services, it, handoff, {})


async def hold_for_news(services: Services, it: Delivery, handoff: Handoff) -> NewDelivery:
    """The same, for as long as the news may take that the agent has opened the thread again."""
    until_ms = services.clock.now_ms() + services.policy.reopen_news_ms
    return _held(services, it, handoff, {"newsUntilMs": until_ms})


def _held(
    services: Services, it: Delivery, handoff: Handoff, more: Mapping[str, object]
) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"{it.dedup_key}{HELD_KEY}",
        lane=_lane(handoff),
        kind=HELD,
        installation_id=it.installation_id,
        handoff_id=handoff.id,
        body={**it.body, "heldMs": services.clock.now_ms(), **more},
    )


def may_hold(installation: Installation) -> bool:
    """Whether anything can be held in this installation."""
    configuration = installation.configuration
    return configuration.late_replies == "hold" or configuration.reopen == "resume"


async def wake_held(services: Services, handoff: Handoff, *, failed: bool = True) -> None:
    """Look at what is held for the user now, not at the next turn: an agent is there.

    Without `failed`, only at what slept until an agent came; what failed keeps its own pace.
    """
    now_ms = services.clock.now_ms()
    woken = [
        one.seq
        for one in await _waiting(services, handoff)
        if failed or (not one.attempts and one.due_ms > now_ms)
    ]
    if woken:
        await services.ledger.replay(woken)


async def held_before(services: Services, it: Delivery, handoff: Handoff) -> bool:
    """Whether something is held that the user has to read before the agent's message of `it`.

    It was written earlier: all that is held for `handoff` itself, and what was held for the user
    elsewhere before `it` came, unless that waits for news of its own thread.
    """
    return any(
        one.handoff_id == handoff.id
        or ("newsUntilMs" not in one.body and one.accepted_ms <= it.accepted_ms)
        for one in await _waiting(services, handoff)
    )


async def _waiting(services: Services, handoff: Handoff) -> Sequence[Delivery]:
    return await services.ledger.find(
        DeliveryFilter(lane=_lane(handoff), states=(DeliveryState.READY,))
    )


def _lane(handoff: Handoff) -> str:
    return f"held:{handoff.installation_id}:{handoff.user_id}"


async def deliver_held(services: Services, it: Delivery) -> Outcome:
    """Deliver into the user's next chat as soon as an agent is there; give up after a week.

    What is held only while the bot is asked to resume is given up with the bot's silence, and what
    is held for news of an opened thread when none has come.

    Not before: the HITL plugin would take the author for the agent who answers.
    """
    installation = await installation_of(services, it)
    ended = await handoff_of(services, it)
    message = message_of(it)
    if not ended.active and await _waits_for_news(services, it, ended):
        if services.clock.now_ms() < it.number("newsUntilMs"):
            return Later(NEWS_S, "the thread may have been opened again")
        await note_once(services, installation, ended, it, TextKey.NOTE_CHAT_ENDED)
        return _refused(installation, ended, it, message.id, TextKey.NOTE_CHAT_ENDED)
    target = await _next_chat(services, ended)
    if target is None:
        held_ms = it.number("heldMs")
        patient = ended.active or installation.configuration.late_replies == "hold"
        patient = patient or await open_question(services, ended) is not None
        if patient and services.clock.now_ms() - held_ms < LONGEST_MS:
            return Later(LOOK_AGAIN_S, "the user has not come back")
        return _refused(installation, ended, it, message.id, TextKey.REASON_NO_RETURN)
    author = next(iter(message.sender_actor_ids), None) or message.created_by or SYSTEM_ACTOR
    agent = await mirror_agent(services, installation, author)
    await relay(
        services,
        installation,
        ended,
        message,
        agent,
        attempts=it.attempts,
        conversation_id=target.conversation_id,
    )
    await note_once(services, installation, ended, it, TextKey.NOTE_HELD_SENT, key="held-sent")
    then = await receipt(services, installation, it, message.id)
    return Done(note=f"{DELIVERED_LATER} {target.id}", then=then)


async def _waits_for_news(services: Services, it: Delivery, ended: Handoff) -> bool:
    """Whether nobody has told yet that the thread was opened again."""
    if "newsUntilMs" not in it.body:
        return False
    return not await was_asked(services, ended, but=it.seq)


def _refused(
    installation: Installation, ended: Handoff, it: Delivery, message_id: str, why: TextKey
) -> Done:
    reason = agents_placeholder(installation, ended, why)
    told = failure_receipt(installation, it, message_id, reason, final=True)
    return Done(note=f"told the agent: {why.value}", then=[told] if told else [])


async def _next_chat(services: Services, ended: Handoff) -> Handoff | None:
    going = await services.handoffs.of_user(ended.installation_id, ended.user_id, active=True)
    for handoff in going:
        if handoff.announced and handoff.conversation_id:
            return handoff
    return None
