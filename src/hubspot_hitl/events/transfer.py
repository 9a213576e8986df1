"""`/transfer`: the chat moves to another inbox.

HubSpot's API cannot move a thread, so the handoff goes on in a new thread of the other inbox: an
opening with the same facts, what was said so far as an internal comment, and the old thread closed
with a pointer to the new one. The user's chat is the same one throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import structlog

from hubspot_hitl.channels.opening import opening_of
from hubspot_hitl.channels.parties import party_of, recipient_of
from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.effects.saying import agents_text, comment_once, say_to_user
from hubspot_hitl.effects.tagging import tags_later
from hubspot_hitl.errors import ActionRefused, VendorNotFound
from hubspot_hitl.events.order import Order, answer
from hubspot_hitl.events.thread import last_words_first
from hubspot_hitl.handoff import machine
from hubspot_hitl.handoff.records import Handoff, HandoffState, Person
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.intake.thread_history import oldest_first
from hubspot_hitl.integration.inboxes import inbox_id_of
from hubspot_hitl.integration.installation import ChannelBinding
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.hubspot_records import ChannelMessage, Inbox, ThreadMessage
from hubspot_hitl.ports.ledger import Done, Outcome
from hubspot_hitl.ports.reading import name_of
from hubspot_hitl.setup.channel import binding_for

log = structlog.get_logger(__name__)

SETUP_S = 20.0
MOST_ENTRIES = 100
MOST_CHARS = 9_000


async def transfer(order: Order) -> Outcome:
    """Move the chat, tell the user, close the old thread. Each step is safe to repeat."""
    services, installation, handoff = order.services, order.installation, order.handoff
    name = name_of(services, order.it)
    own_id = str(uuid5(NAMESPACE_URL, f"{handoff.id}:transfer:{name}"))
    before = handoff
    if handoff.integration_thread_id != own_id:
        inboxes = await services.hubspot.of(installation).inboxes()
        inbox = _inbox(order.command.argument, inboxes)
        if inbox is None or inbox.id not in installation.configuration.inbox_ids:
            return await _which(order, inboxes)
        if inbox.id == handoff.inbox_id:
            return await answer(order, TextKey.ANSWER_SAME_INBOX)
        first = await last_words_first(services, order.it, handoff, occurred_ms(order.it))
        if first is not None:
            return first
        try:
            binding = await binding_for(
                services,
                installation,
                inbox.id,
                deadline=services.clock.monotonic() + SETUP_S,
            )
        except ActionRefused as error:
            log.warning("not_transferred", handoff=handoff.id, inbox=inbox.id, reason=error.message)
            return await answer(order, TextKey.ANSWER_NOT_CONNECTED)
        handoff = await _move(order, binding, own_id)
    await _tell(order, handoff)
    return Done(
        note=f"transferred to inbox {handoff.inbox_id}",
        then=tags_later(order.it, before, handoff),
    )


def _inbox(wanted: str, inboxes: Sequence[Inbox]) -> Inbox | None:
    """By id, by the address of its settings, or by name."""
    alive = [inbox for inbox in inboxes if not inbox.archived]
    named = [inbox for inbox in alive if inbox.name.casefold() == wanted.casefold()]
    if named:
        return named[0]
    try:
        inbox_id = inbox_id_of(wanted)
    except ValueError:
        return None
    return next((inbox for inbox in alive if inbox.id == inbox_id), None)


async def _which(order: Order, inboxes: Sequence[Inbox]) -> Outcome:
    connected = order.installation.configuration.inbox_ids
    names = [f"{inbox.name} ({inbox.id})" for inbox in inboxes if inbox.id in connected]
    if not names:
        return await answer(order, TextKey.ANSWER_NO_INBOX)
    return await answer(order, TextKey.ANSWER_WHICH_INBOX, inboxes=", ".join(names))


async def _move(order: Order, binding: ChannelBinding, own_id: str) -> Handoff:
    """Open the new thread and let the handoff own it; from here on the lane speaks to it."""
    services, handoff = order.services, order.handoff
    person = await services.people.user(handoff.installation_id, handoff.user_id)
    opening = ChannelMessage(
        channel_id=binding.channel_id,
        channel_account_id=binding.channel_account_id,
        integration_thread_id=own_id,
        idempotency_id=f"{own_id}:opening",
        text=opening_of(order.installation, handoff, handoff.description),
        sender=party_of(person or Person(handoff.installation_id, handoff.user_id)),
        recipients=(recipient_of(binding.identifier),),
        timestamp_ms=services.clock.now_ms(),
        contact_id=handoff.contact_id,
    )
    published = await services.hubspot.of(order.installation).publish(opening)
    waiting = handoff
    if handoff.state is HandoffState.ASSIGNED:
        # by HubSpot's clock: whoever is assigned in the new thread comes later, wherever ours is
        waiting = machine.unassign(handoff, occurred_ms(order.it))
    return await save_moved(
        services,
        order.installation,
        handoff,
        replace(
            waiting,
            thread_id=published.thread_id,
            integration_thread_id=own_id,
            inbox_id=binding.inbox_id,
            channel_id=binding.channel_id,
            channel_account_id=binding.channel_account_id,
        ),
    )


async def _tell(order: Order, moved: Handoff) -> None:
    services, installation, it = order.services, order.installation, order.it
    hubspot = services.hubspot.of(installation)
    old_id = str(it.body["threadId"])
    entries = await hubspot.thread_messages(old_id, newest_first=True, limit=MOST_ENTRIES)
    said = _so_far(order, entries)
    await comment_once(services, installation, moved, it, said, key="so-far")
    if moved.announced:
        key = f"{name_of(services, it)}:transferred"
        await say_to_user(services, installation, moved, TextKey.TRANSFERRED, key=key)
    old = replace(moved, thread_id=old_id)
    pointer = agents_text(
        installation,
        old,
        TextKey.NOTE_TRANSFERRED,
        inbox=moved.inbox_id,
        thread=moved.thread_id or "",
    )
    if pointer:
        await comment_once(services, installation, old, it, pointer, key="transferred")
    try:
        await hubspot.set_thread_status(old_id, "CLOSED")
    except VendorNotFound:
        return


def _so_far(order: Order, entries: Sequence[ThreadMessage]) -> str:
    """What was said in the old thread, oldest first, for agents only."""
    ordered = oldest_first(entries)
    words = agents_words(order.installation, order.handoff)
    agent, user = words(TextKey.SPEAKER_AGENT), words(TextKey.SPEAKER_USER)
    lines = [
        f"{agent if one.direction == 'OUTGOING' else user}: {one.text.strip()}"
        for one in ordered
        if one.type == "MESSAGE" and one.text.strip()
    ]
    return f"{words(TextKey.NOTE_SO_FAR)}\n" + "\n".join(lines)[-MOST_CHARS:]
