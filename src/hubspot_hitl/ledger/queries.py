"""Statements for people and upkeep, in SQLAlchemy Core, the same on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlalchemy import (
    Delete,
    Select,
    Update,
    delete,
    exists,
    func,
    select,
    text,
    update,
)

from hubspot_hitl.ledger.rows import ERASED_BODY, body_of
from hubspot_hitl.ledger.tables import deliveries, lanes
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    LedgerHealth,
    Redaction,
)

DELIVERY_COLUMNS: Final = (
    "seq",
    "dedup_key",
    "lane",
    "kind",
    "installation_id",
    "body",
    "handoff_id",
    "timer",
    "state",
    "attempts",
    "due_ms",
    "accepted_ms",
    "finished_ms",
    "error_code",
    "error",
    "note",
    "started",
)
"""The columns of `deliveries` in the order in which `delivery_of_row` reads them."""

PURGE_CHUNK: Final = 1_000
_FOUND: Final = f"SELECT {', '.join(DELIVERY_COLUMNS)} FROM deliveries"  # noqa: S608 - constants
_d = deliveries.c


class Row(Protocol):
    """A row of any driver, read by position."""

    def __getitem__(self, index: int, /) -> object: ...


def delivery_of_row(row: Sequence[object] | Row) -> Delivery:
    """A delivery from a row with `DELIVERY_COLUMNS`."""
    return Delivery(
        seq=_int(row[0]),
        dedup_key=str(row[1]),
        lane=str(row[2]),
        kind=str(row[3]),
        installation_id=str(row[4]),
        body=body_of(str(row[5])),
        handoff_id=_optional_str(row[6]),
        timer=bool(row[7]),
        state=DeliveryState(str(row[8])),
        attempts=_int(row[9]),
        due_ms=_int(row[10]),
        accepted_ms=_int(row[11]),
        finished_ms=None if row[12] is None else _int(row[12]),
        error_code=_optional_str(row[13]),
        error=_optional_str(row[14]),
        note=_optional_str(row[15]),
        started=bool(row[16]),
    )


_KEY: Final = "':' || dedup_key || ':'"


def found_by(filter_: DeliveryFilter, sign: str) -> tuple[str, list[object]]:
    """The statement for a filter, and the values of its parameters; rows have `DELIVERY_COLUMNS`.

    `sign` begins a numbered parameter: "?" or "$". It is written for the driver, for an agent's
    message asks this way. States are spelled out: only so do the partial indexes serve.
    """
    wanted: list[str] = []
    values: list[object] = []
    for condition, value in (
        ("seq =", filter_.seq),
        ("dedup_key =", filter_.dedup_key),
        ("lane =", filter_.lane),
        ("handoff_id =", filter_.handoff_id),
        ("installation_id =", filter_.installation_id),
        ("kind =", filter_.kind),
        ("error_code =", filter_.error_code),
        ("accepted_ms >=", filter_.accepted_after_ms),
        ("accepted_ms <", filter_.accepted_before_ms),
    ):
        if value is not None:
            values.append(value)
            wanted.append(f"{condition} {sign}{len(values)}")
    if filter_.key_part is not None:
        values.append(f":{filter_.key_part}:")  # LIKE would take % and _ for anything
        wanted.append(f"replace({_KEY}, {sign}{len(values)}, '') <> {_KEY}")
    if filter_.states:
        states = [f"state = '{state.value}'" for state in filter_.states]
        wanted.append(f"({' OR '.join(states)})")
    values.append(filter_.limit)
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    order = " ORDER BY seq DESC" if filter_.newest_first else " ORDER BY seq"
    return f"{_FOUND}{where}{order} LIMIT {sign}{len(values)}", values


def purged_deliveries(finished_before_ms: int, *, skip_locked: bool) -> Delete:
    """Delete a chunk of old done and cancelled rows.

    States are spelled out, for only so does the partial index serve under any plan.
    """
    finished = text("deliveries.state IN ('done', 'cancelled')")
    old = select(_d.seq).where(finished, _d.finished_ms < finished_before_ms).limit(PURGE_CHUNK)
    if skip_locked:
        old = old.with_for_update(skip_locked=True)
    return delete(deliveries).where(_d.seq.in_(old.scalar_subquery()))


def redacted(which: Redaction, *, skip_locked: bool) -> Update:
    """Blank a chunk of finished and dead rows."""
    wanted = [_d.state.in_(("done", "cancelled", "dead")), _d.body != ERASED_BODY]
    if which.handoff_id is not None:
        wanted.append(_d.handoff_id == which.handoff_id)
    if which.lane is not None:
        wanted.append(_d.lane == which.lane)
    if which.finished_before_ms is not None:
        wanted.append(_d.finished_ms < which.finished_before_ms)
    chunk = select(_d.seq).where(*wanted).limit(PURGE_CHUNK)
    if skip_locked:
        chunk = chunk.with_for_update(skip_locked=True)
    return (
        update(deliveries)
        .where(_d.seq.in_(chunk.scalar_subquery()))
        .values(body=ERASED_BODY, error=None, note=None)
    )


def purged_lanes(now_ms: int, *, skip_locked: bool) -> Delete:
    """Delete lanes in which nothing waits, nobody works and no hold counts."""
    waiting = exists().where(_d.lane == lanes.c.lane, text("deliveries.state = 'ready'"))
    idle = (
        select(lanes.c.lane)
        .where(
            lanes.c.due_ms.is_(None),
            lanes.c.lease_until_ms == 0,
            lanes.c.held_until_ms <= now_ms,
            ~waiting,
        )
        .limit(PURGE_CHUNK)
    )
    if skip_locked:
        idle = idle.with_for_update(skip_locked=True, of=lanes)
    return delete(lanes).where(lanes.c.lane.in_(idle.scalar_subquery()))


def health_figures() -> Select[*tuple[Any, ...]]:
    """Ready, dead, and the age of the oldest ready delivery that is no timer.

    Three looks with the states spelled out, for only so do the partial indexes serve; one look
    with a list of states reads every row that is kept as evidence.
    """
    is_ready, is_dead = text("state = 'ready'"), text("state = 'dead'")
    ready = select(func.count()).select_from(deliveries).where(is_ready)
    dead = select(func.count()).select_from(deliveries).where(is_dead)
    oldest = select(func.min(_d.accepted_ms)).where(is_ready, ~_d.timer)
    return select(ready.scalar_subquery(), dead.scalar_subquery(), oldest.scalar_subquery())


def health_of_row(row: Sequence[object] | Row) -> LedgerHealth:
    """The figures from a row of `health_figures`."""
    return LedgerHealth(_int(row[0]), _int(row[1]), None if row[2] is None else _int(row[2]))


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an integer column, got {type(value).__name__}")
    return value


def _optional_str(value: object) -> str | None:
    return None if value is None else str(value)
