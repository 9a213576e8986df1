"""HubSpot's privacy deletion, carried out: the thread is gone there, its content goes here."""

from __future__ import annotations

from typing import cast

from hubspot_hitl.ports.ledger import Delivery, Done, Later, Outcome
from hubspot_hitl.ports.reading import handoff_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.erase import erase
from hubspot_hitl.privacy.target import Target
from hubspot_hitl.privacy.vendors import Vendor

AGAIN_S = 5.0
# HubSpot's own side is what told us.
VENDORS: tuple[Vendor, ...] = ("botpress",)


async def handle_erase(services: Services, it: Delivery) -> Outcome:
    """Erase the delivery's handoff here and in Botpress; tried again while Botpress is ailing.

    What Botpress refuses for good is named in the note; the audit trail has the receipt.
    """
    handoff = await handoff_of(services, it)
    erasure = await erase(
        services,
        Target("handoff", handoff.id),
        by=f"hubspot:{it.body.get('because')}",
        vendors=VENDORS,
    )
    for failure in erasure.failures:
        if failure.retryable:
            raise failure
    if not erasure.complete and not erasure.failures:
        return Later(AGAIN_S, "deliveries of the handoff are under way")
    blanked = erasure.receipt.counts["deliveries"]
    refused = f"; {len(erasure.failures)} refused" if erasure.failures else ""
    receipt_id = cast(str, erasure.document["id"])
    return Done(note=f"erased: {blanked} deliveries{refused}; receipt {receipt_id}")
