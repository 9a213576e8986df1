"""Finds agent messages that HubSpot's history has and our ledger has not.

HubSpot promises neither order nor arrival of webhooks, and the channel's hook and the app's
subscriptions are two roads: a close can overtake the last answer. So before a handoff ends, and
when a message looks late, the thread's own history is asked, which costs one call.
"""

from __future__ import annotations

from hubspot_hitl.events.intake import agent_message, delivery
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot import ThreadMessage
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services

LOOK_BACK = 50
# Clocks of two vendors and ours: a message may carry a time slightly before the handoff's.
CLOCK_TOLERANCE_MS = 60_000


async def history_deliveries(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    *,
    before_ms: int | None = None,
) -> list[NewDelivery]:
    """Deliveries of the agent messages in the thread's history, oldest first.

    They carry the keys that webhooks would give them, so those already known change nothing.
    `before_ms` leaves out what was written at or after that time.
    """
    if handoff.thread_id is None:
        return []
    entries = await services.hubspot.of(installation).thread_messages(
        handoff.thread_id, newest_first=True, limit=LOOK_BACK
    )
    return [
        delivery(
            installation.id,
            handoff.id,
            agent_message(entry, handoff.thread_id, (), handoff.channel_id),
        )
        for entry in sorted(entries, key=lambda entry: (entry.created_ms, entry.id))
        if is_agent_message(entry)
        and entry.created_ms >= handoff.created_ms - CLOCK_TOLERANCE_MS
        and (before_ms is None or entry.created_ms < before_ms)
    ]


def is_agent_message(entry: ThreadMessage) -> bool:
    """Whether an entry is something an agent said to the user.

    Comments are never; nor is what we or another app published (`I-`) or the system wrote (`S-`).
    """
    author = entry.created_by or next(iter(entry.sender_actor_ids), "")
    return (
        entry.type == "MESSAGE"
        and entry.direction == "OUTGOING"
        and not author.startswith(("I-", "S-"))
    )
