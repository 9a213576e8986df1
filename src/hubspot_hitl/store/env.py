"""What alembic runs: the migrations, on the connection that the caller opened.

On SQLite all are one transaction, the caller's. On PostgreSQL each has its own, and may leave it
for steps that must not hold a lock until its end.

Only alembic loads this file; everybody else calls :mod:`hubspot_hitl.store.migrations`.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection


def _run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        render_as_batch=is_sqlite,
        transaction_per_migration=not is_sqlite,
    )
    with context.begin_transaction():  # if the caller's is open, this one is part of it
        context.run_migrations()


_run(context.config.attributes["connection"])
