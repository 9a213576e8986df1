"""The numbers that the console draws, from handoffs and the ledger's finished deliveries.

Hours that are over are counted once and kept: a week is then some 170 small rows, however much
happened in it. Every replica counts them; they come to the same, and the first one's stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, delete, select

from hubspot_hitl.ports.figures import HOUR_MS, MINUTE_MS, Counted, Tally, Waiting
from hubspot_hitl.store.counting import count_between, count_open
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.engine.inserting import insert_into
from hubspot_hitl.store.tables import figure_hours, handoffs

KEPT_HOURS: Final = 8 * 24
OVER_AFTER_MS: Final = 10 * MINUTE_MS
"""How long an hour waits to be kept: for what is written late, and for clocks that differ."""
AT_ONCE: Final = 24
_k = figure_hours.c


class SqlFigures:
    """:class:`~hubspot_hitl.ports.figures.Figures` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_into(database.dialect, figure_hours).on_conflict_do_nothing()
        self._kept_until_ms = 0

    async def counted(self, starts: Sequence[int], step_ms: int) -> Mapping[int, Counted]:
        """What happened in each step, from the kept hours where there are any."""
        since_ms, until_ms = starts[0], starts[-1] + step_ms
        by_hour = step_ms % HOUR_MS == 0

        def look(connection: Connection) -> dict[int, Counted]:
            found: dict[int, Counted] = {}
            if by_hour:
                hours = _kept(connection, since_ms, until_ms)
                for first_ms, end_ms in _gaps(since_ms, until_ms, hours):
                    hours |= count_between(connection, first_ms, end_ms, HOUR_MS)
                for hour_ms, counted in hours.items():
                    found.setdefault(hour_ms // step_ms * step_ms, Counted()).merge(counted)
            else:
                found = count_between(connection, since_ms, until_ms, step_ms)
            count_open(connection, since_ms, step_ms, found)
            return found

        return await self._database.read(look)

    async def keep(self, now_ms: int) -> None:
        """Count the hours that are over and not kept yet; forget those that nobody asks for."""
        until_ms = (now_ms - OVER_AFTER_MS) // HOUR_MS * HOUR_MS
        if until_ms <= self._kept_until_ms:
            return
        since_ms = until_ms - KEPT_HOURS * HOUR_MS

        def missing(connection: Connection) -> list[tuple[int, int]]:
            wanted = select(_k.hour_ms).where(_k.hour_ms >= since_ms)
            return list(_gaps(since_ms, until_ms, connection.execute(wanted).scalars(), AT_ONCE))

        for first_ms, end_ms in await self._database.read(missing):
            await self._keep(first_ms, end_ms)
        old = delete(figure_hours).where(_k.hour_ms < since_ms)
        await self._database.write(lambda c: c.execute(old).close())
        self._kept_until_ms = until_ms

    async def _keep(self, first_ms: int, end_ms: int) -> None:
        found = await self._database.read(lambda c: count_between(c, first_ms, end_ms, HOUR_MS))
        rows = [
            {"hour_ms": hour_ms, "counted": _to_json(found.get(hour_ms, Counted()))}
            for hour_ms in range(first_ms, end_ms, HOUR_MS)
        ]
        await self._database.write(lambda c: c.execute(self._insert, rows).close())

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """Handoffs without an agent, the longest wait first."""
        h = handoffs.c
        statement = (
            select(h.id, h.user_name, h.created_ms)
            .where(h.state == "pending")
            .order_by(h.created_ms)
            .limit(limit)
        )

        def look(connection: Connection) -> list[Waiting]:
            return [Waiting(*row) for row in connection.execute(statement)]

        return await self._database.read(look)


def _kept(connection: Connection, since_ms: int, until_ms: int) -> dict[int, Counted]:
    wanted = select(_k.hour_ms, _k.counted).where(_k.hour_ms >= since_ms, _k.hour_ms < until_ms)
    return {int(hour_ms): _from_json(text) for hour_ms, text in connection.execute(wanted)}


def _gaps(
    since_ms: int, until_ms: int, known: Iterable[int], most: int = KEPT_HOURS
) -> Iterator[tuple[int, int]]:
    """Start and end of each run of hours that are not known, `most` hours long at most."""
    hours, begun_ms = set(known), None
    for hour_ms in range(since_ms, until_ms, HOUR_MS):
        if begun_ms is not None and (hour_ms in hours or hour_ms - begun_ms >= most * HOUR_MS):
            yield begun_ms, hour_ms
            begun_ms = None
        if begun_ms is None and hour_ms not in hours:
            begun_ms = hour_ms
    if begun_ms is not None:
        yield begun_ms, until_ms


def _to_json(counted: Counted) -> str:
    durations = {
        figure: {
            "bins": list(tally.bins.keys()),
            "counts": list(tally.bins.values()),
            "most": tally.most_ms,
        }
        for figure, tally in counted.durations.items()
    }
    return orjson.dumps({"durations": durations, "ended": counted.ended}).decode()


def _from_json(text: str) -> Counted:
    value: dict[str, Any] = orjson.loads(text)
    durations = {
        figure: Tally(Counter(dict(zip(one["bins"], one["counts"], strict=True))), one["most"])
        for figure, one in value["durations"].items()
    }
    return Counted(durations, Counter(value["ended"]))
