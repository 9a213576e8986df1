"""How handoffs and their deliveries read: for a person at a terminal, and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from hubspot_hitl.effects.spoken import arrived, said_first
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ports.circuits import awaited
from hubspot_hitl.ports.flight import CallMade
from hubspot_hitl.ports.ledger import Delivery, DeliveryState
from hubspot_hitl.web.console.recorder import Recording, Step
from hubspot_hitl.web.console.render import at_text, minute_text, span_text

_STYLES = {"done": "green", "ready": "yellow", "dead": "bold red", "cancelled": "dim"}
LATE_MS = 10_000
"""A delivery that has been due for longer than this is worth a line."""


def summed_up(found: Recording, now_ms: int) -> list[str]:
    """What an operator has to know, the state first, then what went wrong and what to do."""
    return [*_standing(found, now_ms), *_messages(found), *_troubles(found, now_ms)]


def _standing(found: Recording, now_ms: int) -> Iterator[str]:
    one, spoke_ms = found.handoff, found.last_user_ms
    if one.state is HandoffState.STARTING:
        yield f"It has been starting for {span_text(now_ms - one.created_ms)}."
    elif one.state is HandoffState.PENDING:
        asked = f"the user asked {span_text(now_ms - one.created_ms)} ago"
        yield f"Nobody has taken it: {asked}."
    elif one.state is HandoffState.ASSIGNED:
        since = f" since {minute_text(one.assigned_ms)}" if one.assigned_ms else ""
        yield f"Agent {one.agent_actor_id} {'has had' if since else 'has'} it{since}."
    else:
        why = f", {one.end_reason}" if one.end_reason else ""
        yield f"It ended {minute_text(one.ended_ms)}: {one.state}{why}."
    if one.active and spoke_ms is not None and spoke_ms > (found.last_agent_ms or 0):
        silent = span_text(now_ms - spoke_ms)
        yield f"The user's last words have had no answer for {silent}."


def _messages(found: Recording) -> Iterator[str]:
    there = {said_first(one.delivery) for one in found.steps if arrived(one.delivery)}
    for direction, who in (("to_agent", "user's"), ("to_user", "agent's")):
        said = {said_first(one.delivery) for one in found.said if one.direction == direction}
        count = len(said & there)
        if said:
            which = "all" if count == len(said) else f"{count} of them"
            yield f"The {who} messages: {len(said)}, {which} delivered."
    if found.cut:
        yield "Older deliveries are left out here."


def _troubles(found: Recording, now_ms: int) -> Iterator[str]:
    first_of: dict[str, int] = {}
    behind: Counter[int] = Counter()
    for step in found.steps:
        one = step.delivery
        if one.state is DeliveryState.READY and not one.timer:
            behind[first_of.setdefault(one.lane, one.seq)] += 1
    for step in found.steps:
        one = step.delivery
        if one.state is DeliveryState.DEAD:
            yield (
                f"Delivery {one.seq} ({one.kind}) was given up: {_why(one)}."
                f" Once that is fixed: hubspot-hitl deliveries replay {one.seq}"
            )
        elif one.seq in behind and _late(one, now_ms):
            waits = f"has waited for {span_text(now_ms - one.accepted_ms)}"
            again = (
                f", tried next in {span_text(one.due_ms - now_ms)}" if one.due_ms > now_ms else ""
            )
            others = behind[one.seq] - 1
            more = f" Behind it: {others} more." if others else ""
            yield f"Delivery {one.seq} ({one.kind}) {waits}{again}: {_why(one)}.{more}"


def _why(one: Delivery) -> str:
    """What is wrong with a delivery, with the code that leads to its cure in the documentation."""
    if vendor := awaited(one.note):
        return f"{vendor} does not answer"
    if one.error_code:
        return f"{one.error} [{one.error_code}]" if one.error else one.error_code
    return one.note or "no server has taken it up; is one running on this database?"


def _late(one: Delivery, now_ms: int) -> bool:
    return bool(one.attempts or awaited(one.note)) or now_ms - one.due_ms > LATE_MS


def brief(one: Handoff) -> dict[str, object]:
    """A handoff as a person or a script wants it: ids of both sides, state, times."""
    return {
        "id": one.id,
        "state": one.state,
        "user": one.user_name,
        "title": one.title,
        "installation": one.installation_id,
        "conversation": one.conversation_id,
        "thread": one.thread_id,
        "contact": one.contact_id,
        "agent": one.agent_actor_id,
        "began": _iso(one.created_ms),
        "firstAssigned": _iso(one.first_assigned_ms),
        "assigned": _iso(one.assigned_ms),
        "firstReply": _iso(one.first_reply_ms),
        "ended": _iso(one.ended_ms),
        "endReason": one.end_reason,
    }


def step_json(step: Step) -> dict[str, object]:
    """A delivery without its body."""
    one: Delivery = step.delivery
    return {
        "seq": one.seq,
        "kind": one.kind,
        "direction": step.direction,
        "state": one.state.value,
        "handoff": one.handoff_id,
        "failures": one.attempts,
        "accepted": _iso(one.accepted_ms),
        "due": _iso(one.due_ms),
        "finished": _iso(one.finished_ms),
        "tookMs": step.took_ms,
        "error": one.error_code,
        "note": one.note,
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else at_text(at_ms).replace(" ", "T") + "Z"


def step_line(step: Step) -> Text:
    """One delivery."""
    one = step.delivery
    arrow = "<-" if step.direction == "to_user" else "->"
    told = one.error_code or one.note or ""
    return Text.assemble(
        (f"{at_text(one.accepted_ms)[11:]}  ", "dim"),
        (f"{one.seq:>6} {arrow} ", "dim"),
        (f"{one.kind:<24}", "bold"),
        (f"{one.state.value:<10}", _STYLES[one.state.value]),
        (f"{span_text(step.took_ms):>10}  ", "dim"),
        f"{step.summary[:60]}  " if step.summary else "",
        (told, "red" if one.error_code else "dim"),
    )


def call_line(call: CallMade) -> Text:
    """One call of an attempt."""
    good = call.outcome == "ok"
    return Text.assemble(
        (f"{at_text(call.at_ms)[11:]}          {call.vendor} {call.operation}  ", "dim"),
        (f"{call.status or ''} {call.outcome} ", "dim" if good else "red"),
        (f"{span_text(call.took_ms)}  {call.correlation_id or ''}", "dim"),
    )


def story(found: Recording) -> Iterator[Text]:
    """Every delivery with its calls, under the day on which it was accepted."""
    day = ""
    for step in found.steps:
        today = at_text(step.delivery.accepted_ms)[:10]
        if today != day:
            yield Text(today, style="bold")
            day = today
        yield step_line(step)
        for attempt in found.attempts(step):
            yield from map(call_line, attempt.calls)
    for step in found.due:
        yield Text(f"due {at_text(step.delivery.due_ms)}  {step.delivery.kind}", style="yellow")


def rows(found: Sequence[Handoff]) -> Iterator[Text]:
    """A heading and one line for each handoff; the id last and whole, to be copied."""
    yield Text(f"{'began':<16}  {'state':<9}  {'user':<16}  {'agent':<12}  id", style="bold")
    for one in found:
        user = " ".join((one.user_name or "").split())
        line = (
            f"{minute_text(one.created_ms)}  {one.state:<9}  {user[:16]:<16}"
            f"  {one.agent_actor_id or '':<12}  {one.thread_id or one.id}"
        )
        yield Text.assemble(line, (f"  {one.end_reason or ''}", "dim"))
