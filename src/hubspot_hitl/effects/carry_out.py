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

from hubspot_hitl.effects.agent_presence import agent_seen
from hubspot_hitl.effects.agents import SYSTEM_ACTOR, as_agent, mirror_agent
from hubspot_hitl.effects.contact_log import said_later, writes_each_message
from hubspot_hitl.effects.held import hold_for_news, hold_for_return
from hubspot_hitl.effects.relay import failure_receipt, receipt, relay
from hubspot_hitl.effects.reopened import asked, open_question, was_asked
from hubspot_hitl.effects.saying import (
    agents_placeholder,
    agents_text,
    note_once,
    say_to_user,
)
from hubspot_hitl.effects.spoken import RELAYED, RELAYED_BEFORE, said_by_agent
from hubspot_hitl.errors import (
    AuthorizationLost,
    HitlError,
    VendorFault,
    VendorNotFound,
    VendorRefused,
    VendorUnreachable,
    is_away,
)
from hubspot_hitl.handoff import thread_effects as domain
from hubspot_hitl.handoff.records import Handoff, Person
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.integration.events import HANDOFF_REOPENED, HITL_ASSIGNED, HITL_STOPPED
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.reading import name_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.later import erase_later

log = structlog.get_logger(__name__)

TOLD_AFTER_ATTEMPTS = 2
MOST_DELIVERIES = 1_000
NEXT_NOTE = "; "


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
            await _refuse(stage, agents_text(stage.installation, stage.handoff, key))
        case domain.TellUser(key):
            await _tell_user(stage, key)
        case domain.CommentToAgent(key):
            await _comment(stage, key)
        case domain.CloseThread():
            await _close(stage)
        case domain.EraseContent():
            stage.then.append(erase_later(stage.it, stage.handoff))
            stage.notes.append("the person's content is to be erased")
        case domain.HoldForNews():
            await _hold_for_news(stage)
        case domain.AskToResume():
            await _ask_to_resume(stage)
        case domain.WaitForStart():
            pass  # the caller waits


async def _agent(stage: Stage, actor_id: str) -> Person:
    known = stage.agents.get(actor_id)
    if known is None:
        said = stage.message
        theirs = said is not None and actor_id in (*said.sender_actor_ids, said.created_by)
        name = said.sender_name if said is not None and theirs else None
        known = await mirror_agent(stage.services, stage.installation, actor_id, name)
        stage.agents[actor_id] = known
    return known


async def _emit_assigned(stage: Stage, agent: Person) -> None:
    conversation_id = stage.handoff.conversation_id
    if conversation_id is None:
        return

    async def emit(user_id: str) -> None:
        payload = {"conversationId": conversation_id, "userId": user_id}
        if not await _emitted_before(stage, HITL_ASSIGNED, payload, if_unknown=True):
            await _emit(stage, HITL_ASSIGNED, payload, user_id)

    await as_agent(stage.services, stage.installation, agent, emit)


async def _emit_stopped(stage: Stage) -> None:
    conversation_id = stage.handoff.conversation_id
    if conversation_id is None:
        return
    payload = {"conversationId": conversation_id}
    if await _emitted_before(stage, HITL_STOPPED, payload, if_unknown=False):
        return
    try:
        await _emit(stage, HITL_STOPPED, payload, None)
    except VendorNotFound:
        # Nobody is left to be told; the handoff ends all the same.
        log.warning("conversation_gone", handoff=stage.handoff.id, conversation=conversation_id)
        stage.notes.append("the bot's conversation is gone")


async def _ask_to_resume(stage: Stage) -> None:
    """Ask once for each end: a thread may be opened and closed as often as people like."""
    services, handoff = stage.services, stage.handoff
    if handoff.conversation_id is None or await was_asked(services, handoff, but=stage.it.seq):
        return
    payload = {"conversationId": handoff.conversation_id}
    if handoff.agent_actor_id is not None:
        payload["userId"] = (await _agent(stage, handoff.agent_actor_id)).user_id
    # Written down first: the bot may answer before the agent has been told.
    due_ms = services.clock.now_ms() + services.policy.reopen_answer_ms
    await services.ledger.accept([asked(handoff, due_ms, by=stage.it.seq)])
    if not await _emitted_before(stage, HANDOFF_REOPENED, payload, if_unknown=False):
        await _emit(stage, HANDOFF_REOPENED, payload, None)
    await note_once(services, stage.installation, handoff, stage.it, TextKey.NOTE_REOPENING)
    stage.notes.append("the bot was asked to bring the user back")


async def _emitted_before(
    stage: Stage, type_: str, payload: dict[str, str], *, if_unknown: bool
) -> bool:
    if not stage.it.started:
        return False
    since_ms = stage.it.accepted_ms - CLOCKS_APART_MS  # an earlier session's event may be the same
    bot = stage.services.bots.of(stage.installation)
    try:
        found = await bot.find_event(type_, payload["conversationId"], payload, since_ms=since_ms)
    except VendorRefused:
        if not outcome_unknown(stage.it):
            return False
        log.warning(
            "event_outcome_unknown",
            handoff=stage.handoff.id,
            event_type=type_,
            taken_for_emitted=if_unknown,
        )
        return if_unknown
    if found is None or await _is_of_another(stage, found):
        return False
    stage.notes.append(_noted(found))
    return True


def _noted(event_id: str) -> str:
    return f"event {event_id}"


