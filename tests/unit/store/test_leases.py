from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubspot_hitl.ports.lease import Leases
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.leases import SqlLeases
from hubspot_hitl.store.memory import MemoryLeases
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.store.nonces import SqlNonces


@pytest.fixture(params=["memory", "sqlite"])
async def leases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Leases]:
    if request.param == "memory":
        yield MemoryLeases()
        return
    database = open_database(f"sqlite:///{tmp_path}/leases.db")
    await database.start()
    await migrate(database)
    yield SqlLeases(database)
    await database.close()


async def test_a_lease_has_one_holder_until_it_runs_out(leases: Leases) -> None:
    assert await leases.acquire("a", 0, 100)
    assert not await leases.acquire("a", 99, 200)
    assert await leases.acquire("a", 100, 200)
    assert await leases.acquire("b", 0, 100)


async def test_a_lease_given_back_is_free_at_once(leases: Leases) -> None:
    await leases.acquire("a", 0, 100)
    await leases.release("a", 100)

    assert await leases.acquire("a", 1, 101)


async def test_a_late_release_does_not_end_the_next_holders_lease(leases: Leases) -> None:
    await leases.acquire("a", 0, 100)
    await leases.acquire("a", 150, 250)
    await leases.release("a", 100)

    assert not await leases.acquire("a", 160, 300)


async def test_a_lease_and_a_name_used_once_do_not_meet(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/both.db")
    await database.start()
    await migrate(database)
    await SqlLeases(database).acquire("a", 0, 100)

    assert await SqlNonces(database).use("a", 100)
    assert not await SqlNonces(database).use("a", 100)
    await database.close()
