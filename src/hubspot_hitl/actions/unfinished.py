"""Starts that came to no end: the handoff ends as failed, and no thread of it stays open.

Each attempt at a start leaves a delivery behind, due when it must be over, and takes it back when
it is. So a process that dies at any line, and an answer that was lost after HubSpot had opened the
thread, leave something that looks after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from hubspot_hitl.channels.opening import is_opening_of
from hubspot_hitl.errors import HitlError, Stale, VendorNotFound
from hubspot_hitl.handoff.machine import end
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import Thread
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    NewDelivery,
    Outcome,
)
from hubspot_hitl.ports.reading import installation_of, stored_handoff
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

OVERDUE = "handoff.start_overdue"
GIVEN_UP: Final = "given-up"
MOST_THREADS: Final = 50
MOST_ENTRIES: Final = 20


def overdue(handoff: Handoff, attempt: str, due_ms: int) -> NewDelivery:
    """What looks after an attempt at a start whose process ended in the middle."""
    return NewDelivery(
        dedup_key=f"start:{handoff.id}:{attempt}",
        lane=f"start:{handoff.id}",
        kind=OVERDUE,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={},
        due_ms=due_ms,
        timer=True,
    )


async def give_up(
    services: Services, handoff: Handoff, attempt: NewDelivery, error: BaseException
) -> None:
    """End a handoff that has not finished starting, unless a repeated call is at it still.

    The look after its thread is written down first, so that it comes whatever happens next.
    """
    stored = await services.handoffs.get(handoff.id, fresh=True) or handoff
    if stored.state is not HandoffState.STARTING:  # a repeated call was faster: its lane goes on
        margin_ms = services.policy.start_margin_ms
        await services.ledger.hold(handoff.id, services.clock.now_ms() + margin_ms)
        return
    if await _others(services, handoff.id, but=attempt.dedup_key):
        await services.ledger.cancel([attempt.dedup_key])
        return
    code = error.code if isinstance(error, HitlError) else type(error).__name__
    log.warning("handoff_not_started", handoff=handoff.id, error=code)
    now_ms = services.clock.now_ms()
    await services.ledger.accept([overdue(handoff, GIVEN_UP, now_ms)])
    with suppress(Stale):  # that look was faster, or another attempt has ended
        await services.handoffs.save(end(stored, EndReason.START_FAILED, now_ms))
    await services.ledger.hold(handoff.id, 0)


async def handle_overdue(services: Services, it: Delivery) -> Outcome:
    """Give a handoff up that never finished starting, and close the thread it may have opened."""
    handoff = await stored_handoff(services, it)
    if handoff is None:
        return Done(note="the handoff was never opened")
    if handoff.state is HandoffState.STARTING:
        given_up = it.dedup_key == overdue(handoff, GIVEN_UP, 0).dedup_key
        if not given_up and await _others(services, handoff.id, but=it.dedup_key):
            return Done(note="another attempt goes on")
        now_ms = services.clock.now_ms()
        handoff = await services.handoffs.save(end(handoff, EndReason.START_FAILED, now_ms))
        await services.ledger.hold(handoff.id, 0)
        log.warning("handoff_not_started", handoff=handoff.id, error="overdue")
    if handoff.end_reason is not EndReason.START_FAILED:
        return Done(note=f"the handoff is {handoff.state}")
    installation = await installation_of(services, it)
    if handoff.thread_id is None:
        thread_id = await _orphan(services, installation, handoff)
        if thread_id is None:
            return Done(note="never started; no thread was found")
        await services.handoffs.save(replace(handoff, thread_id=thread_id))
        return await _close(services, installation, thread_id)
    return await _close(services, installation, handoff.thread_id)


async def _others(services: Services, handoff_id: str, *, but: str) -> bool:
    """Whether another attempt at the same start may be under way, here or elsewhere."""
    mine = {but, f"start:{handoff_id}:{GIVEN_UP}"}
    waiting = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff_id, kind=OVERDUE, states=(DeliveryState.READY,))
    )
    return any(one.dedup_key not in mine for one in waiting)


async def _close(services: Services, installation: Installation, thread_id: str) -> Outcome:
    try:
        await services.hubspot.of(installation).set_thread_status(thread_id, "CLOSED")
    except VendorNotFound:
        return Done(note="never started; its thread does not exist any more")
    log.warning("thread_of_no_handoff_closed", thread=thread_id)
    return Done(note="never started; its thread was closed")


async def _orphan(services: Services, installation: Installation, handoff: Handoff) -> str | None:
    """The open thread that begins with this handoff's opening and that no handoff has.

    Threads cannot be searched by our own thread id. The opening carries our time; should HubSpot
    not keep that (unverified), the only one with these words counts, and only when it is so old
    that whoever opened it would have written its thread down.
    """
    hubspot = services.hubspot.of(installation)
    recent = await hubspot.threads(
        inbox_id=handoff.inbox_id,
        latest_message_after_ms=max(0, handoff.created_ms - CLOCKS_APART_MS),
    )
    old_ms = services.clock.now_ms() - int(services.policy.start_timeout_s * 1000)
    alike: list[str] = []
    for thread in await _nobodys(services, handoff, recent):
        for entry in await hubspot.thread_messages(
            thread.id, newest_first=False, limit=MOST_ENTRIES, priority=Priority.BACKGROUND
        ):
            if (entry.type, entry.direction) != ("MESSAGE", "INCOMING"):
                continue
            if not is_opening_of(installation, handoff, entry.text):
                continue
            if entry.created_ms == handoff.created_ms:
                return thread.id
            if entry.created_ms <= old_ms:
                alike.append(thread.id)
    return alike[0] if len(alike) == 1 else None


async def _nobodys(
    services: Services, handoff: Handoff, recent: Sequence[Thread]
) -> Sequence[Thread]:
    open_ = [
        thread
        for thread in recent
        if thread.channel_account_id == handoff.channel_account_id and thread.status == "OPEN"
    ]
    known = await services.handoffs.by_threads(
        handoff.installation_id, [thread.id for thread in open_]
    )
    return [thread for thread in open_ if thread.id not in known][:MOST_THREADS]
