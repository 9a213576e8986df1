"""A database of its own for a test: a SQLite file, or a PostgreSQL database dropped afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from hubspot_hitl.store.database import Database, open_database
from hubspot_hitl.store.migrations import migrate

SERVER = os.environ.get("HITL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
_NAME = pytest.StashKey[str]()

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


def need_postgres() -> None:
    """Skip the test when no server listens."""
    at = urlsplit(SERVER)
    try:
        socket.create_connection((at.hostname or "127.0.0.1", at.port or 5432), 1).close()
    except OSError:
        pytest.skip(f"no PostgreSQL server answers at {at.hostname}:{at.port}")


@asynccontextmanager
async def database_url(engine: str, directory: Path) -> AsyncGenerator[str]:
    """The URL of an empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{directory / 'hitl.db'}"
        return
    name = await _create()
    try:
        yield f"{SERVER}/{name}"
    finally:
        await _drop(name)


@asynccontextmanager
async def migrated_database(
    request: pytest.FixtureRequest, directory: Path
) -> AsyncGenerator[Database]:
    """A started database with our tables, empty, on the engine that is the test's parameter.

    The one on PostgreSQL serves all tests of this process: making and dropping one takes long.
    """
    if request.param == "sqlite":
        url = f"sqlite:///{directory / 'hitl.db'}"
        await migrate(url)
    else:
        url = await _shared(request.config)
    database = open_database(url)
    await database.start()
    try:
        if request.param != "sqlite":
            await database.write(_empty)
        yield database
    finally:
        await database.close()


async def _shared(config: pytest.Config) -> str:
    if _NAME not in config.stash:
        name = config.stash[_NAME] = await _create()
        config.add_cleanup(lambda: asyncio.run(_drop(name)))
        await migrate(f"{SERVER}/{name}")
    return f"{SERVER}/{config.stash[_NAME]}"


def _empty(connection: Connection) -> None:
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    names = set(connection.scalars(text(tables))) - {"alembic_version"}
    connection.execute(text(f"TRUNCATE {', '.join(sorted(names))} RESTART IDENTITY"))


async def _create() -> str:
    need_postgres()
    name = f"hitl_test_{uuid4().hex[:12]}"
    await _execute(f'CREATE DATABASE "{name}"')
    return name


async def _drop(name: str) -> None:
    await _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(statement: str) -> None:
    import asyncpg

    server = await asyncpg.connect(f"{SERVER}/postgres")
    try:
        await server.execute(statement)
    finally:
        await server.close()
