"""Events of threads that were unknown when they came: ours after all, or nobody's."""

from __future__ import annotations

import structlog

from hubspot_hitl.handoff.texts import TextKey, Texts
from hubspot_hitl.intake.hubspot_events import (
    MESSAGE,
    ORPHAN,
    UNRESOLVED,
    delivery,
    key_of,
    parked_event,
)
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, Later, Outcome
from hubspot_hitl.ports.reading import installation_of, start_in_flight
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 0.25


async def handle_unresolved(services: Services, it: Delivery) -> Outcome:
    """Hand the event to its handoff's lane as soon as the start has told us the thread's id.

    HubSpot's automatic assignment may overtake the answer of our own publish call.
    """
    event = parked_event(it)
    installation = await installation_of(services, it)
    # Asked first: a start that ends between the two questions has left its thread behind.
    starting = await start_in_flight(services, installation.id, by_ms=it.accepted_ms)
    by_own = await services.handoffs.by_integration_threads(
        installation.id, event.integration_thread_ids
    )
    by_thread = await services.handoffs.by_threads(installation.id, [event.thread_id])
    for handoff in (*by_own.values(), *by_thread.values()):
        return Done(
            note=f"thread of handoff {handoff.id}",
            then=[delivery(installation.id, handoff.id, event)],
        )
    if starting:
        return Later(LOOK_AGAIN_S, "a handoff is starting")
    if event.kind == MESSAGE:
        return await handle_orphan(services, it)
    return Done(note="not our thread")


async def handle_orphan(services: Services, it: Delivery) -> Outcome:
    """Tell the agent that nobody will read the message: we do not know its conversation.

    Unless it was taken in otherwise, before its chat went on in another thread.
    """
    installation = await installation_of(services, it)
    event = parked_event(it)
    known = DeliveryFilter(dedup_key=key_of(installation.id, event), limit=1)
    if await services.ledger.find(known):
        return Done(note="known already")
    message_id = event.dedup_key.removeprefix("message:")
    channel_id = event.body.get("channelId")
    if isinstance(channel_id, str):
        configuration = installation.configuration
        reason = Texts(configuration.texts).placeholder(
            TextKey.REASON_NO_CHAT, configuration.agent_language
        )
        await services.hubspot.of(installation).set_message_status(
            channel_id, message_id, "FAILED", reason
        )
    log.warning("message_without_handoff", installation=installation.id, message=message_id)
    return Done(note="no handoff has this thread; the agent was told")


DELIVERIES = {UNRESOLVED: handle_unresolved, ORPHAN: handle_orphan}
"""Kind of delivery -> who handles it."""
