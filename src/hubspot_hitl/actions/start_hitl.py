"""Action `startHitl`: opens the HubSpot thread and the Botpress conversation of one handoff.

Order matters: the handoff is written down with our own thread id *before* HubSpot
hears of it, so that a webhook that overtakes the answer, a crash and a repeated call all find it.
The handoff's lane is held from then until a margin after the answer has been sent: the HITL plugin
ignores whatever arrives before (source: botpress/botpress, plugins/hitl, `isHitlActive`).
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass

import structlog

from hubspot_hitl.actions.again import ANSWER_MS, taken_up_again
from hubspot_hitl.actions.persist import persist
from hubspot_hitl.actions.resume_hitl import resumed
from hubspot_hitl.actions.routed import Route, described, route_of, session_text
from hubspot_hitl.actions.same_chat import marks_of, running
from hubspot_hitl.actions.unfinished import give_up, overdue
from hubspot_hitl.channels.history import HISTORY
from hubspot_hitl.channels.opening import opening_of
from hubspot_hitl.channels.parties import party_of, recipient_of
from hubspot_hitl.crm.contact_link import contact_id_of
from hubspot_hitl.crm.routing.carry_out import routing_deliveries
from hubspot_hitl.effects.moved import follow_ups
from hubspot_hitl.effects.watching import watch
from hubspot_hitl.errors import ActionRefused, Stale, VendorError, VendorNotFound
from hubspot_hitl.handoff.machine import move
from hubspot_hitl.handoff.records import Handoff, HandoffState, Person
from hubspot_hitl.integration.actions import HitlSession, StartHitlInput, StartHitlOutput
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.integration.readiness import require_ready
from hubspot_hitl.integration.tags import ConversationTag, UserTag
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports import flight
from hubspot_hitl.ports.hubspot_records import ChannelMessage
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.channel import binding_for

log = structlog.get_logger(__name__)

CHANNEL = "hitl"


async def start_hitl(
    services: Services, installation: Installation, input_: StartHitlInput
) -> StartHitlOutput:
    """Return the conversation of the handoff; the same chat's is returned again while it runs.

    Raises ActionRefused, whose text the bot owner reads, when no thread could be opened; then no
    half-made handoff stays.
    """
    require_ready(installation.configuration)
    try:
        async with asyncio.timeout(services.policy.start_timeout_s):
            return await _start(services, installation, input_)
    except TimeoutError as error:
        raise ActionRefused(
            f"HubSpot did not answer within {services.policy.start_timeout_s:.0f} s."
            " No conversation was opened; try again."
        ) from error


@dataclass(frozen=True, slots=True)
class _Start:
    """What one call works with. `deadline` is on the clock's `monotonic()`, in seconds."""

    services: Services
    installation: Installation
    input: StartHitlInput
    key: str
    person: Person
    route: Route
    deadline: float


async def _start(
    services: Services, installation: Installation, input_: StartHitlInput
) -> StartHitlOutput:
    deadline = services.clock.monotonic() + services.policy.start_timeout_s
    same = await running(services, installation, input_)
    if same.handoff is not None and same.handoff.state is not HandoffState.STARTING:
        return _answer(await taken_up_again(services, same, input_))
    back = await resumed(services, installation, input_, same.key)
    if back is not None:
        return _answer(back)
    wanted = _wanted_inbox(input_.hitl_session)
    person = await _person(services, installation, input_.user_id)
    route = await route_of(services, installation, input_, person)
    binding = await binding_for(services, installation, wanted or route.inbox_id, deadline=deadline)
    start = _Start(services, installation, input_, same.key, person, route, deadline)
    fresh = _new(start, binding)
    # Long enough for the slowest start; `release_after_answer` brings it forward.
    overdue_ms = services.clock.now_ms() + services.policy.start_overdue_ms
    after = overdue(fresh, fresh.id, overdue_ms)
    await services.ledger.accept([after])
    handoff = same.handoff or await services.handoffs.open(fresh)
    flight.about(handoff.id)
    if handoff.id != fresh.id:
        log.info("start_repeated", handoff=handoff.id)
        await services.ledger.cancel([after.dedup_key])
        if handoff.state is not HandoffState.STARTING:
            return _answer(handoff)
        after = overdue(handoff, fresh.id, overdue_ms)
        await services.ledger.accept([after])
    await services.ledger.hold(handoff.id, overdue_ms)
    try:
        if binding.inbox_id != handoff.inbox_id:
            # An earlier attempt at this start was routed elsewhere; the thread may be there.
            binding = await binding_for(services, installation, handoff.inbox_id, deadline=deadline)
        started = await _open(start, handoff, binding)
    except BaseException as error:
        await asyncio.shield(give_up(services, handoff, after, error))
        if isinstance(error, VendorError):
            raise ActionRefused(f"The handoff could not start: {error.message}") from error
        raise
    await services.ledger.cancel([after.dedup_key])
    return started


