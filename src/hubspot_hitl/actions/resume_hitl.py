"""A `startHitl` that answers a reopened thread: the old handoff goes on, in the old thread."""

from __future__ import annotations

from dataclasses import replace

import structlog

from hubspot_hitl.actions.again import ANSWER_MS, announced_again, shown
from hubspot_hitl.actions.same_chat import marks_of
from hubspot_hitl.effects.moved import save_moved
from hubspot_hitl.effects.reopened import answered, open_question
from hubspot_hitl.effects.tagging import TAGS
from hubspot_hitl.effects.watching import watch
from hubspot_hitl.errors import Stale
from hubspot_hitl.handoff.machine import reopen
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.integration.actions import StartHitlInput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

LOOK_BACK = 20


async def resumed(
    services: Services, installation: Installation, input_: StartHitlInput, start_key: str
) -> Handoff | None:
    """The user's ended handoff, active again, if its bot was asked to bring the user back.

    Its lane is held as for any start. None when nothing was asked; then a new one is opened.
    """
    if installation.configuration.reopen != "resume":
        return None
    before = await services.handoffs.of_user(installation.id, input_.user_id, active=False)
    for ended in before[:LOOK_BACK]:
        if ended.state is not HandoffState.RESOLVED or ended.conversation_id is None:
            continue
        question = await open_question(services, ended)
        if question is not None:
            back = await _take_up(services, installation, input_, ended, start_key)
            if back is not None:
                await services.ledger.cancel([question.dedup_key])
            return back
    return None


async def _take_up(
    services: Services,
    installation: Installation,
    input_: StartHitlInput,
    ended: Handoff,
    start_key: str,
) -> Handoff | None:
    """Reopen it. What follows is written down first: on an ended handoff it would do nothing."""
    now_ms = max(services.clock.now_ms(), (ended.ended_ms or 0) + 1, ended.assigned_ms or 0)
    marks = " ".join(marks_of(input_.message_history))
    back = replace(reopen(ended, now_ms), start_key=start_key, history_marks=marks)
    await services.ledger.hold(ended.id, now_ms + ANSWER_MS)
    await services.ledger.accept(
        [*_follow(input_, back, now_ms), *watch(installation, back, now_ms)]
    )
    try:
        saved = await save_moved(services, installation, ended, back)
    except Stale:
        return None  # a repeated call was faster; the ordinary way finds it by its start key
    log.info("handoff_resumed", handoff=saved.id, thread=saved.thread_id)
    return saved


def _follow(input_: StartHitlInput, back: Handoff, now_ms: int) -> list[NewDelivery]:
    """The agent is announced, the tags are set, and what the bot was told meanwhile is shown."""
    mark = f"resumed:{back.ended_ms or 0}"
    tags = NewDelivery(
        f"tags:{back.id}:{mark}", f"tags:{back.id}", TAGS, back.installation_id, {}, back.id
    )
    return [
        *announced_again(back, mark, now_ms),
        answered(back),
        tags,
        *shown(back, mark, input_.message_history),
    ]
