"""Who did what, kept so that a later change shows; and names that may be used once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did. `detail` holds ids and choices, never a secret or a text.

    `hash` covers the entry and `prev_hash`, the hash of the one before; `seq` has no gaps.
    """

    seq: int
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the chain found. `broken_at` is the first entry that does not fit.

    `head` is the last good hash: kept elsewhere, it also shows that the end was cut off.
    """

    checked: int
    head: str
    broken_at: int | None = None

    @property
    def intact(self) -> bool:
        """Whether every entry fits its neighbour."""
        return self.broken_at is None


class Audit(Protocol):
    """An append-only record. Raises StoreUnavailable when the database is away."""

    async def append(
        self, actor: str, action: str, subject: str, detail: Mapping[str, object] | None = None
    ) -> AuditEntry:
        """Add an entry at the end of the chain; durable on return."""
        ...

    async def list(
        self,
        *,
        subject: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditEntry]:
        """Entries, newest first."""
        ...

    async def verify(self) -> AuditReport:
        """Recompute the whole chain."""
        ...


class Nonces(Protocol):
    """Names that may be used once, across all replicas (an OAuth `state`, a signed request)."""

    async def use(self, name: str, expires_ms: int) -> bool:
        """True the first time, False ever after. `expires_ms` says when it may be purged.

        The caller refuses what is expired by itself: a purged name would count as new.
        """
        ...

    async def purge(self, now_ms: int) -> int:
        """Forget names that expired before `now_ms`; returns how many."""
        ...
