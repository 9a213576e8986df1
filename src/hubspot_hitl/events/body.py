"""Fields that every HubSpot event's delivery has."""

from __future__ import annotations

from hubspot_hitl.ports.ledger import Delivery


def occurred_ms(it: Delivery) -> int:
    """When HubSpot says it happened (epoch ms); when we took it in, if HubSpot did not say."""
    value = it.body.get("occurredMs")
    return value if isinstance(value, int) and value > 0 else it.accepted_ms
