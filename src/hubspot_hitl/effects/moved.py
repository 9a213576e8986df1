"""Saves a handoff that changed, and everything that follows from the change, in that order."""

from __future__ import annotations

from hubspot_hitl.effects.contact_log import end_deliveries
from hubspot_hitl.effects.webhook_out import moved_event
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports import flight
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services


def follow_ups(
    installation: Installation, before: Handoff, after: Handoff, now_ms: int
) -> list[NewDelivery]:
    """What subscribers and the CRM have to be told of a change; nothing where nobody asked."""
    told = moved_event(installation, before, after, now_ms)
    return [*told, *end_deliveries(installation, before, after)]


async def save_moved(
    services: Services, installation: Installation, before: Handoff, after: Handoff
) -> Handoff:
    """Write down what follows, then save.

    In this order, so that a crash in between loses nothing: the change is made again, and what
    follows it is known already by its key.
    """
    if not before.announced and after.announced and before.ended_ms is None:
        flight.note("first_agent_ms", services.clock.now_ms() - after.created_ms)
    if before.state is not after.state:
        flight.note("moved", f"{before.state.value} -> {after.state.value}")
    then = follow_ups(installation, before, after, services.clock.now_ms())
    if then:
        await services.ledger.accept(then)
    return await services.handoffs.save(after)
