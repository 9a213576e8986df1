"""What a look at the server's clock may change when its answer was slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

import pytest
from sqlalchemy import Connection
from tests.fakes import START_MS, FakeClock

from hubspot_hitl.store.engine.agreed_clock import ASK_EVERY_S, ASK_SOON_S, LOOKS, AgreedClock
from hubspot_hitl.store.engine.database import Database

T = TypeVar("T")


class SlowDatabase:
    """A PostgreSQL whose clock is `ahead_ms` of the machine's, behind a queue.

    Each look waits so many seconds before the server reads its clock and so many afterwards; the
    last pair goes on.
    """

    dialect = "postgresql"

    def __init__(self, own: FakeClock, *waits: tuple[float, float], ahead_ms: int = 0) -> None:
        self.own, self.waits, self.ahead_ms = own, list(waits or [(0.0, 0.0)]), ahead_ms
        self.looks = 0

    async def read(self, fn: Callable[[Connection], T]) -> T:
        self.looks += 1
        before, after = self.waits.pop(0) if len(self.waits) > 1 else self.waits[0]
        if before:
            await self.own.advance(before)
        result = fn(cast("Connection", self))
        if after:
            await self.own.advance(after)
        return result

    def execute(self, _: object) -> SlowDatabase:
        return self

    def scalar_one(self) -> int:
        return self.own.now_ms() + self.ahead_ms


@pytest.fixture
def own() -> FakeClock:
    return FakeClock(START_MS)


async def agree(clock: AgreedClock, database: SlowDatabase) -> None:
    await clock.agree(cast("Database", database))


@pytest.mark.parametrize("waits", [(8.0, 0.0), (0.0, 8.0), (3.0, 5.0)])
async def test_a_slow_answer_changes_nothing_that_it_cannot_tell(
    own: FakeClock, waits: tuple[float, float]
) -> None:
    clock = AgreedClock(own)
    await agree(clock, SlowDatabase(own, ahead_ms=60_000))
    for _ in range(3):
        await agree(clock, SlowDatabase(own, waits, ahead_ms=60_000))
        assert clock.now_ms() - own.now_ms() == 60_000


async def test_of_several_looks_the_shortest_counts(own: FakeClock) -> None:
    clock = AgreedClock(own)
    database = SlowDatabase(own, (8.0, 0.0), (0.02, 0.02), ahead_ms=60_000)
    await agree(clock, database)
    assert clock.now_ms() - own.now_ms() == 60_000
    assert database.looks == 2


async def test_the_first_agreement_is_made_with_the_best_there_is(own: FakeClock) -> None:
    clock = AgreedClock(own)
    database = SlowDatabase(own, (8.0, 0.0), (1.0, 0.0), (8.0, 0.0), ahead_ms=60_000)
    await agree(clock, database)
    assert clock.now_ms() - own.now_ms() == 60_500
    assert database.looks == LOOKS


@pytest.mark.parametrize(("ahead_ms", "told_ms"), [(60_000, 60_000), (-60_000, -52_000)])
async def test_a_time_that_a_slow_answer_rules_out_goes_to_the_nearest_that_is_left(
    own: FakeClock, ahead_ms: int, told_ms: int
) -> None:
    clock = AgreedClock(own)
    await agree(clock, SlowDatabase(own))
    await agree(clock, SlowDatabase(own, (8.0, 0.0), ahead_ms=ahead_ms))
    assert clock.now_ms() - own.now_ms() == told_ms
    await agree(clock, SlowDatabase(own, ahead_ms=ahead_ms))
    assert clock.now_ms() - own.now_ms() == ahead_ms


async def test_after_slow_answers_the_server_is_asked_again_soon(own: FakeClock) -> None:
    clock = AgreedClock(own)
    database = SlowDatabase(own, (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 0.0))
    await agree(clock, database)
    asking = asyncio.create_task(clock.keep_agreeing(cast("Database", database)))
    await own.advance(0)
    await own.advance(ASK_SOON_S)
    assert database.looks == LOOKS + 1
    await own.advance(ASK_EVERY_S - 1)
    assert database.looks == LOOKS + 1
    await own.advance(1)
    assert database.looks == LOOKS + 2
    asking.cancel()
