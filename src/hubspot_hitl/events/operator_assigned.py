"""An agent took the thread, gave it back, or passed it on (property `assignedTo`)."""

from __future__ import annotations

from hubspot_hitl.events.body import occurred_ms
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.thread_events import Assigned
from hubspot_hitl.ports.ledger import Delivery, Outcome
from hubspot_hitl.ports.services import Services


async def operator_assigned_update(services: Services, it: Delivery) -> Outcome:
    """Mirror the agent, then tell the bot; an empty value means that nobody is assigned."""
    actor_id = str(it.body.get("value") or "") or None
    return await happen(services, it, Assigned(actor_id, occurred_ms(it)))
