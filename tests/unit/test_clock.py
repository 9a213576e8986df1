from __future__ import annotations

import asyncio

from tests.fakes import START_MS, FakeClock

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.ports.clock import Clock


async def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [SystemClock(), FakeClock()]

    for clock in clocks:
        await clock.sleep(-1)
        assert clock.now_ms() > 1_700_000_000_000
        assert clock.monotonic() <= clock.monotonic()


async def test_a_fake_sleeper_wakes_when_its_time_has_come_and_not_before() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(10))

    await clock.advance(9.9)
    early = task.done()
    await clock.advance(0.1)

    assert (early, task.done(), clock.now_ms()) == (False, True, START_MS + 10_000)


async def test_fake_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = FakeClock(), list[tuple[str, float]]()

    async def sleeper(name: str, *naps_s: float) -> None:
        for nap_s in naps_s:
            await clock.sleep(nap_s)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper("b", 3, 4))
        tasks.create_task(sleeper("a", 2, 4))
        await clock.until_sleeping(2)
        await clock.advance(100)

    assert woken == [("a", 2), ("b", 3), ("a", 6), ("b", 7)]


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(10))
    await clock.until_sleeping()

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await clock.advance(20)

    assert clock.sleeping == 0
