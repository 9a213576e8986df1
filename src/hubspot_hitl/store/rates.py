"""How much of each portal's rate limit was in use, over time.

Each replica writes down the highest share that it saw; the highest of all stands. HubSpot's headers
tell every replica what the others have used, so that is the portal's own figure. Five-minute steps
are kept for two hours and whole hours for eight days: some 220 rows a portal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

import structlog
from sqlalchemy import Connection, delete, func, select

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.figures import HOUR_MS, MINUTE_MS, Budget
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import rate_peaks

log = structlog.get_logger(__name__)

KEPT_MS: Final = {5 * MINUTE_MS: 2 * HOUR_MS, HOUR_MS: 8 * 24 * HOUR_MS}
"""For each length of a step, how long it is kept."""
_r = rate_peaks.c


def nothing_used() -> Mapping[tuple[str, str], float]:
    """For a process that calls nobody."""
    return {}


class SqlRates:
    """:class:`~hubspot_hitl.ports.figures.Rates` on a database.

    `take` gives the highest share, by app and portal, since it was asked last.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        take: Callable[[], Mapping[tuple[str, str], float]] = nothing_used,
    ) -> None:
        self._database = database
        self._clock = clock
        self._take = take
        self._waiting: dict[tuple[int, int, Budget], float] = {}
        self._writing = asyncio.Lock()
        self._swept_ms = 0
        insert = insert_into(database.dialect, rate_peaks)
        higher = insert.excluded.used
        self._upsert = insert.on_conflict_do_update(
            index_elements=list(rate_peaks.primary_key),
            set_={"used": higher},
            where=_r.used < higher,
        )

    async def peaks(
        self, starts: Sequence[int], step_ms: int
    ) -> Mapping[Budget, Mapping[int, float]]:
        """The highest share within each step, also of this moment."""
        await self._write()
        number = (_r.slot_ms // step_ms).label("number")
        kept = HOUR_MS if step_ms % HOUR_MS == 0 else 5 * MINUTE_MS
        rows = (
            select(number, _r.app_id, _r.portal, _r.used)
            .where(_r.step_ms == kept, _r.slot_ms >= starts[0])
            .where(_r.slot_ms < starts[-1] + step_ms)
            .subquery()
            .c
        )
        by = (rows.number, rows.app_id, rows.portal)
        statement = select(*by, func.max(rows.used)).group_by(*by)

        def look(connection: Connection) -> dict[Budget, dict[int, float]]:
            found: dict[Budget, dict[int, float]] = {}
            for step, app_id, portal, used in connection.execute(statement):
                found.setdefault(Budget(app_id, portal), {})[int(step) * step_ms] = float(used)
            return found

        return await self._database.read(look)

    async def keep(self, now_ms: int) -> None:
        """Write down what was used since the last time; forget what is too old."""
        await self._write()
        if now_ms - self._swept_ms < HOUR_MS:
            return
        for step_ms, kept_ms in KEPT_MS.items():
            old = delete(rate_peaks).where(_r.step_ms == step_ms, _r.slot_ms < now_ms - kept_ms)
            await self._database.write(lambda c, old=old: c.execute(old).close())  # type: ignore[misc]
        self._swept_ms = now_ms

    async def close(self) -> None:
        """Write what is left, if the database still takes it."""
        try:
            await self._write()
        except StoreUnavailable as error:
            log.warning("rates_lost", reason=error.message, lost=len(self._waiting))

    async def _write(self) -> None:
        """Raises StoreUnavailable; what could not be written then waits for the next time."""
        async with self._writing:
            self._gather(self._clock.now_ms())
            rows = [
                {"step_ms": step_ms, "slot_ms": slot_ms, "used": used, **asdict(budget)}
                for (step_ms, slot_ms, budget), used in sorted(self._waiting.items())
            ]
            if rows:
                await self._database.write(lambda c: c.execute(self._upsert, rows).close())
                self._waiting.clear()

    def _gather(self, now_ms: int) -> None:
        for key in [key for key in self._waiting if key[1] < now_ms - KEPT_MS[key[0]]]:
            del self._waiting[key]
        for (app_id, portal), used in self._take().items():
            for step_ms in KEPT_MS:
                key = (step_ms, now_ms // step_ms * step_ms, Budget(app_id, portal))
                self._waiting[key] = max(self._waiting.get(key, 0.0), used)
