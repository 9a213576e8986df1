"""An agent wrote an internal comment: a command to us, or a note that is none of our business.

HubSpot tells of comments by `conversation.newMessage`, without the text, so it is fetched. Nothing
of a comment ever goes to the bot's side; answers are internal comments too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog

from hubspot_hitl.effects.agents import mirror_agent
from hubspot_hitl.effects.ending import CHECKED
from hubspot_hitl.effects.relay import relay
from hubspot_hitl.effects.saying import agents_text, say_to_user
from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.events.order import Order, answer, answer_in_words
from hubspot_hitl.events.reminder import reminder
from hubspot_hitl.events.thread import happen
from hubspot_hitl.events.transfer import transfer
from hubspot_hitl.handoff.commands import Command, Word, command_of, wait_ms_of
from hubspot_hitl.handoff.texts import TextKey, filled_lines
from hubspot_hitl.handoff.thread_events import GivenBack, agent_id
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.intake.thread_history import is_agent_message
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of, name_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

LOOK_BACK = 50


async def agent_commented(services: Services, it: Delivery) -> Outcome:
    """Do what the comment asks, if it is a command of an agent, and answer by a comment."""
    installation = await installation_of(services, it)
    if not installation.configuration.agent_commands:
        return Done(note="commands are switched off")
    handoff = await handoff_of(services, it)
    thread_id, message_id = str(it.body["threadId"]), str(it.body["messageId"])
    try:
        comment = await services.hubspot.of(installation).thread_message(thread_id, message_id)
    except VendorNotFound:
        return Done(note="the comment does not exist any more")
    command = _command(installation, comment)
    if command is None:
        return Done(note="a note among agents")
    order = Order(services, installation, handoff, it, command, author_of(comment))
    log.info("agent_command", handoff=handoff.id, command=command.word, agent=order.agent_id)
    if not handoff.active and command.word not in _AT_ANY_TIME:
        return await answer(order, TextKey.ANSWER_ENDED)
    return await _DO[command.word](order)


def _command(installation: Installation, comment: ThreadMessage) -> Command | None:
    """The command, if the entry is an agent's comment and not one that we wrote ourselves."""
    ours = comment.integration_app_id is not None and (
        comment.integration_app_id == installation.configuration.app_id
    )
    if comment.type != "COMMENT" or ours or author_of(comment) is None:
        return None
    return command_of(comment.text)


def author_of(comment: ThreadMessage) -> str | None:
    """The agent who wrote it; None when it was nobody of flesh and blood."""
    return agent_id(comment.created_by or next(iter(comment.sender_actor_ids), None))


async def _give_back(order: Order) -> Outcome:
    """Answer first: behind the end of the thread nobody looks."""
    close = order.command.word == "end"
    it = order.it
    if it.dedup_key.endswith(CHECKED):
        await answer(order, TextKey.ANSWER_CHAT_ENDED if close else TextKey.ANSWER_GIVEN_BACK)
    return await happen(order.services, it, GivenBack(occurred_ms(it), close=close))


async def _wait(order: Order) -> Outcome:
    wait_ms = wait_ms_of(order.command.argument)
    if wait_ms is None:
        return await answer(order, TextKey.ANSWER_NO_TIME)
    told = bool(order.handoff.announced) and await say_to_user(
        order.services,
        order.installation,
        order.handoff,
        TextKey.WAITING,
        key=f"{name_of(order.services, order.it)}:waiting",
    )
    minutes = max(1, round(wait_ms / 60_000))
    key = TextKey.ANSWER_WAIT_TOLD if told else TextKey.ANSWER_WAIT_UNTOLD
    await answer(order, key, minutes=str(minutes))
    return Done(
        note=f"reminder in {minutes} min",
        then=[reminder(order.it, order.services.clock.now_ms(), wait_ms)],
    )


async def _ask_again(order: Order) -> Outcome:
    """Send the last message that an agent wrote to the user; never a comment."""
    handoff, services = order.handoff, order.services
    entries = await services.hubspot.of(order.installation).thread_messages(
        handoff.thread_id or "", newest_first=True, limit=LOOK_BACK
    )
    said = max(filter(is_agent_message, entries), key=lambda one: one.created_ms, default=None)
    if said is None:
        return await answer(order, TextKey.ANSWER_NOTHING_SAID)
    author = next(iter(said.sender_actor_ids), None) or said.created_by or ""
    agent = await mirror_agent(services, order.installation, author)
    await relay(
        services,
        order.installation,
        handoff,
        said,
        agent,
        attempts=order.it.attempts,
        repetition=f":again:{name_of(services, order.it)}",
    )
    return await answer(order, TextKey.ANSWER_SAID_AGAIN)


async def _who(order: Order) -> Outcome:
    handoff = order.handoff
    person = await order.services.people.user(handoff.installation_id, handoff.user_id)
    known = {
        "name": handoff.user_name,
        "email": person.email if person else None,
        "phone": person.phone if person else None,
        "contact": handoff.contact_id,
        "language": handoff.language,
        "title": handoff.title,
        "state": agents_words(order.installation, handoff).state(handoff.state),
        "agent": await _agent_name(order),
        "handoff": handoff.id,
        "conversation": handoff.conversation_id,
    }
    form = agents_text(order.installation, handoff, TextKey.ANSWER_WHO)
    return await answer_in_words(order, form and filled_lines(form, known))


async def _agent_name(order: Order) -> str | None:
    """Who answers, by name where it is known."""
    actor_id = order.handoff.agent_actor_id
    if actor_id is None:
        return None
    agent = await order.services.people.agent(order.handoff.installation_id, actor_id)
    return f"{agent.name} ({actor_id})" if agent and agent.name else actor_id


async def _help(order: Order) -> Outcome:
    if order.command.word == "help":
        return await answer(order, TextKey.ANSWER_HELP)
    lines = [
        agents_text(order.installation, order.handoff, key, command=f"/{order.command.argument}")
        for key in (TextKey.ANSWER_UNKNOWN, TextKey.ANSWER_HELP)
    ]
    return await answer_in_words(order, "\n".join(line for line in lines if line) or None)


_AT_ANY_TIME = frozenset({"who", "help", "unknown"})
_DO: Mapping[Word, Callable[[Order], Awaitable[Outcome]]] = MappingProxyType(
    {
        "bot": _give_back,
        "end": _give_back,
        "transfer": transfer,
        "wait": _wait,
        "reask": _ask_again,
        "who": _who,
        "help": _help,
        "unknown": _help,
    }
)
