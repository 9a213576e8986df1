"""The agent closed, archived, deleted or opened the thread; on an end the bot takes over again."""

from __future__ import annotations

import structlog

from hubspot_hitl.effects.ending import CHECKED
from hubspot_hitl.errors import VendorError
from hubspot_hitl.events.thread import happen
from hubspot_hitl.handoff.thread_events import Deleted, MarkedSpam, Restored, StatusChanged
from hubspot_hitl.intake.hubspot_events import occurred_ms
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


async def operator_conversation_completed(services: Services, it: Delivery) -> Outcome:
    """`status` changed: CLOSED ends the handoff (`hitlStopped`), OPEN is explained to the agent."""
    at_ms = occurred_ms(it)
    match str(it.body.get("value") or "").upper():
        case "CLOSED":
            if it.dedup_key.endswith(CHECKED) and await _is_spam(services, it):
                return await happen(services, it, MarkedSpam(at_ms))
            return await happen(services, it, StatusChanged("CLOSED", at_ms))
        case "ARCHIVED":
            return await happen(services, it, StatusChanged("ARCHIVED", at_ms))
        case "OPEN":
            return await happen(services, it, StatusChanged("OPEN", at_ms))
        case other:
            return Done(note=f"status {other[:40]!r} means nothing here")


async def _is_spam(services: Services, it: Delivery) -> bool:
    """Whether the thread was closed as spam, which no webhook tells; "no" when in doubt."""
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if handoff.thread_id is None or not handoff.active:
        return False
    try:
        return (await services.hubspot.of(installation).thread(handoff.thread_id)).spam
    except VendorError as error:
        log.warning("spam_not_looked_at", handoff=handoff.id, error=error.code)
        return False


async def thread_restored(services: Services, it: Delivery) -> Outcome:
    """`isArchived` became false: the thread is back."""
    return await happen(services, it, Restored(occurred_ms(it)))


async def thread_deleted(services: Services, it: Delivery) -> Outcome:
    """The thread was archived, or deleted for good: nobody will answer there any more."""
    privacy = bool(it.body.get("privacy"))
    return await happen(services, it, Deleted(occurred_ms(it), for_privacy=privacy))
