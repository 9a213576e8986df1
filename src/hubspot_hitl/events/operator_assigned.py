"""An agent took the thread, gave it back, or passed it on (property `assignedTo`)."""

from __future__ import annotations

import structlog

from hubspot_hitl.errors import VendorError
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.handoff.thread_events import Assigned, InboxChanged
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


async def operator_assigned_update(services: Services, it: Delivery) -> Outcome:
    """Mirror the agent, then tell the bot; an empty value means that nobody is assigned.

    No webhook tells of a move to another inbox, but a move changes the assignment as a rule. So the
    thread's inbox is looked at too: before a change of agents, after the first one has been told.
    """
    actor_id = str(it.body.get("value") or "") or None
    event = Assigned(actor_id, occurred_ms(it))
    handoff = await handoff_of(services, it)
    if handoff.state is HandoffState.ASSIGNED:
        moved = await _look_at_inbox(services, it, handoff)
        return _both(moved, await happen(services, it, event))
    assigned = await happen(services, it, event)
    if not isinstance(assigned, Done):
        return assigned
    return _both(assigned, await _look_at_inbox(services, it, handoff))


async def _look_at_inbox(services: Services, it: Delivery, handoff: Handoff) -> Outcome:
    if handoff.thread_id is None or not handoff.active:
        return Done()
    installation = await installation_of(services, it)
    try:
        thread = await services.hubspot.of(installation).thread(handoff.thread_id)
    except VendorError as error:
        log.warning("inbox_not_looked_at", handoff=handoff.id, error=error.code)
        return Done()
    if thread.inbox_id is None or thread.inbox_id == handoff.inbox_id:
        return Done()
    return await happen(services, it, InboxChanged(thread.inbox_id, occurred_ms(it)))


def _both(first: Outcome, second: Outcome) -> Outcome:
    if not isinstance(first, Done) or not isinstance(second, Done):
        return second if isinstance(first, Done) else first
    note = "; ".join(note for note in (first.note, second.note) if note)
    return Done(note=note or None, then=[*first.then, *second.then])
