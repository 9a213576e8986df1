"""A database of its own for a test, with our tables and without rows.

Making tables is what costs. So a process makes them once on each engine: SQLite files are copies
of one, and a database on PostgreSQL is emptied and used again.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.ending import AT_THE_END

from hubspot_hitl.store.engine.database import Database, open_database
from hubspot_hitl.store.migrations import migrate

if TYPE_CHECKING:
    import asyncpg

SERVER = os.environ.get("HITL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
OTHERS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))

_template: bytes = b""
_tables: dict[str, list[str]] = {}
"""The names of the tables of every database on PostgreSQL that was made here."""
_idle: list[str] = []


def need_postgres() -> None:
    """Skip the test when no server listens."""
    at = urlsplit(SERVER)
    try:
        socket.create_connection((at.hostname or "127.0.0.1", at.port or 5432), 1).close()
    except OSError:
        pytest.skip(f"no PostgreSQL server answers at {at.hostname}:{at.port}")


@asynccontextmanager
async def database_url(engine: str, directory: Path) -> AsyncGenerator[str]:
    """The URL of a database with our tables and no rows."""
    if engine == "sqlite":
        file = directory / "hitl.db"
        await lay_tables(file)
        yield f"sqlite:///{file}"
        return
    name = _idle.pop() if _idle else await _make()
    try:
        yield f"{SERVER}/{name}"
    finally:
        await _empty(name)


@asynccontextmanager
async def bare_database_url(engine: str, directory: Path) -> AsyncGenerator[str]:
    """The URL of a database that has nothing in it, as the first start of a server finds it."""
    if engine == "sqlite":
        yield f"sqlite:///{directory / 'hitl.db'}"
        return
    name = await _create()
    try:
        yield f"{SERVER}/{name}"
    finally:
        await _drop(name)


@asynccontextmanager
async def migrated_database(engine: str, directory: Path) -> AsyncGenerator[Database]:
    """A started database with our tables and no rows."""
    async with database_url(engine, directory) as url:
        database = open_database(url)
        await database.start()
        try:
            yield database
        finally:
            await database.close()


async def lay_tables(file: Path) -> None:
    """Make a SQLite file with our tables, as `migrate` leaves it."""
    global _template
    if not _template:
        with TemporaryDirectory() as folder:
            made = Path(folder) / "template.db"
            await migrate(f"sqlite:///{made}")
            _template = made.read_bytes()
    _copy(file)


def _copy(file: Path) -> None:
    file.touch(mode=0o600)
    file.write_bytes(_template)


async def _make() -> str:
    name = await _create()
    await migrate(f"{SERVER}/{name}")
    server = await _connect(name)
    try:
        _tables[name] = [str(row[0]) for row in await server.fetch(TABLES)]
    finally:
        await server.close()
    AT_THE_END.callback(lambda: asyncio.run(_drop(name)))
    return name


async def _empty(name: str) -> None:
    """Take all rows away; a database whose tables a test has changed is not used again.

    Not by TRUNCATE: it makes new files, which takes ten times as long as deleting a few rows.
    """
    server = await _connect(name)
    try:
        await server.execute(OTHERS)
        if [str(row[0]) for row in await server.fetch(TABLES)] != _tables[name]:
            return
        filled = [one for one in _tables[name] if one != "alembic_version"]
        statements = [f'DELETE FROM "{one}"' for one in filled]  # noqa: S608 - names of our own
        statements += [
            f"SELECT setval('\"{row[0]}\"', 1, false)" for row in await server.fetch(SEQUENCES)
        ]
        await server.execute("; ".join(statements))
    finally:
        await server.close()
    _idle.append(name)


async def _create() -> str:
    """An empty database. It need not outlive a power cut, so nothing waits for the disk."""
    need_postgres()
    name = f"hitl_test_{uuid4().hex[:12]}"
    await _execute(f'CREATE DATABASE "{name}"')
    await _execute(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
    return name


async def _drop(name: str) -> None:
    await _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(statement: str) -> None:
    server = await _connect("postgres")
    try:
        await server.execute(statement)
    finally:
        await server.close()


async def _connect(name: str) -> asyncpg.Connection[asyncpg.Record]:
    import asyncpg  # here, so that tests without PostgreSQL do without

    return await asyncpg.connect(f"{SERVER}/{name}")
