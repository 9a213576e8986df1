"""Deliveries: what waits, what died, and what a person may do about it."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.recorder import step_of
from hubspot_hitl.web.console.render import problem, see, show

PAGE = 100
ACTIONS = {
    "replay": (DeliveryState.DEAD, DeliveryState.CANCELLED),
    "discard": (DeliveryState.DEAD, DeliveryState.READY),
}
"""What may be done, and to deliveries in which states."""
EXPLAINED = {
    "replay": "It becomes ready again at its old place in its lane and is tried at once.",
    "discard": "It is cancelled for good: whatever it was to do is never done.",
}


async def deliveries(visit: Visit) -> web.StreamResponse:
    """Deliveries of one state, the dead ones first of all."""
    given = visit.request.query.get("state", DeliveryState.DEAD.value)
    known = {state.value: state for state in DeliveryState}
    state = known.get(given, DeliveryState.DEAD)
    found = await visit.desk.services.ledger.find(DeliveryFilter(states=(state,), limit=PAGE))
    return show(
        visit.frame,
        "deliveries.html",
        steps=[step_of(one) for one in found],
        state=state.value,
        states=list(known),
        full=len(found) == PAGE,
        now_ms=visit.desk.services.clock.now_ms(),
    )


async def delivery(visit: Visit) -> web.StreamResponse:
    """One delivery with its body, and the buttons for it."""
    one = await _found(visit)
    if one is None:
        return _unknown(visit)
    allowed = [name for name, states in ACTIONS.items() if one.state in states]
    return show(visit.frame, "delivery.html", step=step_of(one), actions=allowed)


async def confirm(visit: Visit) -> web.StreamResponse:
    """Ask once more. The form carries what the person saw, so that a stale page acts on nothing."""
    one, action = await _found(visit), visit.request.match_info["action"]
    if one is None or action not in ACTIONS:
        return _unknown(visit)
    return show(
        visit.frame,
        "confirm.html",
        step=step_of(one),
        action=action,
        explained=EXPLAINED[action],
        seen=seen_as(one),
    )


async def act(visit: Visit) -> web.StreamResponse:
    """Replay or discard, if the delivery still is what the person saw."""
    one, action = await _found(visit), visit.request.match_info["action"]
    if one is None or action not in ACTIONS:
        return _unknown(visit)
    if (await visit.form()).get("seen") != seen_as(one) or one.state not in ACTIONS[action]:
        return problem(
            visit.frame,
            409,
            f"Delivery {one.seq} changed since you looked: it is {one.state.value} now."
            " Nothing was done.",
        )
    ledger = visit.desk.services.ledger
    await visit.desk.audit.append(
        visit.who.name,
        f"delivery.{action}",
        str(one.seq),
        {"kind": one.kind, "handoff": one.handoff_id or "", "error": one.error_code or ""},
    )
    await (ledger.replay if action == "replay" else ledger.discard)([one.seq])
    return see(f"{visit.frame.base}/deliveries/{one.seq}")


def seen_as(one: Delivery) -> str:
    """What a person saw of a delivery: it changes whenever the delivery does.

    A replayed delivery that died again counts as another: its end came later.
    """
    return f"{one.state.value}.{one.attempts}.{one.finished_ms or 0}"


async def _found(visit: Visit) -> Delivery | None:
    number = visit.request.match_info["seq"]
    if len(number) > 18:
        return None
    found = await visit.desk.services.ledger.find(DeliveryFilter(seq=int(number), limit=1))
    return found[0] if found else None


def _unknown(visit: Visit) -> web.Response:
    return problem(visit.frame, 404, "There is no such delivery. It may have been purged.")
