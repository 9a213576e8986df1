"""Does a message's delivery once more, because a person asked for it.

The same ids go out as the first time, so both vendors know what they have already: what arrived is
not doubled, what was lost arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from hubspot_hitl.channels import hitl
from hubspot_hitl.effects.spoken import BOT_MESSAGE
from hubspot_hitl.events.operator_send_message import operator_send_message
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.ports.ledger import (
    ERASED,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    NewDelivery,
    Outcome,
)
from hubspot_hitl.ports.services import DeliveryHandler, Services

RESEND: Final = "repair.resend"

_AGAIN: Mapping[str, DeliveryHandler] = MappingProxyType(
    {BOT_MESSAGE: hitl.deliver_message, hubspot_events.MESSAGE: operator_send_message}
)


def can_resend(it: Delivery) -> bool:
    """Whether this is a message that was delivered, and whose words are still here."""
    return it.kind in _AGAIN and it.state is DeliveryState.DONE and it.body != ERASED


def resend(it: Delivery, once: str) -> NewDelivery:
    """The delivery that does `it` again, in its lane; one for each `once`."""
    return NewDelivery(
        dedup_key=f"{RESEND}:{it.seq}:{once}",
        lane=it.lane,
        kind=RESEND,
        installation_id=it.installation_id,
        handoff_id=it.handoff_id,
        body={"seq": it.seq},
    )


async def deliver_again(services: Services, it: Delivery) -> Outcome:
    """Call the first delivery's handler as if it had been interrupted."""
    number = it.body["seq"]
    found = await services.ledger.find(
        DeliveryFilter(seq=number if isinstance(number, int) else -1, limit=1)
    )
    if not found or not can_resend(found[0]):
        return Done(note="the message is not kept here any more")
    first = replace(found[0], attempts=it.attempts, error_code=it.error_code, started=True)
    return await _AGAIN[first.kind](services, first)


DELIVERIES = {RESEND: deliver_again}
"""Kind of delivery -> who handles it."""
