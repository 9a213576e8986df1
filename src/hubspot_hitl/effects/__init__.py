"""What is done because something happened to a handoff, each part safe to repeat.

`carry_out` does what `handoff.thread_events.decide` decided: for the user (`relay`, `saying`), for
the agents (`comments`), for those who follow along (`webhook_out`, `contact_log`, `tagging`).
`moved` saves a handoff together with what its change brings with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.effects import (
    agent_presence,
    contact_log,
    held,
    relay,
    reopened,
    tagging,
    webhook_out,
)
from hubspot_hitl.ports.services import DeliveryHandler

DELIVERIES: Mapping[str, DeliveryHandler] = MappingProxyType(
    {
        relay.RECEIPT: relay.handle_receipt,
        held.HELD: held.deliver_held,
        tagging.TAGS: tagging.write_tags,
        **reopened.DELIVERIES,
        **contact_log.DELIVERIES,
        **webhook_out.DELIVERIES,
        **agent_presence.DELIVERIES,
    }
)
"""Kind of delivery -> who handles it."""
