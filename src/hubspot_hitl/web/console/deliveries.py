"""Deliveries: what waits, what died, and what a person may do about it."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.web.console.actions import DELIVERY
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.recorder import step_of
from hubspot_hitl.web.console.render import show

PAGE = 100


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
    one = await DELIVERY.found(visit)
    if one is None:
        return DELIVERY.not_there(visit)
    now_ms = visit.desk.services.clock.now_ms()
    return show(
        visit.frame, "delivery.html", step=step_of(one), actions=DELIVERY.offered(one, now_ms)
    )
