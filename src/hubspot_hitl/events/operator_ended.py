"""An operator ended the chat in the console, because nobody in the inbox could or did."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.thread_events import GivenBack
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.ports.ledger import Delivery, NewDelivery, Outcome
from hubspot_hitl.ports.services import Services

OPERATOR_ENDED: Final = "operator.ended"


def operator_ended(handoff: Handoff, now_ms: int) -> NewDelivery:
    """The end, in the handoff's lane: behind what was said before. One for each reopening."""
    return NewDelivery(
        dedup_key=f"{OPERATOR_ENDED}:{handoff.id}:{handoff.ended_ms or 0}",
        lane=handoff.id,
        kind=OPERATOR_ENDED,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={"occurredMs": now_ms},
    )


async def handle_operator_ended(services: Services, it: Delivery) -> Outcome:
    """Hand back to the bot and close the thread, as an agent's `/end` does."""
    return await happen(services, it, GivenBack(occurred_ms(it), close=True))
