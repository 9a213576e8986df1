"""Compares the open handoffs of an installation with the threads of its portal, and repairs.

One call lists the threads with news in an inbox; only threads that need a closer look cost one call
more. All calls come after live chat. A pass is a delivery in the installation's own lane, made at
each moment of the schedule by whichever replica takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.errors import VendorError, VendorNotFound
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.intake.thread_history import LOOK_BACK, LOOK_FAR_BACK
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.clock import CLOCKS_APART_MS
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import Thread, ThreadMessage
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, Done, NewDelivery
from hubspot_hitl.ports.reading import installation_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.upkeep.compare import (
    Finding,
    left_open,
    missed_assignment,
    missed_end,
    missed_replies,
)

log = structlog.get_logger(__name__)

COMPARE: Final = "repair.compare"
JOB: Final = "reconcile"
CHECKED: Final = "checked"
ACTOR: Final = "reconciler"
GRACE_MS: Final = 30_000
"""What is younger is left to its webhook."""
OVERLAP_MS: Final = CLOCKS_APART_MS
SPREAD_MS: Final = 20_000
"""The passes of a moment begin spread over this time, not all at once."""
DAY_MS: Final = 86_400_000
MOST: Final = 100_000
MOST_DELIVERIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a pass looked at and found; with `dry_run` nothing of it was repaired."""

    handoffs: int
    busy: int
    findings: tuple[Finding, ...]


async def order_passes(services: Services) -> str:
    """Ask for a pass over each installation; the job of the schedule."""
    now_ms = services.clock.now_ms()
    installations = await services.installations.all()
    await services.ledger.accept(
        [
            compare(one.id, now_ms, after_ms=(number * 7919) % SPREAD_MS)
            for number, one in enumerate(installations)
        ]
    )
    return f"{len(installations)} installation(s) to compare"


def compare(installation_id: str, now_ms: int, after_ms: int = 0) -> NewDelivery:
    """A pass over one installation, one for each moment."""
    return _pass(installation_id, str(now_ms), now_ms + after_ms)


def compare_as_asked(installation_id: str, once: str, now_ms: int) -> NewDelivery:
    """A pass that a person asked for: one for each `once`, however often the form is sent."""
    return _pass(installation_id, f"asked:{once}", now_ms)


def _pass(installation_id: str, name: str, due_ms: int) -> NewDelivery:
    return NewDelivery(
        dedup_key=f"{COMPARE}:{installation_id}:{name}",
        lane=f"{COMPARE}:{installation_id}",
        kind=COMPARE,
        installation_id=installation_id,
        body={},
        due_ms=due_ms,
    )


async def run_pass(services: Services, it: Delivery) -> Done:
    """Compare and repair one installation; what cannot be asked now is covered by the next pass."""
    installation = await installation_of(services, it)
    try:
        found = await reconcile(services, installation, since_ms=await _since_ms(services, it))
    except VendorError as error:
        log.warning("not_reconciled", installation=installation.id, error=error.code)
        return Done(note=f"HubSpot was not reached: {error.code}")
    return Done(note=f"{CHECKED} {found.handoffs} handoff(s), repaired {len(found.findings)}")


async def _since_ms(services: Services, it: Delivery) -> int:
    """When the last pass that reached HubSpot began, and a little before; 0 when none did."""
    done = await services.ledger.find(
        DeliveryFilter(
            kind=COMPARE, installation_id=it.installation_id, states=(DeliveryState.DONE,), limit=20
        )
    )
    at_ms = [one.accepted_ms for one in done if (one.note or "").startswith(CHECKED)]
    return max(0, max(at_ms, default=0) - OVERLAP_MS)


async def reconcile(
    services: Services,
    installation: Installation,
    *,
    since_ms: int = 0,
    grace_ms: int = GRACE_MS,
    dry_run: bool = False,
) -> Reconciled:
    """Find what was missed since `since_ms`, put it into the handoffs' lanes, and audit it.

    Raises VendorError when HubSpot cannot be asked; what was found before that is repaired.
    """
    now_ms = services.clock.now_ms()
    handoffs = await _candidates(services, installation, now_ms)
    if not handoffs:
        return Reconciled(0, 0, ())
    threads = await _threads(services, installation, handoffs, now_ms)
    looking = _Looking(services, installation, threads, since_ms, now_ms, now_ms - grace_ms)
    findings: list[Finding] = []
    busy = 0
    for handoff in handoffs:
        if await _is_busy(services, handoff):
            busy += 1
            continue
        found = sorted(await looking.at(handoff), key=lambda one: one.at_ms)
        if found and not dry_run:
            await _repair(services, installation, found)
        findings += found
    return Reconciled(len(handoffs), busy, tuple(findings))


