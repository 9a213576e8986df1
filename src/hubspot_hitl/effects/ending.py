"""An end that is under way: the bot is told of it before it is saved."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services

CHECKED: Final = ":checked"
"""How the key of the delivery ends that does the end, once the last messages stand before it."""


async def is_ending(services: Services, handoff: Handoff) -> bool:
    """Whether the bot may have been told already that the active handoff is over."""
    waiting = await services.ledger.find(
        DeliveryFilter(
            handoff_id=handoff.id,
            lane=handoff.id,
            states=(DeliveryState.READY,),
            newest_first=False,
        )
    )
    return any(one.started and one.dedup_key.endswith(CHECKED) for one in waiting)
