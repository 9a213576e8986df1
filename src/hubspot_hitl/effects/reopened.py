"""An agent opened the thread of an ended chat again: the bot is asked to bring the user back.

The HITL plugin has ended its session and ignores agents until the bot starts one anew. So nothing
is resumed on our side alone: the bot is told by the event `handoffReopened`, and its `startHitl`
takes the old thread up again (`actions.resume_hitl`). Until then what the agent writes is held. The
agent is told what came of it, so that two never speak at once.
"""

from __future__ import annotations

from typing import Final

from hubspot_hitl.effects.saying import note_once, say_to_user
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    Later,
    NewDelivery,
    Outcome,
)
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

REOPENED: Final = "handoff.reopened"
LOOK_AGAIN_S: Final = 1.0


def asked(handoff: Handoff, due_ms: int, *, by: int) -> NewDelivery:
    """The row that remembers the question until `due_ms`; one for each end, in nobody's way.

    `by`: the number of the delivery that asks.
    """
    return NewDelivery(
        dedup_key=asked_key(handoff),
        lane=handoff.id,
        kind=REOPENED,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={"by": by, "untilMs": due_ms},
        due_ms=due_ms,
        timer=True,
    )


def answered(handoff: Handoff) -> NewDelivery:
    """The row that tells of the answer, behind what its lane has by then."""
    return NewDelivery(
        dedup_key=f"{asked_key(handoff)}:answered",
        lane=handoff.id,
        kind=REOPENED,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={},
    )


def asked_key(handoff: Handoff) -> str:
    """The key of the question about the latest end."""
    return f"reopened:{handoff.id}:{handoff.ended_ms or 0}"


async def open_question(services: Services, handoff: Handoff) -> Delivery | None:
    """The question to the bot that is not answered yet, if there is one.

    Its time counts, not whether somebody has been told: what the agent then reads has to stay true.
    """
    found = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, kind=REOPENED, states=(DeliveryState.READY,))
    )
    now_ms = services.clock.now_ms()
    return next((one for one in found if _is_open(one, handoff, now_ms)), None)


def _is_open(one: Delivery, handoff: Handoff, now_ms: int) -> bool:
    until_ms = one.body.get("untilMs")
    in_time = not isinstance(until_ms, int) or now_ms < until_ms
    return in_time and one.dedup_key == asked_key(handoff)


async def was_asked(services: Services, handoff: Handoff, *, but: int) -> bool:
    """Whether another delivery than `but` asked the bot about this end, answered or not."""
    found = await services.ledger.find(DeliveryFilter(handoff_id=handoff.id, kind=REOPENED))
    key = asked_key(handoff)
    return any(one.dedup_key == key and one.body.get("by") != but for one in found)


async def tell_what_came_of_it(services: Services, it: Delivery) -> Outcome:
    """Tell agent and user that the chat goes on, or the agent that it does not."""
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    if not handoff.active:
        await note_once(services, installation, handoff, it, TextKey.NOTE_NOT_REOPENED)
        return Done(note="the bot did not bring the user back")
    if it.timer and handoff.agent_actor_id is not None and not handoff.announced:
        return Later(LOOK_AGAIN_S, "the agent is being announced")
    await note_once(services, installation, handoff, it, TextKey.NOTE_REOPENED)
    if handoff.announced:
        await say_to_user(
            services, installation, handoff, TextKey.REOPENED, key=f"{it.seq}:reopened"
        )
    return Done(note="the bot brought the user back")


DELIVERIES = {REOPENED: tell_what_came_of_it}
"""Kind of delivery -> who handles it."""
