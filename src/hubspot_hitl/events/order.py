"""What an agent's command works on, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from hubspot_hitl.effects.saying import agents_text, comment_once
from hubspot_hitl.handoff.commands import Command
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.services import Services


@dataclass(frozen=True, slots=True)
class Order:
    """One command. `agent_id` is the actor id of who gave it."""

    services: Services
    installation: Installation
    handoff: Handoff
    it: Delivery
    command: Command
    agent_id: str | None


async def answer(order: Order, key: TextKey, **values: str) -> Outcome:
    """Answer by one of our texts, in the agents' language."""
    text = agents_text(order.installation, order.handoff, key, **values)
    return await answer_in_words(order, text)


async def answer_in_words(order: Order, text: str | None) -> Outcome:
    """Answer by an internal comment, once; None says nothing."""
    word = order.command.word
    if text is None:
        return Done(note=f"the answer to command {word} is switched off")
    await comment_once(
        order.services, order.installation, order.handoff, order.it, text, key=f"answer-{word}"
    )
    return Done(note=f"command {word} answered")
