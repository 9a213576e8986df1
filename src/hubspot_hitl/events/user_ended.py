"""The user ended the chat by one of the owner's stop words."""

from __future__ import annotations

from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.thread_events import UserEnded
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.ports.ledger import Delivery, Outcome
from hubspot_hitl.ports.services import Services


async def handle_user_ended(services: Services, it: Delivery) -> Outcome:
    """Hand back to the bot, leave the closing line in the thread, close it."""
    return await happen(services, it, UserEnded(occurred_ms(it)))
