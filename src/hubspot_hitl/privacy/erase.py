"""Erases what people said and were called, here and where asked at the vendors; counts stay.

The rows of the ledger and of the handoffs are kept without their content, so that a repeated
webhook is still known as one and figures stay true. Each erasure leaves a signed receipt in the
audit trail.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from hubspot_hitl.errors import HitlError, Stale, StoreUnavailable
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryFilter, DeliveryState, Redaction
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.later import ERASE, ERASE_CONTACT
from hubspot_hitl.privacy.receipt import Receipt, signed
from hubspot_hitl.privacy.target import Found, Target, find
from hubspot_hitl.privacy.vendors import AtVendors, Vendor, erase_at

log = structlog.get_logger(__name__)

# These deliveries hold ids only, and somebody waits for what they do.
WITHOUT_CONTENT = frozenset(
    {
        ERASE,
        ERASE_CONTACT,
        "bot.tags",
        "bot.acknowledge",
        "hubspot.receipt",
        "thread.close",
        "handoff.start_overdue",
    }
)
UNDER_WAY_WAIT_S = 10.0
LOOK_EVERY_S = 0.25
MOST_DELIVERIES = 100_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What came of it. `document` is the receipt as JSON, signed when there are keys.

    `again`: something was under way, so that another try erases more.
    """

    receipt: Receipt
    document: dict[str, object]
    failures: tuple[HitlError, ...] = ()
    again: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing was left."""
        return not self.receipt.left


async def erase(
    services: Services,
    target: Target,
    *,
    by: str,
    vendors: Collection[Vendor] = (),
    contacts: bool = False,
    dry_run: bool = False,
) -> Erasure:
    """Erase a target; safe to repeat, also after a crash in the middle.

    What waits for delivery is cancelled, what is under way is waited for. `dry_run` only counts;
    `contacts` deletes the CRM contacts too. Raises CannotErase for what is unknown or not over.
    What a vendor refuses does not keep the rest from being erased: it is named in the receipt and
    in `failures`.
    """
    found = await find(services, target)
    counts, left = await (_counted if dry_run else _erased)(services, found)
    again = bool(left)
    done = AtVendors()
    if not dry_run:
        done = await erase_at(services, target, found, vendors, contacts=contacts)
        left += await _scrubbed(services)
    receipt = Receipt(
        id=services.new_id(),
        target=target,
        by=by,
        at_ms=services.clock.now_ms(),
        handoffs=found.handoffs,
        counts={
            **counts,
            "people": len(found.people),
            "botpressMessages": done.messages,
            "botpressUsers": done.users,
            "hubspotThreads": done.threads,
            "files": done.files,
            "notes": done.notes,
            "transcripts": done.transcripts,
            "hubspotContacts": done.contacts,
        },
        vendors=tuple(sorted(vendors)),
        left=(*left, *done.left),
        dry_run=dry_run,
    )
    document = await _attested(services, receipt)
    return Erasure(receipt, document, tuple(done.failures), again)


async def _scrubbed(services: Services) -> list[str]:
    if services.content is None:
        return []
    try:
        await services.content.scrub()
    except StoreUnavailable as error:
        log.warning("database_not_scrubbed", error=error.code)
        return [error.message]
    return []


async def _attested(services: Services, receipt: Receipt) -> dict[str, object]:
    document = receipt.as_json()
    evidence = services.evidence
    if evidence is None:
        return document
    document = signed(document, evidence.keys)
    if not receipt.dry_run:
        subject = f"{receipt.target.kind}:{receipt.target.id}"
        await evidence.audit.append(receipt.by, "erased", subject, document)
        log.info("erased", target=receipt.target.kind, receipt=receipt.id, **receipt.counts)
    return document


async def _erased(services: Services, found: Found) -> tuple[dict[str, int], list[str]]:
    cancelled = dead = blanked = 0
    left: list[str] = []
    for handoff in found.handoffs:
        dead += len(await _deliveries(services, handoff, DeliveryState.DEAD))
        cancelled += await _cancelled(services, handoff)
        still = await _deliveries(services, handoff, DeliveryState.READY)
        if still:
            left.append(f"handoff {handoff.id}: {len(still)} deliveries under way, erase again")
        blanked += await services.ledger.redact(Redaction(handoff_id=handoff.id))
        blanked += await services.ledger.redact(Redaction(lane=_parking_lane(handoff)))
        await _blank(services, handoff)
        services.order_checks.pop(handoff.id, None)
    services.uploads.clear()  # a hint: at worst a file is uploaded once more
    for installation_id, user_id in found.people:
        await services.people.forget(installation_id, user_id)
    counts = {
        "handoffs": len(found.handoffs),
        "deliveries": blanked,
        "deadLetters": dead,
        "cancelled": cancelled,
    }
    return counts, left


async def _counted(services: Services, found: Found) -> tuple[dict[str, int], list[str]]:
    rows: list[Delivery] = []
    for handoff in found.handoffs:
        rows += await _deliveries(services, handoff, *DeliveryState)
    waiting = sum(row.state is DeliveryState.READY for row in rows)
    counts = {
        "handoffs": len(found.handoffs),
        "deliveries": len(rows),
        "deadLetters": sum(row.state is DeliveryState.DEAD for row in rows),
        "cancelled": waiting,
    }
    return counts, []


async def _cancelled(services: Services, handoff: Handoff) -> int:
    """Cancel what waits and what died, and wait for what is under way; returns how many ended."""
    cancelled = 0
    deadline = services.clock.monotonic() + UNDER_WAY_WAIT_S
    while True:
        rows = await _deliveries(services, handoff, DeliveryState.READY, DeliveryState.DEAD)
        if not rows:
            return cancelled
        cancelled += await services.ledger.discard([row.seq for row in rows])
        running = await _deliveries(services, handoff, DeliveryState.READY)
        if not running or services.clock.monotonic() >= deadline:
            return cancelled
        await services.clock.sleep(LOOK_EVERY_S)


async def _deliveries(
    services: Services, handoff: Handoff, *states: DeliveryState
) -> Sequence[Delivery]:
    """Deliveries of the handoff that hold something, also those that came before it was known."""
    found = [
        *await services.ledger.find(
            DeliveryFilter(handoff_id=handoff.id, states=states, limit=MOST_DELIVERIES)
        ),
        *await services.ledger.find(
            DeliveryFilter(lane=_parking_lane(handoff), states=states, limit=MOST_DELIVERIES)
        ),
    ]
    return [row for row in found if row.kind not in WITHOUT_CONTENT and row.body != ERASED]


def _parking_lane(handoff: Handoff) -> str:
    """The lane of what HubSpot told of the thread before we knew whose it is."""
    return f"thread:{handoff.installation_id}:{handoff.thread_id}"


async def _blank(services: Services, handoff: Handoff) -> None:
    """Blank the handoff; once more when somebody else wrote it meanwhile."""
    for _ in range(3):
        stored = await services.handoffs.get(handoff.id)
        if stored is None:
            return
        blank = dataclasses.replace(
            stored, user_name=None, title=None, description=None, session="{}", history_marks=""
        )
        if blank == stored:
            return
        try:
            await services.handoffs.save(blank)
        except Stale:
            continue
        return
    raise Stale(f"handoff {handoff.id!r} is being written all the time: erase again")
