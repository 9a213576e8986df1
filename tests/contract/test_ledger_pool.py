"""The ledger's connections to PostgreSQL: one is kept between uses; looks at lanes share one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.contract.ledger_fixtures import new, postgres_world
from tests.databases import database_url

from hubspot_hitl.gathering import Gathering
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.postgres.pool import PostgresPool
from hubspot_hitl.ports.ledger import Delivery
from hubspot_hitl.postgres_server import PostgresServer

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.postgres
WHO = "SELECT pg_backend_pid()"
MANY_USES = 200


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


async def test_who_waits_gets_one_before_those_who_come_later(pool: PostgresPool) -> None:
    """Each busy one asks again at once; the waiter comes after the uses that were under way."""
    served = asyncio.Event()
    begun = asyncio.Semaphore(0)
    uses = 0

    async def busy() -> None:
        nonlocal uses
        while not served.is_set() and uses < MANY_USES:
            async with pool.connection() as connection:
                begun.release()
                await connection.fetchval(WHO)
            uses += 1

    async def waits() -> int:
        async with pool.connection():
            served.set()
            return uses

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(busy())
        for _ in range(4):
            await begun.acquire()
        before = uses
        waiter = group.create_task(waits())
    uses_before_its_turn = waiter.result() - before
    assert uses_before_its_turn < MANY_USES / 2


async def test_closing_waits_for_who_uses_one(pool: PostgresPool) -> None:
    async with pool.connection() as connection:
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        assert await connection.fetchval("SELECT 1") == 1
    await closing
    assert not pool.is_open


class Counting(PostgresEngine):
    """An engine that counts its looks at lanes."""

    def __init__(self, engine: PostgresEngine) -> None:
        vars(self).update(vars(engine))  # the address and its options, as the world has them
        self.looks = 0
        self._looks = Gathering(self._ready)

    async def _ready(self, lanes: Sequence[str]) -> list[Delivery]:
        self.looks += 1
        return await super()._ready(lanes)


async def test_who_asks_at_the_same_time_what_is_ready_shares_a_look() -> None:
    async with postgres_world() as world:
        made = world.new_engine
        engine = Counting(cast("PostgresEngine", made()))
        world.new_engine = lambda: engine
        ledger = await world.ledger(work=False)
        await ledger.accept([new("1", "a"), new("2", "b"), new("3", "a", timer=True, due_ms=9)])
        found = await asyncio.gather(*(engine.ready(lane) for lane in "aba"))
        keys = [[one.dedup_key for one in each] for each in found]
        assert (keys, engine.looks) == ([["1", "3"], ["2"], ["1", "3"]], 1)
        await world.close()
