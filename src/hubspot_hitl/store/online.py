"""Steps of a migration on PostgreSQL beside which the replicas of the version before go on.

Nothing holds a lock that keeps readers or writers out for longer than a moment. So there is no one
transaction, and each step can be done again after a crash. They belong into an `autocommit_block`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

_TRIES: Final = 60
_LOCK_NOT_AVAILABLE: Final = "55P03"


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Whoever waits for this lock holds up all that come after: so wait a second, and try again."""
    op.execute("SET lock_timeout = '1s'")
    for left in reversed(range(_TRIES)):
        try:
            op.add_column(table, column, if_not_exists=True)
            break
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or not left:
                raise
            op.execute("SELECT pg_sleep(1)")
    op.execute("SET lock_timeout = 0")


def build_index(
    name: str, table: str, columns: Sequence[str], where: sa.TextClause | None = None
) -> None:
    """Build an index; one that a crash left behind may be invalid, and is built anew."""
    drop_index(name, table)
    op.create_index(
        name, table, list(columns), postgresql_where=where, postgresql_concurrently=True
    )


def drop_index(name: str, table: str) -> None:
    """Drop an index, if it is there."""
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
