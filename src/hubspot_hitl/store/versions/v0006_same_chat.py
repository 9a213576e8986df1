"""Finds the handoffs of a user at once, and keeps by what their chat is known again.

On PostgreSQL the replicas of the version before go on meanwhile, as with 0005.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0006"
down_revision: str | None = "0005"

_TRIES: Final = 60
_LOCK_NOT_AVAILABLE: Final = "55P03"
_INDEX: Final = "handoffs_user"


def upgrade() -> None:
    """Add the column and the index."""
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("handoffs", _history_marks())
        op.create_index(_INDEX, "handoffs", ["user_id", "installation_id"])
        return
    with op.get_context().autocommit_block():
        _add_column_in_a_moment()
        # One that a crash left behind may be invalid: it is built anew.
        op.drop_index(_INDEX, "handoffs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            _INDEX, "handoffs", ["user_id", "installation_id"], postgresql_concurrently=True
        )


def _history_marks() -> sa.Column[str]:
    return sa.Column("history_marks", sa.Text(), nullable=False, server_default="")


def _add_column_in_a_moment() -> None:
    """Whoever waits for this lock holds up all that come after: so wait a second, and try again."""
    op.execute("SET lock_timeout = '1s'")
    for left in reversed(range(_TRIES)):
        try:
            op.add_column("handoffs", _history_marks(), if_not_exists=True)
            break
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or not left:
                raise
            op.execute("SELECT pg_sleep(1)")
    op.execute("SET lock_timeout = 0")
