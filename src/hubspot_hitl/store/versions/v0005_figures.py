"""Lets figures be counted by when things happened, and keeps what was counted of past hours.

When a handoff had its first agent was not known so far: taken for it is the latest change of
assignment, or the first answer when that came before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Add the column, the indexes and the two tables."""
    op.add_column("handoffs", sa.Column("first_assigned_ms", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE handoffs SET first_assigned_ms ="
        " CASE WHEN first_reply_ms < assigned_ms THEN first_reply_ms ELSE assigned_ms END"
        " WHERE assigned_ms IS NOT NULL AND (agent_actor_id IS NOT NULL"
        " OR first_reply_ms IS NOT NULL)"
    )
    op.drop_index("handoffs_state", table_name="handoffs")
    op.create_index("handoffs_state", "handoffs", ["state", "created_ms"])
    for name in ("first_assigned", "first_reply", "ended"):
        known = sa.text(f"{name}_ms IS NOT NULL")
        op.create_index(
            f"handoffs_{name}",
            "handoffs",
            [f"{name}_ms"],
            sqlite_where=known,
            postgresql_where=known,
        )
    op.create_table(
        "figure_hours",
        sa.Column("hour_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hour_ms"),
    )
    op.create_table(
        "rate_peaks",
        sa.Column("step_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("step_ms", "slot_ms", "app_id", "portal"),
    )
