"""A handoff whose chat starts once more: what the bot's new session and the agent have to learn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import structlog

from hubspot_hitl.actions.same_chat import Running, marks_of
from hubspot_hitl.channels.history import HISTORY
from hubspot_hitl.effects.unheard import begun_anew
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.hubspot_events import ASSIGNED
from hubspot_hitl.integration.actions import StartHitlInput
from hubspot_hitl.integration.history import HistoryEntry
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

ANSWER_MS: Final = 3_000
"""The longest time from the end of a start to its answer; `release_after_answer` cuts it short."""


async def taken_up_again(services: Services, same: Running, input_: StartHitlInput) -> Handoff:
    """The open handoff that a start repeats; what is new since the first one is shown.

    The first answer never reached the plugin, so neither did what agents said, nor who they are.
    Nor would an end that is being told while the new session begins, so that is looked after
    behind it in the lane, in any case.
    """
    handoff = same.handoff
    if handoff is None:
        raise AssertionError("the handoff is known")
    log.info("start_repeated", handoff=handoff.id)
    now_ms = services.clock.now_ms()
    await services.ledger.hold(handoff.id, now_ms + ANSWER_MS)
    news = input_.message_history[same.known :]
    described = input_.description or handoff.description
    if not news and described == handoff.description:
        await services.ledger.accept([begun_anew(handoff, f"again:{services.new_id()}", None)])
        return handoff
    marks = " ".join(marks_of(input_.message_history))
    told = f"{marks} {described}"
    mark = f"again:{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    await services.ledger.accept(
        [begun_anew(handoff, mark, marks), *shown(handoff, mark, news, described)]
    )
    return handoff


def announced_again(handoff: Handoff, mark: str, now_ms: int) -> list[NewDelivery]:
    """The delivery that tells the bot who answers, in the handoff's lane; none without an agent."""
    actor_id = handoff.agent_actor_id
    if actor_id is None:
        return []
    body = {"threadId": handoff.thread_id, "occurredMs": now_ms, "value": actor_id}
    key = f"agent:{handoff.id}:{mark}"
    return [NewDelivery(key, handoff.id, ASSIGNED, handoff.installation_id, body, handoff.id)]


def shown(
    handoff: Handoff, mark: str, said: Sequence[HistoryEntry], described: str | None = None
) -> list[NewDelivery]:
    """The delivery that shows the agent what was said while the bot had the user.

    `described` is what the matter is now, where that is not the handoff's own description.
    """
    history = [entry.model_dump(by_alias=True, mode="json") for entry in said]
    return [
        NewDelivery(
            f"history:{handoff.id}:{mark}",
            f"history:{handoff.id}",
            HISTORY,
            handoff.installation_id,
            {"messageHistory": history, "description": described or handoff.description},
            handoff.id,
        )
    ]
