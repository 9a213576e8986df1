"""What alembic runs: the migrations, in the transaction that the caller opened.

Only alembic loads this file; everybody else calls :mod:`hubspot_hitl.store.migrations`.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection


def _run(connection: Connection) -> None:
    context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
    with context.begin_transaction():  # the caller's transaction is open: this one is part of it
        context.run_migrations()


_run(context.config.attributes["connection"])
