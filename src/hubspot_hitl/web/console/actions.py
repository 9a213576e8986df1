"""What an operator may do to a delivery or a handoff: asked once more, audited, then done.

The form carries what the person saw, so that a stale page acts on nothing, and a name that counts
once, so that a form sent twice acts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiohttp import web

from hubspot_hitl.events.operator_ended import operator_ended
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.repair.reconcile import compare
from hubspot_hitl.repair.resend import can_resend, resend
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import problem, see, show

_FROM_THE_DEAD: Final = frozenset({DeliveryState.DEAD, DeliveryState.CANCELLED})
_UNDONE: Final = frozenset({DeliveryState.DEAD, DeliveryState.READY})


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is offered."""

    name: str
    label: str
    explained: str
    danger: bool = False


@dataclass(frozen=True, slots=True)
class OnDelivery:
    """An action on a delivery. `act` returns how many deliveries it touched."""

    words: Words
    allowed: Callable[[Delivery, int], bool]
    act: Callable[[Services, Delivery, str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class OnHandoff:
    """An action on a handoff."""

    words: Words
    allowed: Callable[[Handoff], bool]
    act: Callable[[Services, Handoff, str], Awaitable[int]]


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
    return await services.ledger.accept([compare(one.installation_id, now_ms)])


def _waits(one: Delivery, now_ms: int) -> bool:
    return one.state is DeliveryState.READY and not one.timer and one.due_ms > now_ms


ON_DELIVERIES: Mapping[str, OnDelivery] = MappingProxyType(
    {
        one.words.name: one
        for one in (
            OnDelivery(
                Words(
                    "replay",
                    "Replay",
                    "It becomes ready again at its old place in its lane and is tried at once.",
                ),
                lambda one, _: one.state in _FROM_THE_DEAD,
                _replay,
            ),
            OnDelivery(
                Words(
                    "retry",
                    "Retry now",
                    "It is tried at once instead of at its due time. Its failures still count.",
                ),
                _waits,
                _replay,
            ),
            OnDelivery(
                Words(
                    "resend",
                    "Send again",
                    "It is sent once more with the same ids: what arrived is not doubled, what was"
                    " lost arrives, behind everything that waits in its lane.",
                ),
                lambda one, _: can_resend(one),
                _resend,
            ),
            OnDelivery(
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
"""What may be done to a delivery, in the order of the buttons."""

ON_HANDOFFS: Mapping[str, OnHandoff] = MappingProxyType(
    {
        one.words.name: one
        for one in (
            OnHandoff(
                Words(
                    "reconcile",
                    "Reconcile",
                    "HubSpot is asked for all open handoffs of this installation. Replies,"
                    " assignments and ends that no webhook told are put into their lanes.",
                ),
                lambda one: one.active,
                _reconcile,
            ),
            OnHandoff(
                Words(
                    "end",
                    "End the handoff",
                    "What waits in its lane is done first. Then the thread is closed and the user"
                    " goes back to the bot, as if an agent had closed the thread.",
                    danger=True,
                ),
                lambda one: one.active and one.state is not HandoffState.STARTING,
                _end,
            ),
        )
    }
)
"""What may be done to a handoff."""


def on_delivery(one: Delivery, now_ms: int) -> list[Words]:
    """What may be done to it as it stands."""
    return [it.words for it in ON_DELIVERIES.values() if it.allowed(one, now_ms)]


def on_handoff(one: Handoff) -> list[Words]:
    """What may be done to it as it stands."""
    return [it.words for it in ON_HANDOFFS.values() if it.allowed(one)]


def delivery_as_seen(one: Delivery) -> str:
    """What a person saw of a delivery: it changes whenever the delivery does.

    A replayed delivery that died again counts as another: its end came later.
    """
    return f"{one.state.value}.{one.attempts}.{one.finished_ms or 0}"


def handoff_as_seen(one: Handoff) -> str:
    """What a person saw of a handoff: its state and the period between reopenings.

    Messages that come and go meanwhile do not make the page stale: they change nothing that the
    person decided on.
    """
    return f"{one.state.value}.{one.ended_ms or 0}"


async def confirm_delivery(visit: Visit) -> web.StreamResponse:
    """Ask once more."""
    one, action = await found_delivery(visit), ON_DELIVERIES[visit.request.match_info["action"]]
    if one is None:
        return no_delivery(visit)
    what = f"delivery {one.seq}, {one.kind}"
    back = f"{visit.frame.base}/deliveries/{one.seq}"
    return _confirm(visit, action.words, what, one.state.value, back, delivery_as_seen(one))


async def act_on_delivery(visit: Visit) -> web.StreamResponse:
    """Do it, if the delivery still is what the person saw."""
    one, action = await found_delivery(visit), ON_DELIVERIES[visit.request.match_info["action"]]
    if one is None:
        return no_delivery(visit)
    services, form = visit.desk.services, await visit.form()
    what = f"Delivery {one.seq}"
    if form.get("seen") != delivery_as_seen(one) or not action.allowed(
        one, services.clock.now_ms()
    ):
        return _stale(visit, what, one.state.value)
    await visit.desk.audit.append(
        visit.who.name,
        f"delivery.{action.words.name}",
        str(one.seq),
        {"kind": one.kind, "handoff": one.handoff_id or "", "error": one.error_code or ""},
    )
    if not await action.act(services, one, _once(form)):
        return _stale(visit, what, "changed")
    return see(f"{visit.frame.base}/deliveries/{one.seq}")


async def confirm_handoff(visit: Visit) -> web.StreamResponse:
    """Ask once more."""
    one, action = await found_handoff(visit), ON_HANDOFFS[visit.request.match_info["action"]]
    if one is None:
        return no_handoff(visit)
    what = f"handoff of {one.user_name or one.id}"
    back = f"{visit.frame.base}/handoffs/{one.id}"
    return _confirm(visit, action.words, what, one.state.value, back, handoff_as_seen(one))


async def act_on_handoff(visit: Visit) -> web.StreamResponse:
    """Do it, if the handoff still is what the person saw."""
    one, action = await found_handoff(visit), ON_HANDOFFS[visit.request.match_info["action"]]
    if one is None:
        return no_handoff(visit)
    form = await visit.form()
    if form.get("seen") != handoff_as_seen(one) or not action.allowed(one):
        return _stale(visit, "The handoff", one.state.value)
    await visit.desk.audit.append(
        visit.who.name,
        f"handoff.{action.words.name}",
        one.id,
        {"thread": one.thread_id or "", "state": one.state.value},
    )
    if not await action.act(visit.desk.services, one, _once(form)):
        return _stale(visit, "The handoff", "about to end already")
    return see(f"{visit.frame.base}/handoffs/{one.id}")


async def found_delivery(visit: Visit) -> Delivery | None:
    """The delivery whose number is in the path."""
    number = visit.request.match_info["seq"]
    if len(number) > 18:
        return None
    found = await visit.desk.services.ledger.find(DeliveryFilter(seq=int(number), limit=1))
    return found[0] if found else None


async def found_handoff(visit: Visit) -> Handoff | None:
    """The handoff whose own id is in the path."""
    return await visit.desk.services.handoffs.get(visit.request.match_info["handoff"])


def no_delivery(visit: Visit) -> web.Response:
    """There is none of this number."""
    return problem(visit.frame, 404, "There is no such delivery. It may have been purged.")


def no_handoff(visit: Visit) -> web.Response:
    """There is none of this id."""
    return problem(visit.frame, 404, "There is no handoff of this id.")


def _once(form: Mapping[str, str]) -> str:
    return form.get("once", "")[:40]


def _confirm(
    visit: Visit, words: Words, what: str, state: str, back: str, seen: str
) -> web.Response:
    return show(
        visit.frame,
        "confirm.html",
        words=words,
        what=what,
        state_name=state,
        back=back,
        seen=seen,
        once=secrets.token_hex(8),
    )


def _stale(visit: Visit, what: str, now: str) -> web.Response:
    text = f"{what} changed since you looked: it is {now} now. Nothing was done."
    return problem(visit.frame, 409, text)
