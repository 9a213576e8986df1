"""The delivery that erases: a privacy request is carried out even if we crash in the middle."""

from __future__ import annotations

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.ledger import Delivery, NewDelivery

ERASE = "privacy.erase"


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