async def _open(start: _Start, handoff: Handoff, binding: ChannelBinding) -> StartHitlOutput:
    """Open the thread, then the conversation; then the handoff waits for an agent."""
    handoff = await _open_thread(start, handoff, binding)
    if handoff.state is HandoffState.STARTING:
        handoff = await _open_conversation(start, handoff, binding)
    return _answer(handoff)


async def _open_thread(start: _Start, handoff: Handoff, binding: ChannelBinding) -> Handoff:
    services, installation = start.services, start.installation
    hubspot = services.hubspot.of(installation)
    contact_id = (
        start.route.contact_id
        if start.route.contact_asked
        else await contact_id_of(services, installation, start.person, start.input.hitl_session)
    )
    opening = ChannelMessage(
        channel_id=handoff.channel_id,
        channel_account_id=handoff.channel_account_id,
        integration_thread_id=handoff.integration_thread_id,
        idempotency_id=f"{handoff.integration_thread_id}:opening",
        text=_opening(start, handoff),
        sender=party_of(start.person),
        recipients=(recipient_of(binding.identifier),),
        timestamp_ms=handoff.created_ms,
        contact_id=contact_id,
    )
    published = await persist(services, start.deadline, lambda: hubspot.publish(opening))
    opened = dataclasses.replace(handoff, thread_id=published.thread_id, contact_id=contact_id)
    return await _save(services, opened)


def _opening(start: _Start, handoff: Handoff) -> str:
    """What the agent reads first: who asks for help, and why."""
    asked, words = start.input, agents_words(start.installation, handoff)
    why = described(asked.description, asked.hitl_session, start.route, words)
    return opening_of(start.installation, handoff, why)


async def _open_conversation(start: _Start, handoff: Handoff, binding: ChannelBinding) -> Handoff:
    services, installation = start.services, start.installation
    bot = services.bots.of(installation)
    conversation, _ = await persist(
        services,
        start.deadline,
        lambda: bot.get_or_create_conversation(
            CHANNEL, _tags(handoff, binding), discriminate_by=[ConversationTag.ID.value]
        ),
    )
    now_ms = services.clock.now_ms()
    pending = dataclasses.replace(
        move(handoff, HandoffState.PENDING, now_ms), conversation_id=conversation.id
    )
    await services.ledger.accept(
        [
            *_first_deliveries(start, handoff),
            *follow_ups(installation, handoff, pending, now_ms),
            *watch(installation, pending, now_ms),
        ]
    )
    # Should the process end before the answer is out, the lane waits no longer than this.
    await services.ledger.hold(handoff.id, now_ms + ANSWER_MS)
    handoff = await _save(services, pending)
    if handoff.state is HandoffState.STARTING:  # a repeated call wrote the thread down once more
        return await _open_conversation(start, handoff, binding)
    log.info(
        "handoff_started",
        installation=installation.id,
        handoff=handoff.id,
        thread=handoff.thread_id,
        conversation=conversation.id,
    )
    return handoff


