"""Marks agents' messages as READ, as far as the bot's side knows.

Botpress tells nobody of reading. So it is either told to us, by the action `markRead` of a bot
whose channel has receipts, or taken from what follows: a user who answers has the chat before them.
"""

from __future__ import annotations

from hubspot_hitl.effects.relay import read_receipt
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import ERASED, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.services import Services

LOOK_BACK = 50


async def read_until(
    services: Services, installation: Installation, handoff: Handoff, until_ms: int
) -> list[NewDelivery]:
    """The deliveries that mark what reached the user until then, by our clock, each once.

    What was refused after an earlier end is left alone, and no more than the last 50 are looked at.
    """
    if not installation.configuration.receipts or not handoff.active:
        return []
    delivered = await services.ledger.find(
        DeliveryFilter(
            handoff_id=handoff.id,
            kind=MESSAGE,
            states=(DeliveryState.DONE,),
            accepted_after_ms=handoff.ended_ms,
            limit=LOOK_BACK,
        )
    )
    marks = (
        read_receipt(one, handoff.channel_id)
        for one in reversed(delivered)
        if one.accepted_ms <= until_ms and one.body != ERASED
    )
    return [mark for mark in marks if mark is not None]
