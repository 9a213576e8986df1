"""Remembers up to which number deliveries were named by their number in marks and keys.

Later ones are named by their own key: after a backup is restored, numbers are given a second time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Create the table and write the number down."""
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute(
        "INSERT INTO counters (name, value)"
        " SELECT 'deliveries_named_by_number', coalesce(max(seq), 0) FROM deliveries"
    )
