"""Finds the handoffs of a user at once, and keeps by what their chat is known again.

On PostgreSQL the replicas of the version before go on meanwhile (`store.online`).
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from hubspot_hitl.store.online import add_column, build_index

revision = "0006"
down_revision: str | None = "0005"

_INDEX: Final = "handoffs_user"
_COLUMNS: Final = ("user_id", "installation_id")


def upgrade() -> None:
    """Add the column and the index."""
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("handoffs", _history_marks())
        op.create_index(_INDEX, "handoffs", list(_COLUMNS))
        return
    with op.get_context().autocommit_block():
        add_column("handoffs", _history_marks())
        build_index(_INDEX, "handoffs", _COLUMNS)


def _history_marks() -> sa.Column[str]:
    return sa.Column("history_marks", sa.Text(), nullable=False, server_default="")
