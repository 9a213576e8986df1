"""HubSpot's privacy deletions, carried out: what is gone there, goes here and in Botpress.

HubSpot's own side is gone through as well: the files and notes that we put there are not the
thread, and nobody promises that they go with it.
"""

from __future__ import annotations

from typing import cast

from hubspot_hitl.intake.hubspot_events import DELETED, HubSpotEvent, delivery, occurred_ms
from hubspot_hitl.ports.ledger import Delivery, Done, Later, Outcome
from hubspot_hitl.ports.reading import handoff_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.erase import Erasure, erase
from hubspot_hitl.privacy.target import CannotErase, NotOver, Target
from hubspot_hitl.privacy.vendors import BOTH

AGAIN_S = 5.0


async def handle_erase(services: Services, it: Delivery) -> Outcome:
    """Erase the delivery's handoff everywhere; tried again while a vendor is ailing.

    What a vendor refuses for good is named in the note; the audit trail has the receipt.
    """
    handoff = await handoff_of(services, it)
    by = f"hubspot:{it.body.get('because')}"
    return _outcome(await erase(services, Target("handoff", handoff.id), by=by, vendors=BOTH))


async def handle_erase_contact(services: Services, it: Delivery) -> Outcome:
    """Erase all handoffs of a contact that HubSpot deleted for good.

    Those that go on are ended first, as if their threads had been deleted.
    """
    target = Target("contact", str(it.body["contactId"]), it.installation_id)
    try:
        erasure = await erase(services, target, by="hubspot:contact.privacyDeletion", vendors=BOTH)
    except NotOver as error:
        await services.ledger.accept(
            [
                delivery(
                    one.installation_id,
                    one.id,
                    HubSpotEvent(
                        DELETED,
                        f"contact-erased:{target.id}:{one.id}",
                        one.thread_id or "",
                        occurred_ms(it),
                        {"privacy": True},
                    ),
                )
                for one in error.handoffs
            ]
        )
        return Later(AGAIN_S, "the contact's handoffs are ending")
    except CannotErase:
        return Done(note="nothing is known of this contact")
    return _outcome(erasure)


def _outcome(erasure: Erasure) -> Outcome:
    for failure in erasure.failures:
        if failure.retryable:
            raise failure
    if erasure.again:
        return Later(AGAIN_S, "deliveries of the handoff are under way")
    blanked = erasure.receipt.counts["deliveries"]
    left = f"; left: {len(erasure.receipt.left)}" if erasure.receipt.left else ""
    receipt_id = cast(str, erasure.document["id"])
    return Done(note=f"erased: {blanked} deliveries{left}; receipt {receipt_id}")
