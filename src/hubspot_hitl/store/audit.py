"""The audit trail in the database: each entry carries the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, text

from hubspot_hitl.ports.audit import AuditEntry, AuditReport
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.tables import audit

GENESIS: Final = "0" * 64
_ADVISORY_LOCK: Final = 0x41554449  # one appender at a time, across replicas
_PAGE: Final = 1_000
_LAST: Final = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)


def entry_hash(entry: AuditEntry) -> str:
    """The hash of everything in an entry but its hash: SHA-256 over canonical JSON."""
    content = [
        entry.prev_hash,
        entry.seq,
        entry.at_ms,
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail,
    ]
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(value: object) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def chained(
    previous: tuple[int, str] | None,
    at_ms: int,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> AuditEntry:
    """The entry that follows the one with this number and hash."""
    seq, prev_hash = previous or (0, GENESIS)
    entry = AuditEntry(seq + 1, at_ms, actor, action, subject, detail, prev_hash, "")
    return replace(entry, hash=entry_hash(entry))


def first_misfit(entries: Sequence[AuditEntry], seq: int, prev_hash: str) -> int | None:
    """The number of the first entry that does not follow the one before it."""
    for entry in entries:
        seq += 1
        if entry.seq != seq or entry.prev_hash != prev_hash or entry.hash != entry_hash(entry):
            return entry.seq
        prev_hash = entry.hash
    return None


class SqlAudit:
    """:class:`~hubspot_hitl.ports.audit.Audit` on a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def append(
        self, actor: str, action: str, subject: str, detail: Mapping[str, object] | None = None
    ) -> AuditEntry:
        """Add an entry at the end of the chain; durable on return."""
        # as it will be read again: tuples become lists, keys become text
        stored: dict[str, object] = json.loads(canonical(dict(detail or {})))
        at_ms = self._clock.now_ms()

        def write(connection: Connection) -> AuditEntry:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}
                )
            last = connection.execute(_LAST).first()
            previous = (int(last.seq), str(last.hash)) if last is not None else None
            entry = chained(previous, at_ms, actor, action, subject, stored)
            connection.execute(
                insert(audit),
                {
                    "seq": entry.seq,
                    "at_ms": entry.at_ms,
                    "actor": entry.actor,
                    "action": entry.action,
                    "subject": entry.subject,
                    "detail": canonical(stored),
                    "prev_hash": entry.prev_hash,
                    "hash": entry.hash,
                },
            )
            return entry

        return await self._database.write(write)

    async def list(
        self,
        *,
        subject: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditEntry]:
        """Entries, newest first."""
        statement = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if subject is not None:
            statement = statement.where(audit.c.subject == subject)
        if action is not None:
            statement = statement.where(audit.c.action == action)
        if before_seq is not None:
            statement = statement.where(audit.c.seq < before_seq)
        return await self._database.read(
            lambda connection: [_entry(row) for row in connection.execute(statement).mappings()]
        )

    async def verify(self) -> AuditReport:
        """Recompute the whole chain, a page at a time."""
        seq, head = 0, GENESIS
        while True:
            page = await self._database.read(partial(_page, after=seq))
            misfit = first_misfit(page, seq, head)
            if misfit is not None:
                good = [entry for entry in page if entry.seq < misfit]
                return AuditReport(
                    checked=seq + len(good),
                    head=good[-1].hash if good else head,
                    broken_at=misfit,
                )
            if not page:
                return AuditReport(checked=seq, head=head)
            seq, head = page[-1].seq, page[-1].hash


def _page(connection: Connection, after: int) -> Sequence[AuditEntry]:
    statement = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(_PAGE)
    return [_entry(row) for row in connection.execute(statement).mappings()]


def _entry(values: RowMapping) -> AuditEntry:
    return AuditEntry(
        seq=int(values["seq"]),
        at_ms=int(values["at_ms"]),
        actor=values["actor"],
        action=values["action"],
        subject=values["subject"],
        detail=_detail(values["detail"]),
        prev_hash=values["prev_hash"],
        hash=values["hash"],
    )


def _detail(stored: str) -> Mapping[str, object]:
    try:
        value: dict[str, object] = json.loads(stored)
    except ValueError:
        return {"unreadable": True}  # tampered with: `verify` says where
    return value
