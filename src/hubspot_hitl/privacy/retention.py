"""Forgets by age: what was said and who said it goes, that something was said stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.ports.ledger import Ledger, Redaction
from hubspot_hitl.ports.privacy import Content

log = structlog.get_logger(__name__)

DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class Forgetting:
    """What is forgotten after how many days, counted from the end of a delivery or handoff.

    A handoff that is not over keeps its names, and a delivery that waits keeps its words. Dead
    letters lose theirs like what was done: they can no longer be replayed then. The
    files are scrubbed of traces once a day at most, for writers wait meanwhile; `owed` says that
    there may be some, `scrubbed_ms` when it was done last (epoch).
    """

    ledger: Ledger
    content: Content
    days: int
    owed: bool = False
    scrubbed_ms: int = 0

    async def forget(self, now_ms: int) -> int:
        """Blank what is old enough; returns how many rows held something. Safe to repeat."""
        before_ms = now_ms - self.days * DAY_MS
        deliveries = await self.ledger.redact(Redaction(finished_before_ms=before_ms))
        handoffs = await self.content.blank_handoffs(before_ms)
        people = await self.content.forget_people(before_ms)
        if deliveries or handoffs or people:
            log.info(
                "content_forgotten",
                deliveries=deliveries,
                handoffs=handoffs,
                people=people,
                older_than_days=self.days,
            )
            self.owed = True
        if self.owed and now_ms - self.scrubbed_ms >= DAY_MS:
            await self.content.scrub()
            self.owed, self.scrubbed_ms = False, now_ms
        return deliveries + handoffs + people
