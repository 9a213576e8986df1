"""Forgets by age: what was said and who said it goes, that something was said stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.ports.ledger import Ledger, Redaction
from hubspot_hitl.ports.privacy import Content

log = structlog.get_logger(__name__)

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What is forgotten after how many days, counted from the end of a delivery or handoff.

    A handoff that is not over keeps its names, and a delivery that waits keeps its words. Dead
    letters lose theirs like what was done: they can no longer be replayed then.
    """

    ledger: Ledger
    content: Content
    days: int

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
        # Also when nothing was old: the last time the log may have been in use.
        await self.content.scrub()
        return deliveries + handoffs + people
