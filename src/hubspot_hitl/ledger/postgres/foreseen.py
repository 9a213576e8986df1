"""A transaction whose finds are foreseen, so that PostgreSQL can do all of it in one round trip.

What this process wrote last about a lane is nearly always what stands there still. So the group is
worked out in memory upon that, by the same code as ever, and then sent whole: the server locks the
lanes, compares, and writes only if each is as foreseen and each key is new. Otherwise nothing has
happened, and the group is carried out in the ordinary way, statement by statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, Never

from hubspot_hitl.ledger.requests import Committed
from hubspot_hitl.ledger.rows import FinishRow, LaneRow, NewRow, RowRef, Waiting
from hubspot_hitl.ports.ledger import DeliveryState

_MOST: Final = 20_000


class NotForeseen(Exception):
    """Nothing was written: the group has to be carried out statement by statement."""


class KnownLanes:
    """Lanes as this process saw or wrote them last; those written longest ago are forgotten.

    >>> lanes = KnownLanes(most=1)
    >>> lanes.remember([LaneRow("a", 1, 1, None, False, 0, None, False)])
    >>> lanes.remember([LaneRow("b", 1, 1, None, False, 0, None, False)])
    >>> lanes.of("a"), lanes.of("b").version
    (None, 1)
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._rows: dict[str, LaneRow] = {}

    def of(self, lane: str) -> LaneRow | None:
        """How the lane was left, if that is known."""
        return self._rows.get(lane)

    def remember(self, rows: Collection[LaneRow]) -> None:
        """Take in lanes as a transaction left them; they are not to be changed any more."""
        known = self._rows
        for row in rows:
            known.pop(row.lane, None)
            known[row.lane] = row
        while len(known) > self._most:
            del known[next(iter(known))]

    def forget(self, lanes: Collection[str] | None = None) -> None:
        """Forget lanes (None: all) that turned out to be otherwise."""
        if lanes is None:
            self._rows.clear()
            return
        for lane in lanes:
            self._rows.pop(lane, None)


class ForeseenTransaction:
    """The :class:`~hubspot_hitl.ledger.engine.Transaction` that only writes down what is wanted.

    New deliveries get negative numbers in place of their sequence, until `settle` puts the real
    ones in. Whatever would have to look at the database first raises NotForeseen.
    """

    def __init__(self, known: KnownLanes) -> None:
        self._known = known
        self._before: list[LaneRow] = []
        self._lanes: dict[str, LaneRow] = {}
        self._saved: Sequence[LaneRow] = ()
        self._finished: Sequence[FinishRow] = ()
        self._new: Sequence[NewRow] = ()
        self._now_ms = 0

    # -- what can be foreseen
    async def lock_lanes(
        self, lanes: Collection[str], create: Collection[str], now_ms: int
    ) -> dict[str, LaneRow]:
        """The lanes as they are believed to be; raises NotForeseen for one that is not known."""
        for name in lanes:
            row = self._known.of(name)
            if row is None:
                raise NotForeseen
            self._before.append(row)
            self._lanes[name] = replace(row, lease="keep", dirty=False)
        return self._lanes

    async def finish(self, rows: Sequence[FinishRow]) -> None:
        """Note the ends of attempts."""
        self._finished = rows

    async def insert(self, rows: Sequence[NewRow], now_ms: int) -> Sequence[int | None]:
        """Note new deliveries, all with keys that nobody has used."""
        if len({row.dedup_key for row in rows}) < len(rows):
            raise NotForeseen
        self._new, self._now_ms = rows, now_ms
        return range(-1, -len(rows) - 1, -1)

    async def save_lanes(self, lanes: Sequence[LaneRow], owner: str) -> None:
        """Note changed lanes."""
        self._saved = lanes

    # -- what cannot
    async def refs(self, keys: Sequence[str], seqs: Sequence[int]) -> Sequence[RowRef]:
        """Raises NotForeseen, like all that follow."""
        raise NotForeseen

    async def mark_started(self, seqs: Sequence[int]) -> None:
        """Raises NotForeseen."""
        raise NotForeseen

    async def cancel(
        self, seqs: Sequence[int], states: Collection[DeliveryState], now_ms: int
    ) -> Never:
        """Raises NotForeseen."""
        raise NotForeseen

    async def revive(self, seqs: Sequence[int], now_ms: int) -> Never:
        """Raises NotForeseen."""
        raise NotForeseen

    async def disown(self, owner: str, running: Collection[str]) -> None:
        """Raises NotForeseen."""
        raise NotForeseen

    async def claim_due(self, owner: str, now_ms: int, limit: int) -> Never:
        """Raises NotForeseen."""
        raise NotForeseen

    async def waiting(self, lanes: Collection[str], now_ms: int) -> Mapping[str, Waiting]:
        """Raises NotForeseen."""
        raise NotForeseen

    async def notify(self) -> None:
        """Raises NotForeseen."""
        raise NotForeseen

    # -- the one round trip
    def arguments(self, offset_ms: int, lease_ms: int) -> tuple[object, ...]:
        """The parameters of `GROUP`: what is expected, what is to be written."""
        before = self._before
        return (
            [row.lane for row in before],
            [row.version for row in before],
            [row.fence for row in before],
            [row.owner for row in before],
            [row.live for row in before],
            [row.held_until_ms for row in before],
            [row.due_ms for row in before],
            [row.blocked for row in before],
            *lane_columns(self._saved),
            *finish_columns(self._finished),
            *new_columns(self._new),
            self._now_ms,
            offset_ms,
            lease_ms,
        )

    def settle(self, result: object, seqs: Sequence[int]) -> None:
        """It is durable: put the real sequence numbers in and remember how the lanes were left."""
        if isinstance(result, Committed) and seqs:
            for news in result.news:
                news.deliveries = [
                    replace(one, seq=seqs[-one.seq - 1]) if one.seq < 0 else one
                    for one in news.deliveries
                ]
        self._known.remember(self._lanes.values())

    def forget(self) -> None:
        """Something was otherwise: whoever looks next reads these lanes."""
        self._known.forget(self._lanes)


def lane_columns(lanes: Sequence[LaneRow]) -> tuple[Sequence[object], ...]:
    """Lanes to save, as arrays."""
    return (
        [lane.lane for lane in lanes],
        [lane.version for lane in lanes],
        [lane.fence for lane in lanes],
        [lane.owner for lane in lanes],
        [lane.held_until_ms for lane in lanes],
        [lane.due_ms for lane in lanes],
        [lane.blocked for lane in lanes],
        [lane.lease for lane in lanes],
    )


def finish_columns(rows: Sequence[FinishRow]) -> tuple[Sequence[object], ...]:
    """Ends of attempts, as arrays."""
    return (
        [row.seq for row in rows],
        [row.state.value for row in rows],
        [row.attempts for row in rows],
        [row.due_ms for row in rows],
        [row.finished_ms for row in rows],
        [row.error_code for row in rows],
        [row.error for row in rows],
        [row.note for row in rows],
    )


def new_columns(rows: Sequence[NewRow]) -> tuple[Sequence[object], ...]:
    """New deliveries, as arrays."""
    return (
        [row.dedup_key for row in rows],
        [row.lane for row in rows],
        [row.kind for row in rows],
        [row.installation_id for row in rows],
        [row.handoff_id for row in rows],
        [row.body for row in rows],
        [row.timer for row in rows],
        [row.due_ms for row in rows],
    )
