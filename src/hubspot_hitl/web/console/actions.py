"""What an operator may do to a delivery or a handoff, in the order of the buttons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hubspot_hitl.events.operator_ended import operator_ended
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.upkeep.reconcile import compare_as_asked
from hubspot_hitl.upkeep.resend import can_resend, resend
from hubspot_hitl.web.console.confirmed import Action, Subject, Words
from hubspot_hitl.web.console.gate import Visit

_FROM_THE_DEAD: Final = frozenset({DeliveryState.DEAD, DeliveryState.CANCELLED})
_UNDONE: Final = frozenset({DeliveryState.DEAD, DeliveryState.READY})


async def _replay(services: Services, one: Delivery, once: str) -> int:
    return await services.ledger.replay([one.seq])


async def _discard(services: Services, one: Delivery, once: str) -> int:
    return await services.ledger.discard([one.seq])


async def _resend(services: Services, one: Delivery, once: str) -> int:
    return await services.ledger.accept([resend(one, once)])


async def _end(services: Services, one: Handoff, once: str) -> int:
    return await services.ledger.accept([operator_ended(one, services.clock.now_ms())])


async def _reconcile(services: Services, one: Handoff, once: str) -> int:
    now_ms = services.clock.now_ms()
    return await services.ledger.accept([compare_as_asked(one.installation_id, once, now_ms)])


def _waits(one: Delivery, now_ms: int) -> bool:
    return one.state is DeliveryState.READY and not one.timer and one.due_ms > now_ms


_ON_DELIVERIES: Mapping[str, Action[Delivery]] = MappingProxyType(
    {
        one.words.name: one
        for one in (
            Action(
                Words(
                    "replay",
                    "Replay",
                    "It becomes ready again at its old place in its lane and is tried at once.",
                ),
                lambda one, _: one.state in _FROM_THE_DEAD,
                _replay,
            ),
            Action(
                Words(
                    "retry",
                    "Retry now",
                    "It is tried at once instead of at its due time. Its failures still count.",
                ),
                _waits,
                _replay,
            ),
            Action(
                Words(
                    "resend",
                    "Send again",
                    "It is sent once more with the same ids: what arrived is not doubled, what was"
                    " lost arrives, behind everything that waits in its lane.",
                ),
                lambda one, _: can_resend(one),
                _resend,
            ),
            Action(
                Words(
                    "discard",
                    "Discard",
                    "It is cancelled for good: whatever it was to do is never done.",
                    danger=True,
                ),
                lambda one, _: one.state in _UNDONE,
                _discard,
            ),
        )
    }
)

_ON_HANDOFFS: Mapping[str, Action[Handoff]] = MappingProxyType(
    {
        one.words.name: one
        for one in (
            Action(
                Words(
                    "reconcile",
                    "Reconcile",
                    "HubSpot is asked for all open handoffs of this installation. Replies,"
                    " assignments and ends that no webhook told are put into their lanes.",
                ),
                lambda one, _: one.active,
                _reconcile,
            ),
            Action(
                Words(
                    "end",
                    "End the handoff",
                    "What waits in its lane is done first. Then the thread is closed and the user"
                    " goes back to the bot, as if an agent had closed the thread.",
                    danger=True,
                ),
                lambda one, _: one.active and one.state is not HandoffState.STARTING,
                _end,
            ),
        )
    }
)


async def _found_delivery(visit: Visit) -> Delivery | None:
    number = visit.request.match_info["seq"]
    if len(number) > 18:
        return None
    found = await visit.desk.services.ledger.find(DeliveryFilter(seq=int(number), limit=1))
    return found[0] if found else None


async def _found_handoff(visit: Visit) -> Handoff | None:
    return await visit.desk.services.handoffs.get(visit.request.match_info["handoff"])


DELIVERY: Final[Subject[Delivery]] = Subject(
    name="delivery",
    actions=_ON_DELIVERIES,
    found=_found_delivery,
    missing="There is no such delivery. It may have been purged.",
    id=lambda one: str(one.seq),
    title=lambda one: f"delivery {one.seq}, {one.kind}",
    path=lambda one: f"/deliveries/{one.seq}",
    state=lambda one: one.state.value,
    # A replayed delivery that died again counts as another: its end came later.
    seen=lambda one: f"{one.state.value}.{one.attempts}.{one.finished_ms or 0}",
    detail=lambda one: {
        "kind": one.kind,
        "handoff": one.handoff_id or "",
        "error": one.error_code or "",
    },
)

HANDOFF: Final[Subject[Handoff]] = Subject(
    name="handoff",
    actions=_ON_HANDOFFS,
    found=_found_handoff,
    missing="There is no handoff of this id.",
    id=lambda one: one.id,
    title=lambda one: f"handoff of {one.user_name or one.id}",
    path=lambda one: f"/handoffs/{one.id}",
    state=lambda one: one.state.value,
    # Messages that come and go meanwhile change nothing that the person decided on.
    seen=lambda one: f"{one.state.value}.{one.ended_ms or 0}",
    detail=lambda one: {"thread": one.thread_id or "", "state": one.state.value},
)
