"""The statements that count what happened in a stretch of time; the database does the counting.

A statement answers with one row for each step and bin, so tens of thousands of handoffs cost a few
hundred rows. They touch only rows of the stretch: each time has an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy import Text as SqlText

from hubspot_hitl.ports.figures import EXACT_BELOW_MS, Counted, bin_width
from hubspot_hitl.store.handoffs import ACTIVE_VALUES
from hubspot_hitl.store.tables import handoffs

_LONGEST_BIT: Final = 40  # 2 ** 40 ms are 35 years

# The ledger owns this table; adapters do not import each other, so its columns are named here.
_done = table(
    "deliveries",
    column("state", SqlText),
    column("timer", Boolean),
    column("accepted_ms", BigInteger),
    column("finished_ms", BigInteger),
).c
_h = handoffs.c
_since, _until = bindparam("since", type_=BigInteger), bindparam("until", type_=BigInteger)
_step: Final = bindparam("step", type_=BigInteger)


def count_between(connection: Connection, since_ms: int, until_ms: int, step_ms: int) -> _Steps:
    """What happened at `since_ms` or later and before `until_ms`, by the start of its step."""
    values = {"since": since_ms, "until": until_ms, "step": step_ms}
    found: _Steps = {}
    for figure, statement in _DURATIONS.items():
        for number, low_ms, count, most_ms in connection.execute(statement, values):
            tally = found.setdefault(int(number) * step_ms, Counted()).of(figure)
            tally.add(int(low_ms), int(count), int(most_ms))
    for number, name, count in connection.execute(_ENDED, values):
        found.setdefault(int(number) * step_ms, Counted()).ended[str(name)] += int(count)
    return found


def count_open(connection: Connection, since_ms: int, step_ms: int, found: _Steps) -> None:
    """Add the handoffs that began at `since_ms` or later and go on, by state, to `found`."""
    values = {"since": since_ms, "step": step_ms}
    for number, name, count in connection.execute(_OPEN, values):
        found.setdefault(int(number) * step_ms, Counted()).open[str(name)] += int(count)


_Steps = dict[int, Counted]


def _bounds() -> Iterator[int]:
    """Each power of two from which bins are wider."""
    return (1 << bit for bit in range(EXACT_BELOW_MS.bit_length(), _LONGEST_BIT))


def _bin(ms: ColumnElement[int]) -> ColumnElement[int]:
    """The lower bound of the bin of `ms`, as :func:`~hubspot_hitl.ports.figures.bin_width` says."""
    exact: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
        (ms < 0, literal_column("0", BigInteger)),
        (ms < EXACT_BELOW_MS, ms),
    ]
    wider = [(ms < above, _floor(ms, bin_width(above >> 1))) for above in _bounds()]
    return case(*exact, *wider, else_=_floor(ms, bin_width(1 << _LONGEST_BIT)))


def _floor(ms: ColumnElement[int], width: int) -> ColumnElement[int]:
    return ms // literal_column(str(width), BigInteger) * literal_column(str(width), BigInteger)


def _between(at: ColumnElement[int | None]) -> tuple[ColumnElement[bool], ...]:
    return (at >= _since, at < _until)


def _spread(
    begin: ColumnElement[int | None], end: ColumnElement[int | None], *where: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    """Step, bin, count and longest of the durations from `begin` to `end`, by `end`."""
    ms = (end - begin).label("ms")
    rows = select((end // _step).label("step"), ms).where(*_between(end), *where).subquery()
    binned = select(rows.c.step, rows.c.ms, _bin(rows.c.ms).label("bin")).subquery().c
    return select(binned.step, binned.bin, func.count(), func.max(binned.ms)).group_by(
        binned.step, binned.bin
    )


_DURATIONS: Final = {
    "waiting": _spread(_h.created_ms, _h.first_assigned_ms),
    "first_response": _spread(_h.created_ms, _h.first_reply_ms),
    "handle": _spread(
        _h.first_assigned_ms,
        _h.ended_ms,
        _h.first_assigned_ms.is_not(None),
        _h.state.not_in(ACTIVE_VALUES),
    ),
    "delivery": _spread(
        _done.accepted_ms,
        _done.finished_ms,
        # as literals: only so does the partial index of finished rows serve
        text("state IN ('done', 'cancelled') AND state = 'done'"),  # type: ignore[arg-type]
        _done.timer == false(),
    ),
}


def _ended() -> Select[*tuple[Any, ...]]:
    rows = (
        select(
            (_h.ended_ms // _step).label("step"),
            func.coalesce(_h.end_reason, _h.state).label("name"),
        )
        .where(*_between(_h.ended_ms), _h.state.not_in(ACTIVE_VALUES))
        .subquery()
        .c
    )
    return select(rows.step, rows.name, func.count()).group_by(rows.step, rows.name)


def _open() -> Select[*tuple[Any, ...]]:
    rows = (
        select((_h.created_ms // _step).label("step"), _h.state)
        .where(_h.state.in_(ACTIVE_VALUES), _h.created_ms >= _since)
        .subquery()
        .c
    )
    return select(rows.step, rows.state, func.count()).group_by(rows.step, rows.state)


_ENDED: Final = _ended()
_OPEN: Final = _open()
