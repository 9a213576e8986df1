"""An agent answered: the words go into the bot's conversation, once and in order."""

from __future__ import annotations

from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.thread_events import AgentMessage
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.intake.ordering import after_those_before
from hubspot_hitl.intake.thread_history import is_agent_message
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.services import Services


async def operator_send_message(services: Services, it: Delivery) -> Outcome:
    """Mirror and announce the agent, put the message into the conversation, mark it SENT.

    What cannot be delivered is marked FAILED with a reason that the agent can read.
    """
    message = message_of(it)
    if not is_agent_message(message):
        return Done(note=f"a {message.type} by {message.created_by} is not for the user")
    behind = await after_those_before(services, message, it)
    if behind is not None:
        return behind
    event = AgentMessage(author_of(message), message.created_ms)
    return await happen(services, it, event, message)


def author_of(message: ThreadMessage) -> str | None:
    """The actor id of who wrote it."""
    return next(iter(message.sender_actor_ids), None) or message.created_by
