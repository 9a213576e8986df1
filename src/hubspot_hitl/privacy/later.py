"""The delivery that erases: a privacy request is carried out even if we crash in the middle."""

from __future__ import annotations

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, NewDelivery

ERASE = "privacy.erase"
ERASE_CONTACT = "privacy.erase_contact"


def erase_later(it: Delivery, handoff: Handoff) -> NewDelivery:
    """The delivery that erases the handoff of `it`, behind everything that its lane has so far."""
    return NewDelivery(
        dedup_key=f"{it.dedup_key}:erase",
        lane=handoff.id,
        kind=ERASE,
        installation_id=it.installation_id,
        handoff_id=handoff.id,
        body={"because": it.kind},
    )


def contact_erased(
    installation: Installation, contact_id: str, dedup_key: str, occurred_ms: int
) -> NewDelivery:
    """The delivery that erases all handoffs of a contact that HubSpot deleted for good."""
    return NewDelivery(
        dedup_key=f"hs:{installation.id}:{dedup_key}",
        lane=f"erase:{installation.id}:{contact_id}",
        kind=ERASE_CONTACT,
        installation_id=installation.id,
        body={"contactId": contact_id, "occurredMs": occurred_ms},
    )
