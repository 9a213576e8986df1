"""How far a set-up is that goes on in the background."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services

FINISH: Final = "setup.finish"


async def pending(services: Services, installation_id: str) -> Delivery | None:
    """The set-up that goes on in the background, if one does."""
    found = await services.ledger.find(
        DeliveryFilter(
            states=(DeliveryState.READY,), installation_id=installation_id, kind=FINISH, limit=1
        )
    )
    return found[0] if found else None


async def progress(services: Services, installation_id: str) -> str | None:
    """How far a set-up in the background is, in a sentence for people; None when none runs."""
    it = await pending(services, installation_id)
    if it is None:
        return None
    since_s = max(0, services.clock.now_ms() - it.accepted_ms) // 1000
    return (
        f"HubSpot is still being set up, for {since_s} s now: it has the new channel but does not"
        " show it yet. This goes on by itself and can take some minutes; try again then."
    )
