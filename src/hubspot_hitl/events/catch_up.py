"""Finds agent messages that HubSpot's history has and our ledger has not.

HubSpot promises neither order nor arrival of webhooks, and the channel's hook and the app's
subscriptions are two roads: a close can overtake the last answer. So before a handoff ends, and
when a message looks late, the thread's own history is asked, which costs one call.
"""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.events.intake import agent_message, delivery
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot import Priority, ThreadMessage
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services

LOOK_BACK = 50
LOOK_FAR_BACK = 500
# Clocks of two vendors and ours: a message may carry a time slightly before the handoff's.
CLOCK_TOLERANCE_MS = 60_000


async def history_deliveries(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    *,
    since_ms: int = 0,
    priority: Priority = Priority.LIVE_CHAT,
) -> list[NewDelivery]:
    """Deliveries of the agent messages in the thread's history, oldest first.

    They carry the keys that webhooks would give them, so those already known change nothing.
    What was written before `since_ms` (HubSpot's clock) may be left out.
    """
    if handoff.thread_id is None:
        return []
    since_ms = max(since_ms, handoff.created_ms - CLOCK_TOLERANCE_MS)
    entries = await entries_since(services, installation, handoff.thread_id, since_ms, priority)
    return [
        delivery(
            installation.id,
            handoff.id,
            agent_message(entry, handoff.thread_id, (), handoff.channel_id),
        )
        for entry in sorted(entries, key=lambda entry: (entry.created_ms, entry.id))
        if is_agent_message(entry) and entry.created_ms >= since_ms
    ]


async def entries_since(
    services: Services,
    installation: Installation,
    thread_id: str,
    since_ms: int,
    priority: Priority = Priority.LIVE_CHAT,
) -> Sequence[ThreadMessage]:
    """The thread's entries back to `since_ms`, newest first; one call unless there are many."""
    hubspot = services.hubspot.of(installation)
    entries = await hubspot.thread_messages(
        thread_id, newest_first=True, limit=LOOK_BACK, priority=priority
    )
    if len(entries) >= LOOK_BACK and entries[-1].created_ms > since_ms:
        entries = await hubspot.thread_messages(
            thread_id, newest_first=True, limit=LOOK_FAR_BACK, priority=priority
        )
    return entries


def is_agent_message(entry: ThreadMessage) -> bool:
    """Whether an entry is something an agent said to the user.

    Comments are never; nor is what we or another app published (`I-`, or in a visitor's name `V-`)
    or the system wrote (`S-`).
    """
    author = entry.created_by or next(iter(entry.sender_actor_ids), "")
    return (
        entry.type == "MESSAGE"
        and entry.direction == "OUTGOING"
        and not author.startswith(("I-", "S-", "V-"))
    )
