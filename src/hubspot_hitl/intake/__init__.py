"""What HubSpot tells, made into deliveries and put in order; what they do is for `events`.

`batch` runs inside the webhook request and writes each event down as `hubspot_events` names it.
`thread_history` reads the same from a thread, for what no webhook brought, and `ordering` brings an
agent's messages into the order in which they were written.
"""

from __future__ import annotations

from collections.abc import Mapping

from hubspot_hitl.intake import unresolved
from hubspot_hitl.ports.services import DeliveryHandler

DELIVERIES: Mapping[str, DeliveryHandler] = unresolved.DELIVERIES
"""Kind of delivery -> who handles it."""
