from __future__ import annotations

import asyncio

from tests.fakes import FakeClock

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryFilter, Done, NewDelivery, Outcome
from hubspot_hitl.privacy.retention import Forgetting
from hubspot_hitl.store.memory import MemoryNonces
from hubspot_hitl.upkeep.housekeeping import (
    DAY_MS,
    EVERY_S,
    FIGURES_EVERY_S,
    keep_figures,
    keep_sweeping,
    sweep,
)


async def done(_delivery: Delivery) -> Outcome:
    return Done()


async def finished_one(clock: FakeClock) -> LaneLedger:
    """A ledger in which one delivery has just been done."""
    ledger = LaneLedger(MemoryEngine(), {"x": done}, clock)
    await ledger.start()
    await ledger.accept([NewDelivery("k", "lane", "x", "i", {})])
    while (await ledger.health()).ready:  # noqa: ASYNC110 - the worker must run meanwhile
        await asyncio.sleep(0)
    return ledger


async def test_evidence_is_kept_until_it_is_old_enough() -> None:
    clock = FakeClock()
    ledger = await finished_one(clock)
    now_ms = clock.now_ms()
    assert await sweep(ledger, MemoryNonces(), now_ms + 29 * DAY_MS, 30) == 0
    assert len(await ledger.find(DeliveryFilter())) == 1
    assert await sweep(ledger, MemoryNonces(), now_ms + 31 * DAY_MS, 30) == 1
    assert not await ledger.find(DeliveryFilter())
    await ledger.stop(0)


async def test_the_sweep_comes_again_every_hour() -> None:
    clock = FakeClock()
    nonces = MemoryNonces()
    ledger = await finished_one(clock)
    sweeping = asyncio.create_task(keep_sweeping(ledger, nonces, clock, 1))
    await nonces.use("once", clock.now_ms() + 1)
    await asyncio.sleep(0)
    await clock.advance(EVERY_S)
    assert await nonces.use("once", clock.now_ms() + 1)
    sweeping.cancel()
    await ledger.stop(0)


class Old:
    """Content that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.scrubbed = 0

    async def blank_handoffs(self, ended_before_ms: int) -> int:
        self.asked.append(ended_before_ms)
        return 0

    async def forget_people(self, before_ms: int) -> int:
        self.asked.append(before_ms)
        return 0

    async def scrub(self) -> None:
        self.scrubbed += 1


async def test_content_goes_before_the_evidence_does() -> None:
    clock, content = FakeClock(), Old()
    ledger = await finished_one(clock)
    now_ms = clock.now_ms() + 8 * DAY_MS
    assert await Forgetting(ledger, content, 7).forget(now_ms) == 1
    (row,) = await ledger.find(DeliveryFilter())
    assert row.body == ERASED
    assert content.asked == [now_ms - 7 * DAY_MS] * 2
    assert content.scrubbed == 1
    await ledger.stop(0)


class Keeper:
    """Writes down nothing but that it was asked; the first time its database is away."""

    def __init__(self) -> None:
        self.asked = 0

    async def keep(self, now_ms: int) -> None:
        self.asked += 1
        if self.asked == 1:
            raise StoreUnavailable("away")


async def test_figures_are_kept_each_minute_whatever_happened_before() -> None:
    clock, keepers = FakeClock(), [Keeper(), Keeper()]
    keeping = asyncio.create_task(keep_figures(keepers, clock))
    for _ in range(3):
        await clock.until_sleeping()
        await clock.advance(FIGURES_EVERY_S)
    assert [one.asked for one in keepers] == [3, 3]
    keeping.cancel()
