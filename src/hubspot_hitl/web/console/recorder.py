"""The flight recorder: one handoff, all that was to be done for it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from hubspot_hitl.effects.spoken import BOT_MESSAGE
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.intake.ordering import MOVED, first_key
from hubspot_hitl.json_values import is_object
from hubspot_hitl.observing.metrics import Direction, direction_of
from hubspot_hitl.ports.flight import Recorded
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.web.console.actions import HANDOFF
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import show

MOST = 1_000
_MESSAGES = frozenset({BOT_MESSAGE, hubspot_events.MESSAGE})
THREAD_ENTRIES = 100
PAGE = 100
"""So many deliveries, and so many attempts, are on one page."""


@dataclass(frozen=True, slots=True)
class Step:
    """A delivery as a line of the recorder. `took_ms`: from acceptance to the end."""

    delivery: Delivery
    direction: Direction
    summary: str
    took_ms: int | None


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything we know of a handoff. `due` is what is still to be done, soonest first.

    `cut` says that there are older deliveries than these, `older` that there are newer ones.
    """

    handoff: Handoff
    steps: Sequence[Step]
    due: Sequence[Step]
    journeys: Sequence[Recorded] = ()
    cut: bool = False
    older: bool = False

    def attempts(self, step: Step) -> Sequence[Recorded]:
        """The attempts of a delivery, as far as they were recorded."""
        return [one for one in self.journeys if one.seq == step.delivery.seq]

    @property
    def attempted(self) -> Sequence[Recorded]:
        """The attempts of the deliveries that are here, and the operations, the newest of both."""
        here = {step.delivery.seq for step in self.steps}
        return [one for one in self.journeys if one.seq is None or one.seq in here][-PAGE:]

    @property
    def before_ms(self) -> int | None:
        """Where the page before this one ends; what shares its last moment is shown again."""
        if not self.cut:
            return None
        eldest, newest = (self.steps[index].delivery.accepted_ms for index in (0, -1))
        return eldest + (eldest < newest)

    @property
    def decisions(self) -> Sequence[tuple[Recorded, str, object]]:
        """What was decided, when, oldest first: routing, and moves of the handoff."""
        return [(one, name, value) for one in self.journeys for name, value in one.notes.items()][
            -PAGE:
        ]

    @property
    def operations(self) -> Sequence[Recorded]:
        """What was done while Botpress waited for the answer: the start of all."""
        return [one for one in self.journeys if one.seq is None]

    @property
    def said(self) -> Sequence[Step]:
        """What user and agent wrote, as far as it crossed or is to cross: each once.

        A message that was put behind elder ones stands where it was put last.
        """
        last: dict[str, Step] = {}
        for step in self.steps:
            if step.delivery.kind in _MESSAGES:
                key = first_key(step.delivery)
                last.pop(key, None)
                last[key] = step
        return list(last.values())

    @property
    def last_user_ms(self) -> int | None:
        """When the user's last words came, by our clock; what the bot says is not theirs."""
        spoke = (one for one in self._last(BOT_MESSAGE) if one.body.get("userId") is not None)
        return max((one.accepted_ms for one in spoke), default=None)

    @property
    def last_agent_ms(self) -> int | None:
        """When the agents' last words came, by our clock."""
        return max((one.accepted_ms for one in self._last(hubspot_events.MESSAGE)), default=None)

    def _last(self, kind: str) -> Sequence[Delivery]:
        if self.older:
            return ()
        return [step.delivery for step in self.steps if step.delivery.kind == kind]


async def record(
    services: Services, handoff_id: str, *, most: int = MOST, before_ms: int | None = None
) -> Recording | None:
    """The newest of a handoff, by any id of either side; `before_ms` leads further back."""
    handoff = await services.handoffs.get(handoff_id)
    if handoff is None:
        found = await services.handoffs.find(text=handoff_id, limit=1)
        handoff = found[0] if found else None
    if handoff is None:
        return None
    deliveries = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, accepted_before_ms=before_ms, limit=most + 1)
    )
    steps = [step_of(delivery) for delivery in _explained(deliveries[:most])]
    due = [step for step in steps if step.delivery.state is DeliveryState.READY]
    due.sort(key=lambda step: step.delivery.due_ms)
    journeys = await services.flight.of(handoff.id)
    cut = len(deliveries) > most
    return Recording(handoff, steps, due, journeys, cut, older=before_ms is not None)


def _explained(newest_first: Sequence[Delivery]) -> Sequence[Delivery]:
    """The same, oldest first: of a message that was cancelled to stand again later it is told."""
    later: set[str] = set()
    explained: list[Delivery] = []
    for one in newest_first:
        key = first_key(one)
        moved = one.state is DeliveryState.CANCELLED and key in later
        explained.append(replace(one, note=MOVED) if moved else one)
        later.add(key)
    return explained[::-1]


def step_of(delivery: Delivery) -> Step:
    """A delivery, summed up."""
    ended = delivery.finished_ms
    return Step(
        delivery,
        direction_of(delivery.kind),
        summary(delivery.body),
        ended - delivery.accepted_ms if ended is not None else None,
    )


def summary(body: object, most: int = 160) -> str:
    """The words in a delivery's body, found wherever the vendor put them; empty without any.

    >>> summary({"body": {"text": "Hello"}})
    'Hello'
    """
    words = _words(body, 0)
    text = " ".join(words.split())
    return text if len(text) <= most else f"{text[:most]}…"


def _words(value: object, depth: int) -> str:
    if not is_object(value) or depth > 4:
        return ""
    for name in ("text", "title", "propertyValue", "newStatus", "status"):
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
    return next((text for inner in value.values() if (text := _words(inner, depth + 1))), "")


async def handoff(visit: Visit) -> web.StreamResponse:
    """The recorder's page; `?thread=1` also reads the HubSpot thread, live."""
    services = visit.desk.services
    before = visit.request.query.get("before", "")
    before_ms = int(before) if before.isdecimal() and len(before) < 16 else None
    recording = await record(
        services, visit.request.match_info["handoff"], most=PAGE, before_ms=before_ms
    )
    if recording is None:
        return HANDOFF.not_there(visit)
    thread = None
    if visit.request.query.get("thread") and recording.handoff.thread_id:
        thread = await _thread(visit, recording.handoff)
    now_ms = services.clock.now_ms()
    return show(
        visit.frame,
        "handoff.html",
        one=recording.handoff,
        recording=recording,
        actions=HANDOFF.offered(recording.handoff, now_ms),
        thread=thread,
        now_ms=now_ms,
    )


async def _thread(visit: Visit, one: Handoff) -> object:
    """The thread's entries as HubSpot has them now; that somebody read them is written down."""
    services = visit.desk.services
    installation = await services.installations.get(one.installation_id)
    if installation is None or one.thread_id is None:
        return []
    await visit.desk.audit.append(visit.who.name, "console.thread.read", one.id)
    entries = await services.hubspot.of(installation).thread_messages(
        one.thread_id, newest_first=True, limit=THREAD_ENTRIES
    )
    return sorted(entries, key=lambda entry: (entry.created_ms, entry.id))
