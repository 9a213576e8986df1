"""Groups that PostgreSQL writes in one round trip: only if everything is as foreseen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar, cast

import pytest
from tests.contract.ledger_fixtures import World, many, new, postgres_world

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.engine import Transaction
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.postgres.foreseen import ForeseenTransaction, KnownLanes, NotForeseen
from hubspot_hitl.ledger.postgres.transaction import PostgresTransaction
from hubspot_hitl.ledger.rows import LaneRow, new_row
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.ledger import DeliveryState

pytestmark = pytest.mark.postgres
T = TypeVar("T")


class Watched(PostgresEngine):
    """An engine that notes how each of its commits was carried out."""

    def __init__(self, engine: PostgresEngine) -> None:
        vars(self).update(vars(engine))  # the address and its options, as the world has them
        self.ways: list[str] = []
        self.broken: list[str] = []
        """What happens to the groups that come next: "unsent", or sent and the "answer lost"."""

    async def _send_group(self, foreseen: ForeseenTransaction) -> list[int]:
        how = self.broken.pop(0) if self.broken else None
        if how == "unsent":
            raise ConnectionResetError
        seqs = await super()._send_group(foreseen)
        if how == "answer lost":
            raise ConnectionResetError
        return seqs

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        way = ""

        async def noted(transaction: Transaction) -> T:
            nonlocal way
            way = "stepwise" if isinstance(transaction, PostgresTransaction) else "foreseen"
            return await work(transaction)

        result = await super().commit(noted)
        self.ways.append(way)
        return result


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with postgres_world() as world:
        made = world.new_engine
        world.new_engine = lambda: Watched(cast("PostgresEngine", made()))
        yield world
        await world.close()


def ways(world: World, number: int) -> list[str]:
    """How the engine of a ledger carried out what came since the last question."""
    engine = cast("Watched", world.plugs[number].engine)
    found, engine.ways = engine.ways, []
    return found


async def test_a_lane_that_is_known_costs_one_round_trip_for_each_group(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept(many(["1"]))
    await world.settle()
    assert "stepwise" in ways(world, 0)
    assert await ledger.accept(many(["2", "3"])) == 2
    await world.settle()
    assert set(ways(world, 0)) == {"foreseen"}
    assert world.ran == ["1", "2", "3"]
    assert [one.seq for one in world.seen] == sorted(one.seq for one in world.seen)
    assert all(state is DeliveryState.DONE for state in (await world.states(ledger)).values())


async def test_the_sequences_that_handlers_see_are_those_of_the_rows(world: World) -> None:
    ledger = await world.ledger()
    for round_ in range(3):
        await ledger.accept([new(f"{lane}{round_}", lane) for lane in ("b", "a", "c")])
        await world.settle()
    for delivery in world.seen:
        assert (await world.row(ledger, delivery.dedup_key)).seq == delivery.seq


async def test_a_key_that_is_known_counts_for_nothing(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept(many(["1"]))
    await world.settle()
    ways(world, 0)
    assert await ledger.accept(many(["1"])) == 0
    assert await ledger.accept(many(["2", "1", "2"])) == 1
    await world.settle()
    assert ways(world, 0)[:2] == ["stepwise", "stepwise"]
    assert world.ran == ["1", "2"]


async def known_lane(world: World) -> tuple[LaneLedger, Watched]:
    """A ledger that has written to the lane before."""
    ledger = await world.ledger()
    await ledger.accept(many(["1"]))
    await world.settle()
    ways(world, 0)
    return ledger, cast("Watched", world.plugs[0].engine)


async def test_a_group_whose_connection_broke_is_sent_again(world: World) -> None:
    ledger, engine = await known_lane(world)
    engine.broken = ["unsent", "unsent"]
    assert await ledger.accept(many(["2"])) == 1
    await world.settle()
    assert set(ways(world, 0)) == {"foreseen"}
    assert world.ran == ["1", "2"]


async def test_a_group_whose_answer_was_lost_counts_once(world: World) -> None:
    ledger, engine = await known_lane(world)
    engine.broken = ["answer lost"]
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["2"]))
    assert await ledger.accept(many(["2", "3"])) == 1
    await world.advance(5)
    assert world.ran == ["1", "2", "3"]
    assert set((await world.states(ledger)).values()) == {DeliveryState.DONE}


async def test_a_mark_whose_answer_was_lost_is_made_once(world: World) -> None:
    ledger, engine = await known_lane(world)
    engine.broken = ["", "answer lost"]
    await ledger.accept(many(["2", "3"]))
    await world.advance(5)
    assert world.ran == ["1", "2", "3"]
    assert set((await world.states(ledger)).values()) == {DeliveryState.DONE}


async def test_what_another_replica_changed_is_seen_before_anything_is_written(
    world: World,
) -> None:
    one, two = await world.ledger(), await world.ledger()
    for round_ in range(4):
        for ledger in (one, two):
            await ledger.accept(many([f"{round_}{'ab'[ledger is two]}"]))
            await world.settle()
    expected = [f"{round_}{name}" for round_ in range(4) for name in "ab"]
    assert world.ran == expected
    states = await world.states(one)
    assert states == dict.fromkeys(expected, DeliveryState.DONE)
    assert "stepwise" in ways(world, 0)
    assert "stepwise" in ways(world, 1)


async def test_a_hold_by_another_replica_holds_what_comes_after(world: World) -> None:
    one, two = await world.ledger(), await world.ledger()
    await one.accept(many(["1"]))
    await world.settle()
    await two.hold("a", world.clock.now_ms() + 2_000)
    await one.accept(many(["2"]))
    await world.settle()
    assert world.ran == ["1"]
    await world.advance(3)
    assert world.ran == ["1", "2"]


async def test_without_the_right_to_make_functions_all_goes_step_by_step(world: World) -> None:
    ledger = await world.ledger(work=False)
    engine = cast("Watched", world.plugs[0].engine)

    class Refusing:
        async def execute(self, statement: str) -> None:
            import asyncpg

            if "FUNCTION" in statement:
                raise asyncpg.InsufficientPrivilegeError("permission denied")

    await engine._prepare(cast("Any", Refusing()))  # pyright: ignore[reportPrivateUsage]
    for key in ("1", "2"):
        assert await ledger.accept(many([key])) == 1
    assert ways(world, 0) == ["stepwise", "stepwise"]


async def test_a_lane_that_is_not_known_cannot_be_foreseen() -> None:
    known = KnownLanes()
    known.remember([LaneRow("a", 3, 3, None, False, 0, None, False)])
    foreseen = ForeseenTransaction(known)
    await foreseen.lock_lanes(["a"], [], 1)
    with pytest.raises(NotForeseen):
        await foreseen.lock_lanes(["a", "b"], [], 1)


async def test_one_key_twice_in_a_group_cannot_be_foreseen() -> None:
    rows = [new_row(new("1")), new_row(new("1", "b"))]
    with pytest.raises(NotForeseen):
        await ForeseenTransaction(KnownLanes()).insert(rows, 1)


async def test_what_is_known_of_a_lane_is_not_changed_by_working_upon_it() -> None:
    known = KnownLanes()
    known.remember([LaneRow("a", 3, 3, None, False, 0, None, False)])
    lanes = await ForeseenTransaction(known).lock_lanes(["a"], [], 1)
    lanes["a"].version += 1
    row = known.of("a")
    assert row is not None
    assert row.version == 3
