"""Two workers on one PostgreSQL database: one lane, one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.contract.ledger_fixtures import World, many, new, postgres_world

from hubspot_hitl.ledger.attempt import LaneLost
from hubspot_hitl.ledger.postgres.engine import SILENCE, PostgresEngine
from hubspot_hitl.ledger.postgres.presence import GONE_AFTER_S, NAMESPACE, key_of, silent_in
from hubspot_hitl.ledger.service import RENEW_S
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, Done, Outcome

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.postgres


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with postgres_world() as world:
        yield world
        await world.close()


LISTENING = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
    " AND classid = $1::bigint::oid AND objid = $2::bigint::oid"
)
END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
LEASE = (
    "INSERT INTO lanes (lane, version, fence, owner, lease_until_ms) VALUES"
    " ($1, 0, 0, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3)"
)


@asynccontextmanager
async def server(world: World) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
    import asyncpg

    connection = await asyncpg.connect(world.url)
    try:
        yield connection
    finally:
        await connection.close()


class Gate:
    """A handler that runs until the test lets it go; only the first call waits."""

    def __init__(self) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()
        self.calls = 0

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            self.begun.set()
            await self.open.wait()
        return Done(f"call {self.calls}", then=[new(f"after-{delivery.dedup_key}", "b")])


async def test_what_another_replica_accepts_into_a_running_lane_follows_in_order(
    world: World,
) -> None:
    one, two = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1"]))
    await gate.begun.wait()
    await two.accept(many(["2", "3"]))
    await world.settle()
    assert (one.lanes_running, two.lanes_running) == (1, 0)
    gate.open.set()
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "2", "3"]


async def test_a_replica_that_stops_gives_back_at_once_what_another_has_changed(
    world: World,
) -> None:
    ours, theirs = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ours.accept([new("1")])
    await gate.begun.wait()
    stopping = asyncio.create_task(ours.stop(3_600))
    await asyncio.sleep(0)
    await theirs.accept([new("2")])
    gate.open.set()
    await stopping
    await world.settle()
    assert [key for key in world.ran if key in "12"] == ["1", "2"]


async def test_a_cancel_by_another_replica_is_heard_before_the_next_delivery(
    world: World,
) -> None:
    one, two = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2", "3"]))
    await gate.begun.wait()
    assert await two.cancel(["2"]) == 1
    gate.open.set()
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "3"]


async def test_a_hold_by_another_replica_is_heard_before_the_next_delivery(world: World) -> None:
    one, two = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2"]))
    await gate.begun.wait()
    await two.hold("a", world.clock.now_ms() + 1_000)
    gate.open.set()
    await world.settle()
    assert "2" not in world.ran
    await world.advance(1.5)
    assert "2" in world.ran


async def test_a_lane_with_a_live_owner_is_not_taken(world: World) -> None:
    one, two = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2"]))
    await gate.begun.wait()
    await world.advance(3)
    assert (world.ran, two.lanes_running) == (["1"], 0)
    gate.open.set()


async def test_a_dead_owner_is_replaced_after_its_lease_and_caches_are_told(world: World) -> None:
    one = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2"]))
    await gate.begun.wait()
    await world.crash(one)
    await world.ledger()
    await world.settle()
    assert world.ran == ["1"]
    await world.ledger(after_leases=True)
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "1", "2"]
    assert "a" in world.moved


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_replica_that_is_gone_is_replaced_before_its_lease_ends(restarted: bool) -> None:
    async with postgres_world(gone_after_s=0.05) as world:
        one = await world.ledger()
        if not restarted:
            await world.ledger()
        gate = world.scripts["1"] = Gate()
        rerun = asyncio.Event()

        async def second(_: Delivery) -> Outcome:
            rerun.set()
            return Done()

        world.scripts["2"] = second
        await one.accept(many(["1", "2"]))
        await gate.begun.wait()
        await world.crash(one)
        if restarted:
            await world.ledger()
        async with asyncio.timeout(60):
            await rerun.wait()
        await world.settle()
        assert [key for key in world.ran if not key.startswith("after")] == ["1", "1", "2"]
        await world.close()


async def _listener(
    connection: asyncpg.Connection[asyncpg.Record], listening: tuple[int, int], *, but: int | None
) -> int:
    """The process of the server at which a replica listens, once it is another than `but`."""
    async with asyncio.timeout(60):
        while True:
            found = await connection.fetchval(LISTENING, *listening)
            if found not in (but, None):
                return int(found)
            await asyncio.sleep(0.005)


async def test_a_replica_that_has_lost_its_listening_connection_keeps_its_lanes() -> None:
    async with postgres_world(gone_after_s=0.02) as world, server(world) as connection:
        one, two = await world.ledger(), await world.ledger()
        engine = world.plugs[1].engine
        assert isinstance(engine, PostgresEngine)
        engine.clock_offset_ms = -60_000  # to the other, each lease looks just taken
        gate = world.scripts["1"] = Gate()
        await one.accept(many(["1"]))
        await gate.begun.wait()
        listening = (NAMESPACE, key_of(one.owner))
        before = await _listener(connection, listening, but=None)
        assert await connection.fetchval("SELECT pg_terminate_backend($1)", before)
        # It listens again after a pause much longer than 0.02 s.
        await _listener(connection, listening, but=before)
        await world.settle()
        assert (one.lanes_running, two.lanes_running, world.ran) == (1, 0, ["1"])
        gate.open.set()
        await world.settle()
        await world.close()


async def test_who_has_taken_or_renewed_a_lease_lately_is_not_silent(world: World) -> None:
    await world.ledger(work=False)
    async with server(world) as connection:
        for owner, left_s in (("me", 1), ("old", 1), ("both", 1), ("both", 900), ("over", -60)):
            await connection.execute(LEASE, f"{owner} {left_s}", owner, left_s * 1000)
        assert await silent_in(connection, "me", 0, 300_000) == ["old"]
        assert sorted(await silent_in(connection, "me", 0, 3_600_000)) == ["both", "old"]


async def test_leases_are_renewed_often_enough_to_be_told_from_silence(world: World) -> None:
    assert 2 * RENEW_S < SILENCE * GONE_AFTER_S
    one = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1"]))
    await gate.begun.wait()
    async with server(world) as connection:
        far_ms = 4_102_444_800_000
        await connection.execute("UPDATE lanes SET lease_until_ms = $1", far_ms)
        await world.advance(RENEW_S + 0.25)
        assert await connection.fetchval("SELECT lease_until_ms FROM lanes") != far_ms
    gate.open.set()


async def test_who_holds_a_lane_is_heard_of_by_the_one_who_runs_it_next(world: World) -> None:
    one = await world.ledger()
    await one.accept(many(["1"]))
    await world.settle()
    starting = await world.ledger(work=False)
    await starting.hold("a", world.clock.now_ms() + 1_000)
    assert world.moved == []
    await one.accept(many(["2"]))
    await world.advance(1.5)
    assert (world.ran, world.moved) == (["1", "2"], ["a"])


async def test_connections_that_the_server_ends_cost_no_delivery(world: World) -> None:
    one = await world.ledger()
    keys = [str(n) for n in range(15)]
    async with server(world) as connection:
        for key in keys:
            await connection.execute(END_ALL)
            assert await one.accept(many([key])) == 1
            await world.settle()
    await world.advance(5)
    assert world.ran == keys


async def test_a_replica_that_lives_keeps_its_lanes_however_long_its_handler_takes() -> None:
    async with postgres_world(gone_after_s=0.01) as world:
        one, two = await world.ledger(), await world.ledger()
        gate = world.scripts["1"] = Gate()
        await one.accept(many(["1"]))
        await gate.begun.wait()
        await asyncio.sleep(0.1)
        assert (one.lanes_running, two.lanes_running, world.ran) == (1, 0, ["1"])
        gate.open.set()
        await world.settle()
        await world.close()


async def test_an_owner_that_stalled_past_its_lease_marks_nothing_and_runs_nothing(
    world: World,
) -> None:
    one = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2"]))
    await gate.begun.wait()
    two = await world.ledger(after_leases=True)
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "1", "2"]
    gate.open.set()
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "1", "2"]
    assert (await world.row(two, "1")).note == "call 2"
    assert one.lanes_running == two.lanes_running == 0


async def test_a_handler_that_lost_its_lane_may_not_start_its_effect(world: World) -> None:
    one = await world.ledger()
    gate = Gate()
    lost: list[LaneLost] = []

    async def script(delivery: Delivery) -> Outcome:
        if gate.begun.is_set():
            return Done()
        await gate(delivery)
        try:
            await one.mark_started(delivery)
        except LaneLost as error:
            lost.append(error)
            raise
        return Done()

    world.scripts["1"] = script
    await one.accept(many(["1"]))
    await gate.begun.wait()
    two = await world.ledger(after_leases=True)
    await world.settle()
    gate.open.set()
    await world.settle()
    assert len(lost) == 1
    assert (await world.row(two, "1")).state is DeliveryState.DONE


async def test_a_worker_asks_for_its_lane_before_the_next_handler_once_its_lease_is_old(
    world: World,
) -> None:
    one = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1", "2"]))
    await gate.begun.wait()
    plug = world.plugs[0]
    plug.away = True
    await world.advance(16)
    plug.away, plug.commits_left = False, 1
    gate.open.set()
    await world.settle()
    assert (await world.row(one, "1")).state is DeliveryState.DONE
    assert "2" not in world.ran
    plug.away, plug.commits_left = False, None
    await world.advance(6)
    assert "2" in world.ran


async def test_what_two_replicas_accept_into_a_running_lane_keeps_its_order(world: World) -> None:
    one, two = await world.ledger(), await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1"]))
    await gate.begun.wait()
    await two.accept(many(["2"]))
    await one.accept(many(["3"]))
    gate.open.set()
    await world.settle()
    assert [key for key in world.ran if not key.startswith("after")] == ["1", "2", "3"]


async def test_leases_are_renewed_while_a_handler_runs(world: World) -> None:
    one = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await one.accept(many(["1"]))
    await gate.begun.wait()
    before = world.plugs[0].commits
    await world.advance(6)
    assert world.plugs[0].commits > before
    gate.open.set()


async def test_a_lane_without_room_is_taken_by_a_replica_that_hears_of_it(world: World) -> None:
    slow = WorkerOptions(poll_s=10_000)
    one = await world.ledger(options=WorkerOptions(concurrency=1, poll_s=10_000))
    gate = world.scripts["a"] = Gate()
    await one.accept(many(["1"]))
    await gate.begun.wait()
    two = await world.ledger(options=slow)
    await world.settle()
    heard = asyncio.Event()

    async def script(delivery: Delivery) -> Outcome:
        heard.set()
        return Done()

    world.scripts["c"] = script
    hearing = asyncio.create_task(heard.wait())
    async with asyncio.timeout(60):
        for number in count(2):  # nobody says when LISTEN is set up: it is done beside the start
            await one.accept([new(str(number), "c")])
            if (await asyncio.wait({hearing}, timeout=0.1))[0]:
                break
    assert two.owner != one.owner
    gate.open.set()


async def test_two_replicas_share_the_work_without_doubling_or_reordering(world: World) -> None:
    options = WorkerOptions(concurrency=8, turn=2)
    one, two = await world.ledger(options=options), await world.ledger(options=options)
    keys = [(lane, f"{lane}-{n}") for n in range(10) for lane in range(40)]
    for start in range(0, len(keys), 40):
        group = [new(key, f"lane {lane}") for lane, key in keys[start : start + 40]]
        await asyncio.gather(one.accept(group[:25]), two.accept(group[15:]))
    for _ in range(20):
        await world.advance(1)
        if len(world.ran) >= len(keys):
            break
    assert len(world.ran) == len(keys)
    for lane in range(40):
        mine = [key for key in world.ran if key.startswith(f"{lane}-")]
        assert mine == [f"{lane}-{n}" for n in range(10)]


async def test_accepts_whose_lanes_cross_do_not_deadlock(world: World) -> None:
    one, two = await world.ledger(work=False), await world.ledger(work=False)
    lanes = [f"lane {n}" for n in range(30)]
    work = [
        ledger.accept([new(f"{name}-{n}-{lane}", lane) for lane in order])
        for n in range(20)
        for name, ledger, order in (("one", one, lanes), ("two", two, lanes[::-1]))
    ]
    assert sum(await asyncio.gather(*work)) == 20 * 2 * 30
