"""A database of its own for a test: a SQLite file, or a PostgreSQL database dropped afterwards."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

SERVER = os.environ.get("HITL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")

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
    need_postgres()
    import asyncpg

    name = f"hitl_test_{uuid4().hex[:12]}"
    server = await asyncpg.connect(f"{SERVER}/postgres")
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{SERVER}/{name}"
        finally:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()
