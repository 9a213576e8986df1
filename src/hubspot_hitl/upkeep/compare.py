"""What a thread shows and its handoff does not know. Pure; nothing is decided about it here.

A finding only names the event that was missed. It goes into the handoff's lane like a webhook's,
where the domain decides as always, so that a webhook that comes after all changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hubspot_hitl.actions.stop_hitl import CLOSE_THREAD
from hubspot_hitl.handoff.records import EndReason, Handoff
from hubspot_hitl.handoff.thread_events import agent_id
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.intake.thread_history import is_agent_message, oldest_first
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot_records import Thread, ThreadMessage
from hubspot_hitl.ports.ledger import NewDelivery

OURS_TO_CLOSE: Final = frozenset(
    {
        EndReason.BOT_STOPPED,
        EndReason.PATIENT_COMMAND,
        EndReason.NO_AGENT,
        EndReason.AGENT_SILENT,
        EndReason.PATIENT_LEFT,
    }
)
"""Ends that come from our side and close the thread, which may have failed for good."""


class Cause(StrEnum):
    """What was missed."""

    REPLY = "missed-reply"
    ASSIGNMENT = "missed-assignment"
    CLOSE = "missed-close"
    GONE = "thread-gone"
    LEFT_OPEN = "thread-left-open"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was missed, when it happened at HubSpot (epoch ms), and what makes it good."""

    cause: Cause
    handoff_id: str
    thread_id: str
    at_ms: int
    delivery: NewDelivery


def missed_replies(
    handoff: Handoff, entries: Sequence[ThreadMessage], known: Collection[str], before_ms: int
) -> list[Finding]:
    """Agent messages written before `before_ms` whose key no delivery of the handoff has."""
    found: list[Finding] = []
    began_ms = handoff.created_ms - CLOCKS_APART_MS
    for entry in oldest_first(entries):
        if not is_agent_message(entry) or not began_ms <= entry.created_ms < before_ms:
            continue
        event = hubspot_events.agent_message(entry, handoff.thread_id or "", (), handoff.channel_id)
        new = hubspot_events.delivery(handoff.installation_id, handoff.id, event)
        if new.dedup_key not in known:
            found.append(_finding(Cause.REPLY, handoff, entry.created_ms, new))
    return found


def missed_assignment(
    handoff: Handoff, thread: Thread, entries: Sequence[ThreadMessage], now_ms: int
) -> Finding | None:
    """The assignment that the thread has and an active handoff has not."""
    if not handoff.active or agent_id(thread.assigned_to) == handoff.agent_actor_id:
        return None
    latest = _latest(entries, "ASSIGNMENT")
    if latest is None and not thread.assigned_to:
        return None  # an agent who answers an unassigned thread is the handoff's agent all the same
    at_ms = latest.created_ms if latest else now_ms
    if handoff.assigned_ms is not None and at_ms <= handoff.assigned_ms:
        return None
    key = latest.id if latest else f"{handoff.version}:{thread.assigned_to}"
    body: dict[str, object] = {"value": thread.assigned_to or ""}
    new = _event(handoff, hubspot_events.ASSIGNED, f"assigned:{key}", at_ms, body)
    return _finding(Cause.ASSIGNMENT, handoff, at_ms, new)


def missed_end(
    handoff: Handoff, thread: Thread | None, entries: Sequence[ThreadMessage], now_ms: int
) -> Finding | None:
    """The end of the thread (`None`: there is no such thread) that an active handoff missed."""
    if not handoff.active:
        return None
    if thread is None or thread.archived:
        new = _event(handoff, hubspot_events.DELETED, f"gone:{handoff.ended_ms or 0}", now_ms, {})
        return _finding(Cause.GONE, handoff, now_ms, new)
    if thread.status != "CLOSED" and not thread.spam:
        return None
    latest = _latest(entries, "THREAD_STATUS_CHANGE")
    at_ms = latest.created_ms if latest and latest.new_status == "CLOSED" else now_ms
    if handoff.ended_ms is not None and at_ms <= handoff.ended_ms:
        at_ms = now_ms  # closed before the latest reopening, and still closed
    key = f"closed:{handoff.ended_ms or 0}"
    new = _event(handoff, hubspot_events.STATUS, key, at_ms, {"value": "CLOSED"})
    return _finding(Cause.CLOSE, handoff, at_ms, new)


def left_open(handoff: Handoff, thread: Thread, entries: Sequence[ThreadMessage]) -> Finding | None:
    """The close that our side owes a thread, unless somebody opened it again on purpose."""
    if handoff.active or handoff.ended_ms is None or handoff.end_reason not in OURS_TO_CLOSE:
        return None
    if thread.status != "OPEN" or thread.archived:
        return None
    since = [one for one in entries if one.created_ms >= handoff.ended_ms]
    if any(one.type == "THREAD_STATUS_CHANGE" or is_agent_message(one) for one in since):
        return None
    new = _event(handoff, CLOSE_THREAD, f"close:{handoff.ended_ms}", handoff.ended_ms, {})
    return _finding(Cause.LEFT_OPEN, handoff, handoff.ended_ms, new)


def _latest(entries: Sequence[ThreadMessage], type_: str) -> ThreadMessage | None:
    fitting = [entry for entry in entries if entry.type == type_]
    return max(fitting, key=lambda entry: entry.created_ms, default=None)


def _event(
    handoff: Handoff, kind: str, key: str, at_ms: int, body: dict[str, object]
) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"repair:{handoff.id}:{key}",
        lane=handoff.id,
        kind=kind,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={"threadId": handoff.thread_id, "occurredMs": at_ms, **body},
    )


def _finding(cause: Cause, handoff: Handoff, at_ms: int, new: NewDelivery) -> Finding:
    return Finding(cause, handoff.id, handoff.thread_id or "", at_ms, new)
