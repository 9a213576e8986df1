"""The ledger's two tables; the migrations of :mod:`hubspot_hitl.store` create the same ones.

A lane is owned while ``lease_until_ms`` lies in the future; ``owner`` stays after the release and
so tells who ran it last. ``fence`` grows with each claim, ``version`` with each change that the
owner has to hear of. ``due_ms`` is the next moment at which the lane can have something to run
(NULL: nothing waits) and ``blocked`` says that a delivery, not a timer, is what it waits for.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData()

deliveries = Table(
    "deliveries",
    metadata,
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("dedup_key", Text, nullable=False, unique=True),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("installation_id", Text, nullable=False),
    Column("handoff_id", Text),
    Column("body", Text, nullable=False),
    Column("timer", Boolean, nullable=False, server_default=false()),
    Column("started", Boolean, nullable=False, server_default=false()),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_ms", BigInteger, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    Column("error_code", Text),
    Column("error", Text),
    Column("note", Text),
    # A sequence number is never given twice, even after the newest rows were purged.
    sqlite_autoincrement=True,
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("fence", BigInteger, nullable=False, server_default=text("0")),
    Column("owner", Text),
    Column("lease_until_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("held_until_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("due_ms", BigInteger),
    Column("blocked", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)


@cache
def whole() -> MetaData:
    """The tables with all their indexes, for whoever makes or compares them.

    To name an option of PostgreSQL loads SQLAlchemy's dialect for it: a server on SQLite does not.
    """
    _partial("deliveries_ready", "state = 'ready'", deliveries.c.lane, deliveries.c.seq)
    _partial("deliveries_dead", "state = 'dead'", deliveries.c.seq)
    _partial("deliveries_finished", "state IN ('done', 'cancelled')", deliveries.c.finished_ms)
    by_handoff = (deliveries.c.handoff_id, deliveries.c.seq)
    _partial("deliveries_handoff", "handoff_id IS NOT NULL", *by_handoff)
    _partial("lanes_due", "due_ms IS NOT NULL", lanes.c.due_ms)
    return metadata


def _partial(name: str, where: str, *columns: ColumnElement[object]) -> None:
    """An index of the rows where the condition holds, the same on both databases."""
    rows = text(where)
    Index(name, *columns, sqlite_where=rows, postgresql_where=rows)
