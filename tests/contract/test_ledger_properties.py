"""Random sequences of everything that can happen to a ledger: nothing lost, doubled, reordered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from tests.contract.ledger_fixtures import WORLDS, World, new, open_world

from hubspot_hitl.errors import StoreUnavailable, VendorFault
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, Done, Later, NewDelivery, Outcome

LANES = ("a", "b", "c")
OPTIONS = WorkerOptions(concurrency=2, turn=2)

Accept = st.tuples(
    st.just("accept"), st.lists(st.sampled_from(LANES), min_size=1, max_size=6), st.booleans()
)
Hold = st.tuples(st.just("hold"), st.sampled_from(LANES), st.integers(-1, 3))
Wait = st.tuples(st.just("wait"), st.sampled_from([0.0, 0.25, 1.0, 4.0]))
Plain = st.tuples(st.sampled_from(["crash", "restart", "away", "redeliver", "cancel", "nothing"]))
Steps = st.lists(st.one_of(Accept, Hold, Wait, Plain), max_size=14)
Fates = st.lists(st.sampled_from(["done", "done", "done", "fail", "later", "follow"]), max_size=40)


@dataclass
class Story:
    """Plays steps against a ledger and keeps the books beside it."""

    world: World
    fates: list[str]
    ledger: LaneLedger
    accepted: dict[str, list[str]] = field(default_factory=lambda: {lane: [] for lane in LANES})
    asked: set[str] = field(default_factory=set[str])
    finished: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    was_ended: bool = False
    was_killed: bool = False

    async def handle(self, delivery: Delivery) -> Outcome:
        fate = self.fates.pop() if self.fates else "done"
        await asyncio.sleep(0)
        if fate == "fail":
            raise VendorFault("no", vendor="hubspot", operation="x", retry_after_s=0.5)
        if fate == "later":
            return Later(0.5, "not yet")
        self.finished.append((delivery.lane, delivery.dedup_key))
        if fate == "follow" and not delivery.dedup_key.startswith("then"):
            key = f"then-{delivery.dedup_key}"
            return Done(then=[new(key, delivery.lane)])
        return Done()

    async def accept(self, lanes: Sequence[str], is_settled: bool) -> None:
        deliveries: list[NewDelivery] = []
        for lane in lanes:
            key = f"{lane}{len(self.accepted[lane])}"
            self.accepted[lane].append(key)
            deliveries.append(new(key, lane))
        await self.ledger.accept(deliveries)
        if is_settled:
            await self.world.settle()

    async def step(self, step: tuple[object, ...]) -> None:
        match step:
            case ("accept", lanes, bool(is_settled)):
                await self.accept(cast("list[str]", lanes), is_settled)
            case ("hold", str(lane), int(seconds)):
                await self.ledger.hold(lane, self.world.clock.now_ms() + seconds * 1000)
            case ("wait", float(seconds)):
                await self.world.advance(seconds)
            case ("redeliver",):
                keys = [(lane, key) for lane in LANES for key in self.accepted[lane]]
                assert await self.ledger.accept([new(key, lane) for lane, key in keys]) == 0
            case ("cancel",):
                await self.cancel()
            case ("away",):
                plug = self.world.plugs[-1]
                plug.away = True
                with pytest.raises(StoreUnavailable):
                    await self.ledger.accept([new("never")])
                await self.world.advance(0.25)
                plug.away = False
            case ("crash",):
                self.was_ended = self.was_killed = True
                await self.world.crash(self.ledger)
                self.ledger = await self.world.ledger(options=OPTIONS, after_leases=True)
            case ("restart",):
                self.was_ended = True
                await self.ledger.stop(0)
                # a clean stop leaves no lease; one of an earlier crash may still run
                self.ledger = await self.world.ledger(options=OPTIONS, after_leases=self.was_killed)
            case _:
                pass

    async def cancel(self) -> None:
        """Cancel the newest of a lane; one that runs by then ends, and may be done."""
        lane = max(LANES, key=lambda name: len(self.accepted[name]))
        if self.accepted[lane]:
            key = self.accepted[lane][-1]
            self.asked.add(key)
            await self.ledger.cancel([key])

    async def end(self) -> None:
        for lane in LANES:
            await self.ledger.hold(lane, 0)
        self.fates = [fate for fate in self.fates if fate == "fail"][:3]
        await self.world.advance(20)
        states = await self.world.states(self.ledger)
        for lane in LANES:
            runs = [key for at, key in self.finished if at == lane and not key.startswith("then")]
            once = list(dict.fromkeys(runs))
            assert runs == (_with_neighbours_repeated(once, runs) if self.was_ended else once)
            gone = {key for key in self.asked if states[key] is DeliveryState.CANCELLED}
            kept = [key for key in self.accepted[lane] if key not in gone]
            assert [key for key in once if key not in gone] == kept
            for key in self.accepted[lane]:
                assert states[key] is (
                    DeliveryState.CANCELLED if key in gone else DeliveryState.DONE
                )
        assert DeliveryState.READY not in states.values()
        assert "never" not in states


def _with_neighbours_repeated(once: Sequence[str], runs: Sequence[str]) -> list[str]:
    """What a lane may look like: in order, a repetition only right after its first run."""
    return [key for key in once for _ in range(runs.count(key))]


@pytest.mark.parametrize("engine", WORLDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=Steps, fates=Fates)
def test_whatever_happens_nothing_is_lost_doubled_or_reordered(
    engine: str, steps: list[tuple[object, ...]], fates: list[str]
) -> None:
    asyncio.run(_play(engine, steps, fates))


async def _play(engine: str, steps: list[tuple[object, ...]], fates: list[str]) -> None:
    with TemporaryDirectory() as directory, capture_logs():
        async with open_world(engine, Path(directory)) as world:
            ledger = await world.ledger(options=OPTIONS)
            story = Story(world, list(fates), ledger)
            for lane in LANES:
                world.scripts[lane] = story.handle
            try:
                for step in steps:
                    await story.step(step)
                await story.end()
            finally:
                await world.close()
