"""The user ended the chat by one of the owner's stop words."""

from __future__ import annotations

from hubspot_hitl.events.body import occurred_ms
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.thread_events import UserEnded
from hubspot_hitl.ports.ledger import Delivery, NewDelivery, Outcome
from hubspot_hitl.ports.services import Services

USER_ENDED = "user.ended"


def user_ended(it: Delivery, handoff: Handoff) -> NewDelivery:
    """The end that the message in `it` asks for; it comes behind the message, in its lane."""
    return NewDelivery(
        dedup_key=f"{it.dedup_key}:ended",
        lane=it.lane,
        kind=USER_ENDED,
        installation_id=it.installation_id,
        handoff_id=handoff.id,
        body={"occurredMs": it.accepted_ms},
    )


async def handle_user_ended(services: Services, it: Delivery) -> Outcome:
    """Hand back to the bot, leave the closing line in the thread, close it."""
    return await happen(services, it, UserEnded(occurred_ms(it)))
