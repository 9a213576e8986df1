"""The ledger's connections to PostgreSQL: one is kept between its uses, and never a dead one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.databases import database_url

from hubspot_hitl.ledger.postgres.pool import PostgresPool
from hubspot_hitl.postgres_server import PostgresServer

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.postgres
WHO = "SELECT pg_backend_pid()"


async def _unprepared(_: object) -> None: ...


@pytest.fixture
async def pool() -> AsyncIterator[PostgresPool]:
    async with database_url("postgresql", Path()) as url:
        found = PostgresPool(PostgresServer(url), _unprepared, timeout_s=5)
        await found.open()
        yield found
        await found.close()


def inside(pool: PostgresPool) -> asyncpg.Pool[asyncpg.Record]:
    """Where connections go that are given back."""
    inner = pool._pool  # pyright: ignore[reportPrivateUsage]
    assert inner is not None
    return inner


async def test_one_is_kept_between_its_uses(pool: PostgresPool) -> None:
    async with pool.connection() as connection:
        first = await connection.fetchval(WHO)
    assert inside(pool).get_idle_size() == 0
    async with pool.connection() as connection:
        assert await connection.fetchval(WHO) == first


async def test_who_comes_meanwhile_gets_another(pool: PostgresPool) -> None:
    async with pool.connection() as one, pool.connection() as other:
        assert await one.fetchval(WHO) != await other.fetchval(WHO)
    assert inside(pool).get_idle_size() == 1


async def test_after_an_error_it_is_given_back(pool: PostgresPool) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with pool.connection():
            raise asyncio.CancelledError
    assert inside(pool).get_idle_size() == 1


async def test_a_kept_one_that_died_is_replaced(pool: PostgresPool) -> None:
    gone = asyncio.Event()
    async with pool.connection() as connection:
        dead = await connection.fetchval(WHO)
        connection.add_termination_listener(lambda _: gone.set())
    await inside(pool).execute("SELECT pg_terminate_backend($1)", dead)
    await gone.wait()
    async with pool.connection() as connection:
        assert await connection.fetchval(WHO) != dead


async def test_a_kept_one_is_not_trusted_after_another_took_too_long(pool: PostgresPool) -> None:
    async with pool.connection() as one, pool.connection() as other:
        before = {await one.fetchval(WHO), await other.fetchval(WHO)}
    with pytest.raises(TimeoutError):
        async with pool.connection(), pool.connection():
            raise TimeoutError
    async with pool.connection() as connection:
        assert await connection.fetchval(WHO) not in before


async def test_closing_waits_for_who_uses_one(pool: PostgresPool) -> None:
    async with pool.connection() as connection:
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        assert await connection.fetchval("SELECT 1") == 1
    await closing
    assert not pool.is_open
