"""Brings a database to the schema of this code: at start-up, and by `hubspot-hitl migrate`.

An up-to-date database costs two small queries; alembic, which is slow to import, is loaded only
when there is something to do. On PostgreSQL the work runs under an advisory lock, so that replicas
that start together do it once. What takes long is done in steps, beside the replicas at work; after
a crash in between, the next start goes on with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, text

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.store.engine.database import Database, open_database

_log = structlog.get_logger(__name__)

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD: Final = REVISIONS[-1]
_PAUSE: Final = text("SELECT pg_sleep(0.1)")  # by the server: this thread serves others meanwhile
_ADVISORY_LOCK: Final = 0x48495443  # any number, the same in every replica


async def current_revision(database: Database) -> str | None:
    """The schema the database has; None when it is new."""
    return await database.read(_revision)


async def needs_migration(database: Database) -> bool:
    """Whether the database is older than the code; raises BadSettings when it is newer."""
    return _is_behind(await current_revision(database))


async def migrate(database: Database | str) -> bool:
    """Bring the database to this code's schema; True when there was something to do.

    Takes a started database, or a URL that is opened for this alone. Raises BadSettings when the
    database was written by a newer version.
    """
    if isinstance(database, str):
        opened = open_database(database)
        await opened.start()
        try:
            return await migrate(opened)
        finally:
            await opened.close()
    if not await needs_migration(database):
        return False
    changed = await database.alter(_upgrade)
    if changed:
        _log.info("database_migrated", revision=HEAD)
    return changed


def _revision(connection: Connection) -> str | None:
    exists = (
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if connection.dialect.name == "sqlite"
        # not to_regclass: it may answer from before another replica's commit
        else "SELECT 1 FROM pg_catalog.pg_class"
        " WHERE relname = 'alembic_version' AND pg_catalog.pg_table_is_visible(oid)"
    )
    if connection.execute(text(exists)).scalar() is None:
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _is_behind(revision: str | None) -> bool:
    if revision is not None and revision not in REVISIONS:
        raise BadSettings(
            f"the database has schema {revision!r}, which this version does not know (its own is"
            f" {HEAD!r}): a newer version of hubspot-hitl wrote it; upgrade, or restore a backup"
        )
    return revision != HEAD


def _upgrade(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        _wait_for_turn(connection)
    behind = _is_behind(_revision(connection))
    if connection.dialect.name == "postgresql":
        connection.commit()  # alembic begins and ends transactions itself
    if not behind:
        return False  # another replica was faster

    from alembic import command  # slow to import, and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    return True


def _wait_for_turn(connection: Connection) -> None:
    """Be the only one that migrates, until the connection is closed.

    To wait for the lock itself would be one long statement, and an index that is built beside the
    work waits for the end of all statements that began before: each would wait for the other.
    """
    connection.execute(text("SET statement_timeout = 0"))
    connection.commit()
    take = text("SELECT pg_try_advisory_lock(:key)")
    while not connection.execute(take, {"key": _ADVISORY_LOCK}).scalar():
        connection.commit()
        connection.execute(_PAUSE)
        connection.commit()
    connection.commit()
