"""Lets figures be counted by when things happened, and keeps what was counted of past hours.

When a handoff had its first agent was not known so far: taken for it is the latest change of
assignment, or the first answer when that came before.

On PostgreSQL the replicas of the version before go on meanwhile (`store.online`).
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from hubspot_hitl.store.online import add_column, build_index, drop_index

revision = "0005"
down_revision: str | None = "0004"

_CHUNK: Final = 1_000
_BACKFILL: Final = (
    "UPDATE handoffs SET first_assigned_ms ="
    " CASE WHEN first_reply_ms < assigned_ms THEN first_reply_ms ELSE assigned_ms END"
    " WHERE assigned_ms IS NOT NULL AND (agent_actor_id IS NOT NULL"
    " OR first_reply_ms IS NOT NULL) AND first_assigned_ms IS NULL"
)


def upgrade() -> None:
    """Add the column, the indexes and the two tables."""
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("handoffs", _first_assigned())
        op.execute(_BACKFILL)
        op.drop_index("handoffs_state", table_name="handoffs")
        op.create_index("handoffs_state", "handoffs", ["state", "created_ms"])
        for name in ("first_assigned", "first_reply", "ended"):
            known = sa.text(f"{name}_ms IS NOT NULL")
            op.create_index(f"handoffs_{name}", "handoffs", [f"{name}_ms"], sqlite_where=known)
    else:
        with op.get_context().autocommit_block():
            add_column("handoffs", _first_assigned())
            _backfill_in_chunks()
            _build_indexes_beside_the_work()
    _create_tables()


def _first_assigned() -> sa.Column[int]:
    return sa.Column("first_assigned_ms", sa.BigInteger(), nullable=True)


def _backfill_in_chunks() -> None:
    connection, after = op.get_bind(), ""
    chunk = sa.text(
        "SELECT max(id) FROM"
        " (SELECT id FROM handoffs WHERE id > :after ORDER BY id LIMIT :size) AS chunk"
    )
    backfill = sa.text(f"{_BACKFILL} AND id > :after AND id <= :last")
    while last := connection.execute(chunk, {"after": after, "size": _CHUNK}).scalar():
        connection.execute(backfill, {"after": after, "last": last})
        after = str(last)


def _build_indexes_beside_the_work() -> None:
    for name in ("first_assigned", "first_reply", "ended"):
        known = sa.text(f"{name}_ms IS NOT NULL")
        build_index(f"handoffs_{name}", "handoffs", [f"{name}_ms"], known)
    build_index("handoffs_state_created", "handoffs", ["state", "created_ms"])
    drop_index("handoffs_state", "handoffs")  # only now: replicas at work look by state
    op.execute("ALTER INDEX handoffs_state_created RENAME TO handoffs_state")


def _create_tables() -> None:
    op.create_table(
        "figure_hours",
        sa.Column("hour_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hour_ms"),
        if_not_exists=True,
    )
    op.create_table(
        "rate_peaks",
        sa.Column("step_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("step_ms", "slot_ms", "app_id", "portal"),
        if_not_exists=True,
    )
