"""Watches over a handoff's silences: one row of the ledger for each handoff, due when it matters.

No message touches it. When it is due it asks the ledger who spoke when, nudges, ends, or waits on;
it holds nobody up meanwhile and outlives restarts. The end of the handoff cancels it.
"""

from __future__ import annotations

from typing import Final, assert_never

from hubspot_hitl.effects.ending import CHECKED
from hubspot_hitl.effects.saying import note_once, say_to_user
from hubspot_hitl.effects.spoken import BOT_MESSAGE
from hubspot_hitl.effects.watching import WATCH, patience_of, watch, watch_key
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.silence import Give, Nudge, Wait, Words, look
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.thread_events import TimedOut
from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, Done, Later, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of, name_of
from hubspot_hitl.ports.services import Services

LOOK_BACK: Final = 200


async def look_after(services: Services, it: Delivery) -> Outcome:
    """Nudge or end what has been silent for too long."""
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    now_ms = services.clock.now_ms()
    words = await _words(services, handoff)
    verdict = look(handoff.state, patience_of(installation, handoff), words, now_ms)
    match verdict:
        case Give(reason):
            return await happen(services, it, TimedOut(reason, now_ms))
        case Nudge() if it.note != _note(verdict):
            await _nudge(services, installation, handoff, it, verdict)
        case Nudge():
            pass  # reminded of this wait already
        case Wait():
            pass
        case _:
            assert_never(verdict)
    return _on(it, installation, handoff, verdict, now_ms)


def _on(
    it: Delivery,
    installation: Installation,
    handoff: Handoff,
    verdict: Nudge | Wait,
    now_ms: int,
) -> Outcome:
    """Look again: by the same row, unless it stands in the order of the lane and would block it."""
    if verdict.again_ms is None or not handoff.active:
        return Done(note="nothing to wait for any more")
    if it.dedup_key.endswith(CHECKED):
        key = f"{watch_key(handoff)}:{now_ms}"
        return Done(note="somebody spoke after all", then=watch(installation, handoff, now_ms, key))
    return Later(max(0.05, (verdict.again_ms - now_ms) / 1000), _note(verdict))


def _note(verdict: Nudge | Wait) -> str:
    """What the row remembers until it is due again."""
    if isinstance(verdict, Nudge):
        return f"reminded the {verdict.who} of the wait since {verdict.since_ms}"
    return "silence is watched"


async def _words(services: Services, handoff: Handoff) -> Words:
    """Who spoke when, by our own clock: what was accepted counts, delivered or not."""
    since_ms = max(handoff.created_ms, handoff.assigned_ms or 0)
    agent_ms = max(await _accepted(services, handoff, MESSAGE), default=None)
    by_user = await _accepted(services, handoff, BOT_MESSAGE)
    unanswered = [at_ms for at_ms in by_user if at_ms > (agent_ms or 0)]
    return Words(since_ms, agent_ms, min(unanswered, default=None))


async def _accepted(services: Services, handoff: Handoff, kind: str) -> list[int]:
    found = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, kind=kind, limit=LOOK_BACK)
    )
    return [
        one.accepted_ms
        for one in found
        if kind == MESSAGE or one.body.get("userId") is not None  # what the bot says is no answer
    ]


async def _nudge(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery, nudge: Nudge
) -> None:
    """Remind once for each wait: the key names when it began."""
    key = f"nudge-{nudge.since_ms}"
    if nudge.who == "agent":
        await note_once(services, installation, handoff, it, TextKey.NOTE_NUDGE, key=key)
    elif handoff.announced:
        name = f"{name_of(services, it)}:{key}"
        await say_to_user(services, installation, handoff, TextKey.NUDGE, key=name)


DELIVERIES = {WATCH: look_after}
"""Kind of delivery -> who handles it."""