async def _candidates(services: Services, installation: Installation, now_ms: int) -> list[Handoff]:
    """Those that go on, and those that ended within a day; with a thread, if they have started."""
    going = await services.handoffs.find(installation_id=installation.id, active=True, limit=MOST)
    ended = await services.handoffs.find(installation_id=installation.id, active=False, limit=500)
    recent = [one for one in ended if (one.ended_ms or 0) > now_ms - DAY_MS]
    return [one for one in (*going, *recent) if one.thread_id and one.conversation_id]


async def _threads(
    services: Services, installation: Installation, handoffs: Iterable[Handoff], now_ms: int
) -> Mapping[str, Thread]:
    """The threads with a message of the last day, by id: one list for each inbox."""
    hubspot = services.hubspot.of(installation)
    found: dict[str, Thread] = {}
    for inbox_id in sorted({handoff.inbox_id for handoff in handoffs}):
        listed = await hubspot.threads(inbox_id=inbox_id, latest_message_after_ms=now_ms - DAY_MS)
        found.update((thread.id, thread) for thread in listed)
    return found


async def _is_busy(services: Services, handoff: Handoff) -> bool:
    """Whether something of the handoff is under way that may be what seems to be missing."""
    waiting = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, states=(DeliveryState.READY,), limit=100)
    )
    return any(one.lane == handoff.id and not one.timer for one in waiting)


@dataclass(frozen=True, slots=True)
class _Looking:
    services: Services
    installation: Installation
    threads: Mapping[str, Thread]
    since_ms: int
    now_ms: int
    before_ms: int

    async def at(self, handoff: Handoff) -> list[Finding]:
        """Everything that one handoff missed."""
        thread = self.threads.get(handoff.thread_id or "")
        if thread is None and not handoff.active:
            return []
        if thread is None:
            thread = await self._thread(handoff)
        if thread is None or not self._needs_a_look(handoff, thread):
            gone = missed_end(handoff, thread, (), self.now_ms) if thread is None else None
            return [gone] if gone else []
        entries = await self._entries(handoff)
        known = await self._known(handoff)
        events = (
            missed_assignment(handoff, thread, entries, self.now_ms),
            missed_end(handoff, thread, entries, self.now_ms),
            left_open(handoff, thread, entries),
        )
        replies = missed_replies(handoff, entries, known, self.before_ms) if handoff.active else []
        return [*replies, *(one for one in events if one and self._is_due(one))]

    def _is_due(self, finding: Finding) -> bool:
        """Whether its webhook has had its time; what carries no time of its own is due at once."""
        return finding.at_ms < self.before_ms or finding.at_ms == self.now_ms

    async def _thread(self, handoff: Handoff) -> Thread | None:
        try:
            hubspot = self.services.hubspot.of(self.installation)
            return await hubspot.thread(handoff.thread_id or "")
        except VendorNotFound:
            return None

    def _needs_a_look(self, handoff: Handoff, thread: Thread) -> bool:
        news = (thread.latest_message_ms or self.now_ms) >= self.since_ms
        open_ = thread.status == "OPEN" and not thread.archived
        moved = (thread.assigned_to or None) != handoff.agent_actor_id
        return (news or moved or not open_) if handoff.active else open_

    async def _entries(self, handoff: Handoff) -> Sequence[ThreadMessage]:
        """The thread's entries back to where is looked from, and some elder ones; newest first."""
        hubspot = self.services.hubspot.of(self.installation)
        since_ms = max(self.since_ms, handoff.created_ms - CLOCKS_APART_MS)
        entries: Sequence[ThreadMessage] = ()
        for limit in (LOOK_BACK, LOOK_FAR_BACK):
            entries = await hubspot.thread_messages(
                handoff.thread_id or "",
                newest_first=True,
                limit=limit,
                priority=Priority.BACKGROUND,
            )
            if len(entries) < limit or entries[-1].created_ms <= since_ms:
                break
        return entries

    async def _known(self, handoff: Handoff) -> frozenset[str]:
        known = await self.services.ledger.find(
            DeliveryFilter(
                handoff_id=handoff.id, kind=hubspot_events.MESSAGE, limit=MOST_DELIVERIES
            )
        )
        return frozenset(one.dedup_key for one in known)


async def _repair(
    services: Services, installation: Installation, findings: Sequence[Finding]
) -> None:
    """Write the missed events down in the order in which they happened, then say so."""
    new = await services.ledger.accept([finding.delivery for finding in findings])
    if not new:
        return
    for finding in findings:
        log.info(
            "repaired",
            installation=installation.id,
            handoff=finding.handoff_id,
            cause=finding.cause.value,
        )
        if services.evidence is not None:
            await services.evidence.audit.append(
                ACTOR,
                f"repair.{finding.cause.value}",
                finding.handoff_id,
                {
                    "installation": installation.id,
                    "thread": finding.thread_id,
                    "occurredMs": finding.at_ms,
                    "delivery": finding.delivery.dedup_key,
                },
            )


DELIVERIES = {COMPARE: run_pass}
"""Kind of delivery -> who handles it."""
