"""Action `stopHitl`: the bot's side ended the session; the HubSpot thread is closed.

The plugin has ended the session already when it calls this, so a refusal would help nobody: the
close is written down, answered at once, and done in the handoff's lane after what was said before.
"""

from __future__ import annotations

import structlog

from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.handoff.machine import end
from hubspot_hitl.handoff.records import EndReason
from hubspot_hitl.integration.actions import StopHitlInput, StopHitlOutput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

STOP = "bot.stop"
CLOSE_THREAD = "thread.close"


async def stop_hitl(
    services: Services, installation: Installation, input_: StopHitlInput
) -> StopHitlOutput:
    """Write the close down. Repeats, and conversations we do not know, change nothing."""
    handoff = await services.handoffs.by_conversation(installation.id, input_.conversation_id)
    if handoff is None:
        log.warning("stop_of_unknown_conversation", conversation=input_.conversation_id)
        return StopHitlOutput()
    await services.ledger.accept(
        [
            NewDelivery(
                dedup_key=f"stop:{handoff.id}:{handoff.ended_ms or 0}",
                lane=handoff.id,
                kind=STOP,
                installation_id=installation.id,
                handoff_id=handoff.id,
                body={"conversationId": input_.conversation_id},
            )
        ]
    )
    return StopHitlOutput()


async def deliver_stop(services: Services, it: Delivery) -> Outcome:
    """End the handoff first, so that HubSpot's echo of the close finds it ended, then close."""
    handoff = await handoff_of(services, it)
    if handoff.active:
        installation = await installation_of(services, it)
        ended = end(handoff, EndReason.BOT_STOPPED, services.clock.now_ms())
        await save_moved(services, installation, handoff, ended)
    return await close_thread(services, it)


async def close_thread(services: Services, it: Delivery) -> Outcome:
    """Close the handoff's thread at HubSpot; a thread that is gone is closed enough."""
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if handoff.thread_id is None:
        return Done(note="there is no thread to close")
    try:
        await services.hubspot.of(installation).set_thread_status(handoff.thread_id, "CLOSED")
    except VendorNotFound:
        return Done(note="the thread does not exist any more")
    return Done(note="thread closed")