async def _is_of_another(stage: Stage, event_id: str) -> bool:
    """Whether an event was emitted by an earlier delivery of the handoff, for an earlier session.

    Its payload is the same, and it may be so young that clocks do not tell.
    """
    done = await stage.services.ledger.find(
        DeliveryFilter(
            handoff_id=stage.handoff.id, states=(DeliveryState.DONE,), limit=MOST_DELIVERIES
        )
    )
    return any(_noted(event_id) in (one.note or "").split(NEXT_NOTE) for one in done)


async def _emit(stage: Stage, type_: str, payload: dict[str, str], user_id: str | None) -> None:
    await stage.services.ledger.mark_started(stage.it)
    bot = stage.services.bots.of(stage.installation)
    try:
        event_id = await bot.create_event(
            type_, payload, conversation_id=payload["conversationId"], user_id=user_id
        )
    except VendorUnreachable as error:
        if error.sent:
            raise
        # It certainly had no effect: say so, or the next run would have to doubt it.
        raise VendorFault(error.message, vendor=error.vendor, operation=error.operation) from error
    stage.notes.append(_noted(event_id))


def outcome_unknown(it: Delivery) -> bool:
    """Whether an earlier run of this delivery may have had its effect without our knowing.

    That is a crash after `mark_started`, or a call whose answer was lost. An answered refusal is
    no doubt: the vendor said that nothing happened.
    """
    return it.started and it.error_code in (None, VendorUnreachable.code)


async def _relay(stage: Stage, actor_id: str) -> None:
    if stage.message is None:
        return
    services, installation, it = stage.services, stage.installation, stage.it
    try:
        created = await relay(
            services,
            installation,
            stage.handoff,
            stage.message,
            await _agent(stage, actor_id),
            attempts=it.attempts,
        )
    except HitlError as error:
        await _not_delivered(stage, stage.message.id, error)
        raise
    stage.notes.append(f"{created} {RELAYED}" if created else RELAYED_BEFORE)
    stage.then += await receipt(services, installation, it, stage.message.id)
    if writes_each_message(installation, stage.handoff):
        said = await said_by_agent(services, installation, stage.handoff, stage.message)
        stage.then += said_later(installation, stage.handoff, it, said)
    stage.then += agent_seen(installation, stage.handoff, actor_id, services.clock.now_ms())


async def _not_delivered(stage: Stage, message_id: str, error: HitlError) -> None:
    """Tell the agent at once, in plain words; the delivery goes to the dead letters all the same.

    A failure that a retry may mend is told after some attempts, as not delivered yet: the agent
    must not believe for minutes that the user has read it. Success makes it SENT.
    """
    final = not error.retryable and not isinstance(error, AuthorizationLost)
    waited_s = stage.it.waited_s(stage.services.clock.now_ms())
    late = stage.it.attempts == TOLD_AFTER_ATTEMPTS or is_away(error, waited_s)
    if not (final or late):
        return
    key = TextKey.REASON_FAILED if final else TextKey.REASON_DELAYED
    reason = agents_placeholder(stage.installation, stage.handoff, key)
    told = failure_receipt(stage.installation, stage.it, message_id, reason, final=final)
    if told is not None:
        await stage.services.ledger.accept([told])


async def _refuse(stage: Stage, reason: str | None) -> None:
    if stage.message is not None:
        if await _holds(stage):
            await _hold(stage)
            return
        refused = failure_receipt(
            stage.installation, stage.it, stage.message.id, reason or "", final=True
        )
        stage.then.extend([refused] if refused else [])
    stage.notes.append(f"refused: the handoff is {stage.handoff.state}")


async def _hold(stage: Stage) -> None:
    stage.then.append(await hold_for_return(stage.services, stage.it, stage.handoff))
    stage.notes.append("held until the user comes back")


async def _hold_for_news(stage: Stage) -> None:
    """Hold it: for the user, or for as long as the news may take; refuse it if all is over."""
    services, handoff = stage.services, stage.handoff
    if await _holds(stage) or await was_asked(services, handoff, but=stage.it.seq):
        key = TextKey.NOTE_CHAT_ENDED
        await _refuse(stage, agents_text(stage.installation, handoff, key))
        await _comment(stage, key)
    elif stage.message is not None:
        stage.then.append(await hold_for_news(services, stage.it, handoff))
        stage.notes.append("held: the thread may have been opened again")


async def _holds(stage: Stage) -> bool:
    """Whether a late message waits for the user: by setting, or while the bot is being asked."""
    configuration = stage.installation.configuration
    if configuration.late_replies == "hold":
        return True
    asking = configuration.reopen == "resume"
    return asking and await open_question(stage.services, stage.handoff) is not None


async def _close(stage: Stage) -> None:
    if stage.handoff.thread_id is None:
        return
    hubspot = stage.services.hubspot.of(stage.installation)
    try:
        await hubspot.set_thread_status(stage.handoff.thread_id, "CLOSED")
    except VendorNotFound:
        stage.notes.append("the thread is gone")
        return
    stage.notes.append("thread closed")


async def _tell_user(stage: Stage, key: TextKey) -> None:
    """Say a text of ours in the bot's conversation, once per delivery.

    Not before an agent was announced: the HITL plugin takes the author of the first message it sees
    for the agent (plugins/hitl, since December 2025).
    """
    if not stage.handoff.announced:
        return
    name = f"{name_of(stage.services, stage.it)}:{key.value}"
    if await say_to_user(stage.services, stage.installation, stage.handoff, key, key=name):
        stage.notes.append(f"told the user: {key.value}")


async def _comment(stage: Stage, key: TextKey) -> None:
    if key is TextKey.NOTE_CHAT_ENDED and await _holds(stage):
        key = TextKey.NOTE_HELD
    if await note_once(stage.services, stage.installation, stage.handoff, stage.it, key):
        stage.notes.append(f"commented: {key.value}")
