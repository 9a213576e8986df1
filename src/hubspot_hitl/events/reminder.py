"""Reminds the agents of a user whom one of them asked to wait."""

from __future__ import annotations

from hubspot_hitl.effects.saying import note_once
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.intake.thread_history import is_agent_message
from hubspot_hitl.ports.ledger import Delivery, Done, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

REMINDER = "agent.reminder"
LOOK_BACK = 20


def reminder(it: Delivery, now_ms: int, wait_ms: int) -> NewDelivery:
    """The delivery that reminds after `wait_ms`; it holds nothing up meanwhile."""
    return NewDelivery(
        dedup_key=f"{it.dedup_key}:reminder",
        lane=it.lane,
        kind=REMINDER,
        installation_id=it.installation_id,
        handoff_id=it.handoff_id,
        body={"sinceMs": now_ms},
        due_ms=now_ms + wait_ms,
        timer=True,
    )


async def remind(services: Services, it: Delivery) -> Outcome:
    """Write the note, unless the chat has ended or an agent has answered since."""
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if not handoff.active or handoff.thread_id is None:
        return Done(note="the chat has ended")
    since_ms = it.number("sinceMs")
    entries = await services.hubspot.of(installation).thread_messages(
        handoff.thread_id, newest_first=True, limit=LOOK_BACK
    )
    if any(is_agent_message(one) and one.created_ms > since_ms for one in entries):
        return Done(note="an agent has answered")
    await note_once(services, installation, handoff, it, TextKey.NOTE_NUDGE, key="reminder")
    return Done(note="reminded")
