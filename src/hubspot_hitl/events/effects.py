"""Carries out what `handoff.thread_events.decide` decided, each effect safe to repeat.

Idempotency, effect by effect, for a crash between the effect and our mark of it:

- messages to the user carry a tag that Botpress matches: repeating makes none;
- `hitlAssigned`: Botpress is asked whether it has the event; if it cannot tell, the event is taken
  for emitted. The plugin makes up for a missing one at the agent's first message; nothing makes up
  for a double one, which the user reads as a second "has joined";
- `hitlStopped`: asked likewise, but repeated when in doubt: the plugin ignores a second one, and a
  user left with a silent bot is worse;
- comments carry a mark that is looked for in the thread before one is written again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from hubspot_hitl.errors import VendorFault, VendorRefused, VendorUnreachable
from hubspot_hitl.events.agents import SYSTEM_ACTOR, mirror_agent
from hubspot_hitl.events.relay import failure_receipt, relay
from hubspot_hitl.handoff import thread_events as domain
from hubspot_hitl.handoff.records import Handoff, Person
from hubspot_hitl.handoff.texts import TextKey, Texts
from hubspot_hitl.integration.events import HITL_ASSIGNED, HITL_STOPPED
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import MessageTag
from hubspot_hitl.ports.hubspot import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, NewDelivery
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

COMMENTS_LOOKED_AT = 50


@dataclass(slots=True)
class Stage:
    """What the effects of one delivery work on, and what they leave behind."""

    services: Services
    installation: Installation
    handoff: Handoff
    it: Delivery
    message: ThreadMessage | None = None
    agents: dict[str, Person] = field(default_factory=dict[str, Person])
    then: list[NewDelivery] = field(default_factory=list[NewDelivery])
    notes: list[str] = field(default_factory=list[str])


async def carry_out(stage: Stage, effect: domain.Effect) -> None:
    """Do one effect."""
    match effect:
        case domain.MirrorAgent(actor_id):
            await _agent(stage, actor_id)
        case domain.EmitAssigned(actor_id):
            await _emit_assigned(stage, await _agent(stage, actor_id))
            stage.notes.append(f"assigned to {actor_id}")
        case domain.EmitStopped(reason):
            await _emit_stopped(stage)
            stage.notes.append(f"ended: {reason}")
        case domain.RelayMessage(actor_id):
            await _relay(stage, actor_id or SYSTEM_ACTOR)
        case domain.RefuseMessage(key):
            await _refuse(stage, _text(stage, key))
        case domain.TellUser(key):
            await _tell_user(stage, key.value, _text(stage, key))
        case domain.CommentToAgent(key):
            await _comment(stage, key.value, _text(stage, key))
        case domain.EraseContent():
            stage.notes.append("the person's content is to be erased")
        case domain.EmitReopened() | domain.WaitForStart():
            pass  # the caller handles the first one's policy and the second one's waiting


async def _agent(stage: Stage, actor_id: str) -> Person:
    known = stage.agents.get(actor_id)
    if known is None:
        known = await mirror_agent(stage.services, stage.installation, actor_id)
        stage.agents[actor_id] = known
    return known


async def _emit_assigned(stage: Stage, agent: Person) -> None:
    conversation_id = stage.handoff.conversation_id
    if conversation_id is None:
        return
    payload = {"conversationId": conversation_id, "userId": agent.user_id}
    if await _emitted_before(stage, HITL_ASSIGNED, payload, if_unknown=True):
        return
    await _emit(stage, HITL_ASSIGNED, payload, agent.user_id)


async def _emit_stopped(stage: Stage) -> None:
    conversation_id = stage.handoff.conversation_id
    if conversation_id is None:
        return
    payload = {"conversationId": conversation_id}
    if await _emitted_before(stage, HITL_STOPPED, payload, if_unknown=False):
        return
    await _emit(stage, HITL_STOPPED, payload, None)


async def _emitted_before(
    stage: Stage, type_: str, payload: dict[str, str], *, if_unknown: bool
) -> bool:
    if not outcome_unknown(stage.it):
        return False
    bot = stage.services.bots.of(stage.installation)
    try:
        found = await bot.find_event(type_, payload["conversationId"], payload)
    except VendorRefused:
        log.warning(
            "event_outcome_unknown",
            handoff=stage.handoff.id,
            event_type=type_,
            taken_for_emitted=if_unknown,
        )
        return if_unknown
    return found is not None


async def _emit(stage: Stage, type_: str, payload: dict[str, str], user_id: str | None) -> None:
    await stage.services.ledger.mark_started(stage.it)
    bot = stage.services.bots.of(stage.installation)
    try:
        await bot.create_event(
            type_, payload, conversation_id=payload["conversationId"], user_id=user_id
        )
    except VendorUnreachable as error:
        if error.sent:
            raise
        # It certainly had no effect: say so, or the next run would have to doubt it.
        raise VendorFault(error.message, vendor=error.vendor, operation=error.operation) from error


def outcome_unknown(it: Delivery) -> bool:
    """Whether an earlier run of this delivery may have had its effect without our knowing.

    That is a crash after `mark_started`, or a call whose answer was lost. An answered refusal is
    no doubt: the vendor said that nothing happened.
    """
    return it.started and it.error_code in (None, VendorUnreachable.code)


async def _relay(stage: Stage, actor_id: str) -> None:
    if stage.message is None:
        return
    created = await relay(
        stage.services,
        stage.installation,
        stage.handoff,
        stage.message,
        await _agent(stage, actor_id),
    )
    stage.notes.append(f"{created} message(s) created" if created else "known already")


async def _refuse(stage: Stage, reason: str | None) -> None:
    if stage.message is not None and reason:
        refused = failure_receipt(stage.it, stage.message.id, reason)
        stage.then.extend([refused] if refused else [])
    stage.notes.append(f"refused: the handoff is {stage.handoff.state}")


async def _tell_user(stage: Stage, key: str, text: str | None) -> None:
    """Say a text of ours in the bot's conversation, once per delivery.

    Not before an agent was announced: the HITL plugin takes the author of the first message it sees
    for the agent (plugins/hitl, since December 2025).
    """
    conversation_id = stage.handoff.conversation_id
    if not text or conversation_id is None or not stage.handoff.announced:
        return
    speaker = await _agent(stage, SYSTEM_ACTOR)
    await stage.services.bots.of(stage.installation).get_or_create_message(
        conversation_id,
        speaker.user_id,
        "text",
        {"text": text},
        {MessageTag.ID.value: f"{stage.it.seq}:{key}"},
        discriminate_by=[MessageTag.ID.value],
    )
    stage.notes.append(f"told the user: {key}")


async def _comment(stage: Stage, key: str, text: str | None) -> None:
    thread_id = stage.handoff.thread_id
    if not text or thread_id is None:
        return
    hubspot = stage.services.hubspot.of(stage.installation)
    mark = f"[{stage.it.seq}:{key}]"
    if stage.it.started or stage.it.attempts:
        entries = await hubspot.thread_messages(
            thread_id, newest_first=True, limit=COMMENTS_LOOKED_AT
        )
        if any(entry.type == "COMMENT" and mark in entry.text for entry in entries):
            return
    await stage.services.ledger.mark_started(stage.it)
    await hubspot.comment(thread_id, f"{text} {mark}")
    stage.notes.append(f"commented: {key}")


def _text(stage: Stage, key: TextKey) -> str | None:
    return Texts().get(key, stage.handoff.language)
