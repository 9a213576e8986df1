"""What handoffs left at the vendors beside their messages, so that it can be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "artifacts",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("handoff_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "kind", "id"),
    )
    op.create_index("artifacts_handoff", "artifacts", ["handoff_id"])