def _answer(handoff: Handoff) -> StartHitlOutput:
    """The conversation of a started handoff; never a made-up id."""
    if handoff.conversation_id is None:
        raise ActionRefused(
            f"Another attempt at the same handoff ended as {handoff.state.value}. Try again."
        )
    return StartHitlOutput(conversation_id=handoff.conversation_id)


async def release_after_answer(
    services: Services, installation: Installation, output: StartHitlOutput
) -> None:
    """Let the lane run a margin after the answer of `startHitl` has left."""
    handoff = await services.handoffs.by_conversation(installation.id, output.conversation_id)
    if handoff is not None:
        await services.ledger.hold(
            handoff.id, services.clock.now_ms() + services.policy.start_margin_ms
        )


async def _save(services: Services, handoff: Handoff) -> Handoff:
    """Save, or return what a repeated call of the same start has saved meanwhile."""
    try:
        return await services.handoffs.save(handoff)
    except Stale:
        stored = await services.handoffs.get(handoff.id)
        if stored is None or (stored.state is HandoffState.STARTING and not stored.thread_id):
            raise
        return stored


def _new(start: _Start, binding: ChannelBinding) -> Handoff:
    services, asked = start.services, start.input
    session = asked.hitl_session
    return Handoff(
        id=services.new_id(),
        installation_id=start.installation.id,
        user_id=asked.user_id,
        start_key=start.key,
        integration_thread_id=services.new_id(),
        state=HandoffState.STARTING,
        created_ms=services.clock.now_ms(),
        inbox_id=binding.inbox_id,
        channel_id=binding.channel_id,
        channel_account_id=binding.channel_account_id,
        user_name=start.person.name,
        title=asked.title,
        description=asked.description,
        language=session.language if session else None,
        session=session_text(session, start.route),
        history_marks=" ".join(marks_of(asked.message_history)),
    )


def _wanted_inbox(session: HitlSession | None) -> str | None:
    if session is None or session.inbox_id is None:
        return None
    try:
        return inbox_id_of(session.inbox_id)
    except ValueError as error:
        raise ActionRefused(f"The session's inbox: {error}.") from error


def _tags(handoff: Handoff, binding: ChannelBinding) -> dict[str, str]:
    return {
        ConversationTag.ID.value: handoff.thread_id or "",
        ConversationTag.HANDOFF_ID.value: handoff.id,
        ConversationTag.INTEGRATION_THREAD_ID.value: handoff.integration_thread_id,
        ConversationTag.INBOX_ID.value: binding.inbox_id,
    }


def _first_deliveries(start: _Start, handoff: Handoff) -> list[NewDelivery]:
    entries = start.input.message_history
    history = [entry.model_dump(by_alias=True, mode="json") for entry in entries]
    return [
        NewDelivery(
            dedup_key=f"history:{handoff.id}",
            # Not the handoff's lane: that one is held, and the agent may read at once.
            lane=f"history:{handoff.id}",
            kind=HISTORY,
            installation_id=handoff.installation_id,
            handoff_id=handoff.id,
            body={"messageHistory": history},
        ),
        *routing_deliveries(handoff, start.route.rule),
    ]


async def _person(services: Services, installation: Installation, user_id: str) -> Person:
    """The end user as `createUser` remembered them, else as Botpress knows them."""
    known = await services.people.user(installation.id, user_id)
    if known is not None:
        return known
    try:
        user = await services.bots.of(installation).get_user(user_id)
    except VendorNotFound as error:
        raise ActionRefused(
            f"The bot has no user {user_id!r}. Call createUser first and pass its userId."
        ) from error
    person = Person(
        installation_id=installation.id,
        user_id=user.id,
        name=user.name or user.tags.get(UserTag.NAME.value),
        email=user.tags.get(UserTag.EMAIL.value),
        phone=user.tags.get(UserTag.PHONE.value),
        picture_url=user.picture_url,
        seen_ms=services.clock.now_ms(),
    )
    await services.people.remember(person)
    return person
