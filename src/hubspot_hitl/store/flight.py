"""The flight recorder's journeys in the database, written in batches beside the work.

They are evidence, not the work: a full buffer or a database that is away loses some, and says so in
the log. One transaction a moment, whatever the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import orjson
import structlog
from sqlalchemy import Connection, delete, insert, select

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.flight import CallMade, Journey, Recorded
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.tables import flight

log = structlog.get_logger(__name__)

EVERY_S: Final = 0.5
MOST_WAITING: Final = 10_000
MOST_OF_ONE: Final = 5_000
_CHUNK: Final = 1_000
_f = flight.c


class SqlFlightLog:
    """:class:`~hubspot_hitl.ports.flight.FlightLog` on a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[dict[str, object]] = []
        self._writing = asyncio.Lock()
        self._lost = 0

    def add(self, journey: Journey) -> None:
        """Take a journey in, if it is about a handoff; it is written soon."""
        if journey.handoff_id is None:
            return
        if journey.seq is None and not (journey.calls or journey.notes):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(
            {
                "handoff_id": journey.handoff_id,
                "seq": journey.seq,
                "name": journey.name,
                "at_ms": journey.at_ms,
                "took_ms": round(journey.took_ms),
                "outcome": journey.outcome,
                "failures": journey.failures,
                "detail": orjson.dumps(
                    {"calls": journey.calls, "notes": journey.notes}, default=str
                ).decode(),
            }
        )

    async def keep_writing(self) -> None:
        """Write what has gathered, again and again, until cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            # A write that is cut off may be done all the same, and would then be done again.
            await asyncio.shield(self._write_or_put_off())

    async def _write_or_put_off(self) -> None:
        try:
            await self.write()
        except StoreUnavailable as error:
            log.warning("flight_log_put_off", reason=error.message, waiting=len(self._waiting))

    async def write(self) -> None:
        """Write what has gathered. Raises StoreUnavailable, and keeps it."""
        async with self._writing:
            if self._lost:
                log.warning("flight_log_overflowed", lost=self._lost)
                self._lost = 0
            rows = list(self._waiting)
            if not rows:
                return

            def write(connection: Connection) -> None:
                connection.execute(insert(flight), rows)

            await self._database.write(write)
            del self._waiting[: len(rows)]

    async def close(self) -> None:
        """Write what is left, if the database still takes it."""
        try:
            await self.write()
        except StoreUnavailable as error:
            log.warning("flight_log_lost", reason=error.message, lost=len(self._waiting))

    async def of(self, handoff_id: str) -> Sequence[Recorded]:
        """The newest journeys of a handoff, oldest first, and its operations."""
        await self.write()
        statement = (
            select(flight)
            .where(_f.handoff_id == handoff_id)
            .order_by(_f.seq.is_(None).desc(), _f.at_ms.desc(), _f.id.desc())
            .limit(MOST_OF_ONE)
        )
        rows = await self._database.read(
            lambda connection: [
                cast("Mapping[str, Any]", row) for row in connection.execute(statement).mappings()
            ]
        )
        return [_recorded(row) for row in sorted(rows, key=lambda row: (row["at_ms"], row["id"]))]

    async def purge(self, before_ms: int) -> int:
        """Forget journeys that began before, in chunks; returns how many."""
        old = select(_f.id).where(_f.at_ms < before_ms).limit(_CHUNK)
        statement = delete(flight).where(_f.id.in_(old.scalar_subquery()))
        purged, count = 0, _CHUNK
        while count == _CHUNK:
            count = await self._database.write(lambda c: int(c.execute(statement).rowcount))
            purged += count
        return purged


def _recorded(row: Mapping[str, Any]) -> Recorded:
    detail: Mapping[str, Any] = orjson.loads(row["detail"])
    return Recorded(
        name=row["name"],
        seq=row["seq"],
        at_ms=row["at_ms"],
        took_ms=row["took_ms"],
        outcome=row["outcome"],
        failures=row["failures"],
        calls=[CallMade(**call) for call in detail["calls"]],
        notes=detail["notes"],
    )
