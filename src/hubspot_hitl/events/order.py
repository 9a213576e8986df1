"""What an agent's command works on, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from hubspot_hitl.events.saying import comment_once
from hubspot_hitl.handoff.commands import Command
from hubspot_hitl.handoff.records import Handoff
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


async def answer(order: Order, text: str) -> Outcome:
    """Answer by an internal comment, once."""
    word = order.command.word
    await comment_once(
        order.services, order.installation, order.handoff, order.it, text, key=f"answer-{word}"
    )
    return Done(note=f"command {word} answered")
