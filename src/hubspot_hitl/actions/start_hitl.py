"""Action `startHitl`: opens the HubSpot thread and the Botpress conversation of one handoff.

Order matters (DESIGN 4.1): the handoff is written down with our own thread id *before* HubSpot
hears of it, so that a webhook that overtakes the answer, a crash and a repeated call all find it.
The handoff's lane is held from then until a margin after the answer has been sent: the HITL plugin
ignores whatever arrives before (facts: botpress/botpress, plugins/hitl, `isHitlActive`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json

import structlog

from hubspot_hitl.actions.persist import persist
from hubspot_hitl.actions.resume_hitl import resumed
from hubspot_hitl.actions.routed import Route, described, route_of, session_text
from hubspot_hitl.actions.unfinished import give_up, overdue
from hubspot_hitl.channels.history import HISTORY
from hubspot_hitl.channels.parties import party_of, recipient_of
from hubspot_hitl.crm.contact_link import contact_id_of
from hubspot_hitl.crm.routing_effects import routing_deliveries
from hubspot_hitl.errors import ActionRefused, Stale, VendorError, VendorNotFound
from hubspot_hitl.events.moved import follow_ups
from hubspot_hitl.events.watching import watch
from hubspot_hitl.handoff.machine import move
from hubspot_hitl.handoff.opening import opening_text
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
from hubspot_hitl.privacy.masking import mask_text
from hubspot_hitl.setup.channel import binding_for

log = structlog.get_logger(__name__)

CHANNEL = "hitl"
# The longest time between the end of a start and its answer; `release_after_answer` cuts it short.
ANSWER_MS = 3_000


async def start_hitl(
    services: Services, installation: Installation, input_: StartHitlInput
) -> StartHitlOutput:
    """Return the conversation of the handoff; the same input returns the same one while it runs.

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


async def _start(
    services: Services, installation: Installation, input_: StartHitlInput
) -> StartHitlOutput:
    deadline = services.clock.monotonic() + services.policy.start_timeout_s
    session = input_.hitl_session
    back = await resumed(services, installation, input_, start_key(input_))
    if back is not None:
        return _answer(back)
    wanted = _wanted_inbox(session)
    person = await _person(services, installation, input_.user_id)
    route = await route_of(services, installation, input_, person)
    binding = await binding_for(services, installation, wanted or route.inbox_id, deadline=deadline)
    fresh = _new(services, installation, input_, binding, person, route)
    # Long enough for the slowest start; `release_after_answer` brings it forward.
    overdue_ms = services.clock.now_ms() + services.policy.start_overdue_ms
    after = overdue(fresh, fresh.id, overdue_ms)
    await services.ledger.accept([after])
    handoff = await services.handoffs.open(fresh)
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
        started = await _open(
            services, installation, input_, handoff, binding, person, deadline, route
        )
    except BaseException as error:
        await asyncio.shield(give_up(services, handoff, after, error))
        if isinstance(error, VendorError):
            raise ActionRefused(f"The handoff could not start: {error.message}") from error
        raise
    await services.ledger.cancel([after.dedup_key])
    return started


async def _open(
    services: Services,
    installation: Installation,
    input_: StartHitlInput,
    handoff: Handoff,
    binding: ChannelBinding,
    person: Person,
    deadline: float,
    route: Route,
) -> StartHitlOutput:
    hubspot, bot = services.hubspot.of(installation), services.bots.of(installation)
    contact_id = (
        route.contact_id
        if route.contact_asked
        else await contact_id_of(services, installation, person, input_.hitl_session)
    )
    words = agents_words(installation, handoff)
    opening = ChannelMessage(
        channel_id=handoff.channel_id,
        channel_account_id=handoff.channel_account_id,
        integration_thread_id=handoff.integration_thread_id,
        idempotency_id=f"{handoff.integration_thread_id}:opening",
        text=mask_text(
            installation.configuration,
            opening_text(
                person.name,
                input_.title,
                described(input_.description, input_.hitl_session, route, words),
                words=words,
            ),
        ),
        sender=party_of(person),
        recipients=(recipient_of(binding.identifier),),
        timestamp_ms=handoff.created_ms,
        contact_id=contact_id,
    )
    published = await persist(services, deadline, lambda: hubspot.publish(opening))
    handoff = await _save(
        services,
        dataclasses.replace(handoff, thread_id=published.thread_id, contact_id=contact_id),
    )
    if handoff.state is not HandoffState.STARTING:
        return _answer(handoff)
    conversation, _ = await persist(
        services,
        deadline,
        lambda: bot.get_or_create_conversation(
            CHANNEL, _tags(handoff, binding), discriminate_by=[ConversationTag.ID.value]
        ),
    )
    now_ms = services.clock.now_ms()
    pending = dataclasses.replace(
        move(handoff, HandoffState.PENDING, now_ms), conversation_id=conversation.id
    )
    first = _first_deliveries(handoff, input_, route)
    await services.ledger.accept(
        [
            *first,
            *follow_ups(installation, handoff, pending, now_ms),
            *watch(installation, pending, now_ms),
        ]
    )
    # Should the process end before the answer is out, the lane waits no longer than this.
    await services.ledger.hold(handoff.id, now_ms + ANSWER_MS)
    handoff = await _save(services, pending)
    log.info(
        "handoff_started",
        installation=installation.id,
        handoff=handoff.id,
        thread=handoff.thread_id,
        conversation=conversation.id,
    )
    return _answer(handoff)


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
    """Let the lane run a margin after the answer of `startHitl` has left (DESIGN 4.6)."""
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


def _new(
    services: Services,
    installation: Installation,
    input_: StartHitlInput,
    binding: ChannelBinding,
    person: Person,
    route: Route,
) -> Handoff:
    session = input_.hitl_session
    return Handoff(
        id=services.new_id(),
        installation_id=installation.id,
        user_id=input_.user_id,
        start_key=start_key(input_),
        integration_thread_id=services.new_id(),
        state=HandoffState.STARTING,
        created_ms=services.clock.now_ms(),
        inbox_id=binding.inbox_id,
        channel_id=binding.channel_id,
        channel_account_id=binding.channel_account_id,
        user_name=person.name,
        title=input_.title,
        description=input_.description,
        language=session.language if session else None,
        session=session_text(session, route),
    )


def _wanted_inbox(session: HitlSession | None) -> str | None:
    if session is None or session.inbox_id is None:
        return None
    try:
        return inbox_id_of(session.inbox_id)
    except ValueError as error:
        raise ActionRefused(f"The session's inbox: {error}.") from error


def start_key(input_: StartHitlInput) -> str:
    """What makes two calls the same start: the user and everything that was passed.

    Botpress gives no id of the user message that led here; its history stands in for it.
    """
    text = json.dumps(input_.model_dump(by_alias=True, mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tags(handoff: Handoff, binding: ChannelBinding) -> dict[str, str]:
    return {
        ConversationTag.ID.value: handoff.thread_id or "",
        ConversationTag.HANDOFF_ID.value: handoff.id,
        ConversationTag.INTEGRATION_THREAD_ID.value: handoff.integration_thread_id,
        ConversationTag.INBOX_ID.value: binding.inbox_id,
    }


def _first_deliveries(handoff: Handoff, input_: StartHitlInput, route: Route) -> list[NewDelivery]:
    history = [entry.model_dump(by_alias=True, mode="json") for entry in input_.message_history]
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
        *routing_deliveries(handoff, route.rule),
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
