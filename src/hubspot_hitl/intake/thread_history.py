"""Finds agent messages that HubSpot's history has and our ledger has not.

HubSpot promises neither order nor arrival of webhooks, and the channel's hook and the app's
subscriptions are two roads: a close can overtake the last answer. So before a handoff ends, and
when a message looks late, the thread's own history is asked, which costs one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.hubspot_events import agent_message, delivery
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services

LOOK_AGAIN = 10
LOOK_BACK = 50
LOOK_FAR_BACK = 500


@dataclass(frozen=True, slots=True)
class History:
    """Deliveries of a thread's agent messages, oldest first.

    `tied_ms` are times that several of them share although HubSpot's list does not tell their
    order; `places` orders those that share one and whose order it does tell, by their keys.
    """

    deliveries: Sequence[NewDelivery] = ()
    tied_ms: frozenset[int] = frozenset()
    places: Mapping[str, int] = field(default_factory=dict[str, int])


async def history_deliveries(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    *,
    since_ms: int = 0,
    priority: Priority = Priority.LIVE_CHAT,
) -> History:
    """Read the agent messages in the thread's history.

    They carry the keys that webhooks would give them, so those already known change nothing.
    What was written before `since_ms` (HubSpot's clock) may be left out.
    """
    if handoff.thread_id is None:
        return History()
    looks = (LOOK_AGAIN, LOOK_BACK, LOOK_FAR_BACK) if since_ms else (LOOK_BACK, LOOK_FAR_BACK)
    since_ms = max(since_ms, handoff.created_ms - CLOCKS_APART_MS)  # ours and HubSpot's
    entries = await services.hubspot.of(installation).thread_messages_since(
        handoff.thread_id, since_ms, looks=looks, priority=priority
    )
    said = [entry for entry in oldest_first(entries) if is_agent_message(entry)]
    tied = _tied(said)
    places: Mapping[str, int] = {}
    if tied:
        places = await _places(services, installation, handoff.thread_id, priority)
    unknown = frozenset(entry.created_ms for entry in tied if entry.id not in places)
    said.sort(key=lambda entry: (entry.created_ms, places.get(entry.id, 0)))
    found = [
        delivery(
            installation.id,
            handoff.id,
            agent_message(entry, handoff.thread_id, (), handoff.channel_id),
        )
        for entry in said
    ]
    keys = {entry.id: one.dedup_key for entry, one in zip(said, found, strict=True)}
    known = [entry for entry in tied if entry.created_ms not in unknown]
    return History(found, unknown, {keys[entry.id]: places[entry.id] for entry in known})


def _tied(entries: Sequence[ThreadMessage]) -> list[ThreadMessage]:
    """Those that share their time with another."""
    count = Counter(entry.created_ms for entry in entries)
    return [entry for entry in entries if count[entry.created_ms] > 1]


async def _places(
    services: Services, installation: Installation, thread_id: str, priority: Priority
) -> Mapping[str, int]:
    """Where each entry stands in HubSpot's own list of the thread, oldest first; empty if unclear.

    A list that is newest first all the same does not tell which of two with one time came first:
    it may have been turned round with its ties or without.
    """
    entries = await services.hubspot.of(installation).thread_messages(
        thread_id, newest_first=False, limit=LOOK_FAR_BACK, priority=priority
    )
    times = [entry.created_ms for entry in entries]
    one_time = len(set(times)) <= 1
    if one_time or times != sorted(times):
        return {}
    return {entry.id: place for place, entry in enumerate(entries)}


def oldest_first(entries: Sequence[ThreadMessage]) -> list[ThreadMessage]:
    """Entries that HubSpot listed newest first, the other way round.

    Where times are equal the list decides: ids say nothing about order.
    """
    return sorted(reversed(entries), key=lambda entry: entry.created_ms)


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
