"""What our own handoffs tell of the queue: how many wait, and how long it usually takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ports.services import Services

LOOK_BACK_MS: Final = 7 * 86_400_000
SAMPLES: Final = 50
FEWEST_SAMPLES: Final = 3
MOST_OPEN: Final = 1_000


def wait_ms(handoffs: Sequence[Handoff], now_ms: int, inbox_id: str | None = None) -> int | None:
    """The usual time from the start to the first reply of a person; None when too few tell.

    The median of the latest fifty that were answered within seven days: one forgotten thread does
    not make everybody wait a day.
    """
    waits = [
        one.first_reply_ms - one.created_ms
        for one in handoffs
        if one.first_reply_ms is not None
        and now_ms - one.created_ms < LOOK_BACK_MS
        and inbox_id in (None, one.inbox_id)
    ][:SAMPLES]
    return round(median(waits)) if len(waits) >= FEWEST_SAMPLES else None


@dataclass(frozen=True, slots=True)
class Queue:
    """Handoffs that go on, those of them nobody has taken, and how long users usually wait."""

    open: int
    waiting: int
    wait_minutes: float | None = None
    minutes_since_agent_reply: float | None = None


async def queue_of(services: Services, installation_id: str, inbox_id: str | None = None) -> Queue:
    """The queue of an inbox, or of all of them, from our own store alone."""
    now_ms = services.clock.now_ms()
    active = await services.handoffs.find(
        installation_id=installation_id, active=True, limit=MOST_OPEN
    )
    recent = await services.handoffs.find(installation_id=installation_id, limit=SAMPLES * 4)
    here = [one for one in active if inbox_id in (None, one.inbox_id)]
    usual = wait_ms(recent, now_ms, inbox_id)
    replies = [
        one.last_agent_ms
        for one in (*here, *recent)
        if one.last_agent_ms is not None and inbox_id in (None, one.inbox_id)
    ]
    return Queue(
        open=len(here),
        waiting=sum(one.state is not HandoffState.ASSIGNED for one in here),
        wait_minutes=None if usual is None else round(usual / 60_000, 1),
        minutes_since_agent_reply=(round((now_ms - max(replies)) / 60_000, 1) if replies else None),
    )


async def queue_facts(services: Services, installation_id: str) -> dict[str, object]:
    """The facts of `queue`, over all inboxes.

    `agentPresence` is always "unknown": HubSpot tells nobody whether an agent is at the desk.
    """
    queue = await queue_of(services, installation_id)
    facts: dict[str, object] = {
        "open": queue.open,
        "waiting": queue.waiting,
        "agentPresence": "unknown",
    }
    if queue.wait_minutes is not None:
        facts["waitMinutes"] = queue.wait_minutes
    if queue.minutes_since_agent_reply is not None:
        facts["minutesSinceAgentReply"] = queue.minutes_since_agent_reply
    return facts


async def open_threads(services: Services, installation_id: str) -> dict[str, int]:
    """How many of our open handoffs each agent (actor id) has."""
    active = await services.handoffs.find(
        installation_id=installation_id, active=True, limit=MOST_OPEN
    )
    counts: dict[str, int] = {}
    for one in active:
        if one.agent_actor_id:
            counts[one.agent_actor_id] = counts.get(one.agent_actor_id, 0) + 1
    return counts


async def last_turns(services: Services, installation_id: str) -> dict[str, int]:
    """When each agent (actor id) last got one of our handoffs (epoch ms)."""
    recent = await services.handoffs.find(installation_id=installation_id, limit=SAMPLES * 4)
    turns: dict[str, int] = {}
    for one in recent:
        if one.agent_actor_id:
            at = one.assigned_ms or one.created_ms
            turns[one.agent_actor_id] = max(turns.get(one.agent_actor_id, 0), at)
    return turns
