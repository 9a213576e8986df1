"""A vendor that does not answer one installation: its deliveries wait, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.contract.ledger_fixtures import WORLDS, World, new, open_world

from hubspot_hitl.errors import CircuitOpen, VendorFault, VendorRefused, VendorUnreachable
from hubspot_hitl.ledger.attempt import OUTAGE_PATIENCE
from hubspot_hitl.ledger.backoff import Policies, Policy
from hubspot_hitl.ledger.breaker import LONGEST_WAIT_S, THRESHOLD
from hubspot_hitl.ledger.circuits import BreakerCircuits
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.circuits import awaited, waiting_for
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, Done, NewDelivery, Outcome

LONG_S = 1_200.0
"""Long beside the longest wait between two calls; what would change by then has changed."""


@dataclass
class Vendor:
    """HubSpot, as handlers reach it through the circuits."""

    circuits: BreakerCircuits
    away: set[str] = field(default_factory=set[str])
    asked: dict[str, int] = field(default_factory=dict[str, int])
    heard: list[str] = field(default_factory=list[str])
    lost_answers: bool = False
    chokes_on: tuple[str, ...] = ()
    refuses: frozenset[str] = frozenset()

    async def handle(self, it: Delivery) -> Outcome:
        async with self.circuits.calling(it.installation_id, "hubspot", "publish"):
            self.asked[it.installation_id] = self.asked.get(it.installation_id, 0) + 1
            if it.installation_id in self.away or it.dedup_key in self.chokes_on:
                if self.lost_answers:
                    raise VendorUnreachable("no answer", vendor="hubspot", operation="publish")
                raise VendorFault("no", vendor="hubspot", operation="publish", status=500)
            if it.dedup_key in self.refuses:
                raise VendorRefused("no", vendor="hubspot", operation="publish", status=400)
        self.heard.append(it.dedup_key)
        return Done()


def message(key: str, lane: str, installation: str) -> NewDelivery:
    return replace(new(key, lane), installation_id=installation)


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as world:
        yield world
        await world.close()


async def opened(
    world: World, policy: Policy | None = None, *, given_up: frozenset[str] = frozenset({"test"})
) -> tuple[LaneLedger, Vendor]:
    circuits = BreakerCircuits(world.clock)
    vendor = Vendor(circuits)
    for lane in ("a1", "a2", "b"):
        world.scripts[lane] = vendor.handle
    options = WorkerOptions(
        circuits=circuits, policies=Policies(policy or Policy()), given_up=given_up
    )
    return await world.ledger(options=options), vendor


async def test_what_has_a_limit_is_tried_longer_but_not_for_ever(world: World) -> None:
    ledger, vendor = await opened(world, Policy(max_attempts=THRESHOLD + 1))
    vendor.away = {"a"}
    await ledger.accept([message("choked on", "a1", "a")])
    await world.advance(10 * 60, step_s=5)
    row = await world.row(ledger, "choked on")
    assert (row.state, row.attempts) == (DeliveryState.DEAD, (THRESHOLD + 1) * OUTAGE_PATIENCE)


async def test_what_the_vendor_chokes_on_alone_is_given_up_and_its_chat_goes_on(
    world: World,
) -> None:
    ledger, vendor = await opened(world)
    vendor.chokes_on = ("poison",)
    await ledger.accept([message("poison", "a1", "a"), message("behind it", "a1", "a")])
    for number in range(30):
        await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(20, step_s=5)
    row = await world.row(ledger, "poison")
    assert (row.state, row.error_code) == (DeliveryState.DEAD, "vendor_chokes")
    assert vendor.heard.count("behind it") == 1
    assert len(vendor.heard) == 31


async def test_a_kind_on_which_others_hang_is_not_given_up(world: World) -> None:
    ledger, vendor = await opened(world, given_up=frozenset())
    vendor.chokes_on = ("an end",)
    await ledger.accept([message("an end", "a1", "a")])
    for number in range(30):
        await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(20, step_s=5)
    assert (await world.row(ledger, "an end")).state is DeliveryState.READY


async def test_two_chats_that_fail_are_an_outage_and_not_two_poisons(world: World) -> None:
    ledger, vendor = await opened(world)
    world.scripts["a3"] = vendor.handle
    vendor.chokes_on = ("one", "two")
    await ledger.accept([message("one", "a1", "a"), message("two", "a3", "a")])
    for number in range(30):
        await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(20, step_s=5)
    for key in ("one", "two"):
        assert (await world.row(ledger, key)).state is DeliveryState.READY


async def test_what_an_earlier_message_met_with_does_not_count_for_the_next(world: World) -> None:
    ledger, vendor = await opened(world)
    vendor.chokes_on = ("elder",)
    await ledger.accept([message("elder", "a1", "a"), message("next", "a1", "a")])
    for number in range(12):
        await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(20, step_s=5)
    vendor.chokes_on, vendor.refuses = ("next",), frozenset({"elder"})
    for number in range(12, 16):
        await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(20, step_s=5)
    assert (await world.row(ledger, "elder")).error_code == "vendor_refused"
    assert (await world.row(ledger, "next")).state is DeliveryState.READY


@pytest.mark.parametrize("others", ["away too", "silent"])
async def test_nothing_is_given_up_because_nobody_can_tell_an_outage_from_poison(
    world: World, others: str
) -> None:
    ledger, vendor = await opened(world)
    vendor.away = {"a"}
    await ledger.accept([message("patient", "a1", "a")])
    for number in range(20):
        if others == "away too":
            await ledger.accept([message(f"other {number}", "a2", "a")])
        await world.advance(LONG_S / 20, step_s=5)
    assert (await world.row(ledger, "patient")).state is DeliveryState.READY
    vendor.away.clear()
    await world.advance(120, step_s=5)
    assert vendor.heard.count("patient") == 1


async def test_an_operation_that_always_fails_keeps_no_other_of_its_chat_waiting(
    world: World,
) -> None:
    ledger, vendor = await opened(world)

    async def reads_before_it_speaks(it: Delivery) -> Outcome:
        for _ in range(THRESHOLD):
            with suppress(VendorFault, CircuitOpen):
                async with vendor.circuits.calling("a", "hubspot", "history"):
                    raise VendorFault("no", vendor="hubspot", operation="history", status=500)
        return await vendor.handle(it)

    world.scripts["a1"] = reads_before_it_speaks
    began_ms = world.clock.now_ms()
    keys = [str(n) for n in range(5)]
    await ledger.accept([message(key, "a1", "a") for key in keys])
    await world.settle()
    assert (vendor.heard, world.clock.now_ms()) == (keys, began_ms)


async def test_a_long_outage_costs_few_calls_and_no_message(world: World) -> None:
    ledger, vendor = await opened(world, Policy())
    vendor.away = {"a"}
    await ledger.accept([message("first", "a1", "a"), message("second", "a1", "a")])
    await ledger.accept([message("other", "a2", "a")])
    await world.advance(LONG_S, step_s=20)
    assert await world.states(ledger) == dict.fromkeys(
        ("first", "second", "other"), DeliveryState.READY
    )
    assert vendor.asked["a"] <= LONG_S / LONGEST_WAIT_S + 2 * THRESHOLD
    assert (await world.row(ledger, "first")).note == waiting_for("hubspot")
    assert awaited((await world.row(ledger, "other")).note) == "hubspot"
    assert vendor.circuits.open_by_vendor() == {"hubspot": 1, "botpress": 0}
    vendor.away = set()
    await world.advance(2 * LONGEST_WAIT_S)
    assert sorted(vendor.heard) == ["first", "other", "second"]
    assert vendor.heard.index("first") < vendor.heard.index("second")
    assert vendor.circuits.open_by_vendor() == {"hubspot": 0, "botpress": 0}


async def test_an_outage_of_one_installation_costs_another_nothing(world: World) -> None:
    ledger, vendor = await opened(world)
    vendor.away = {"a"}
    await ledger.accept([message("a-1", "a1", "a"), message("a-2", "a2", "a")])
    await world.advance(60, step_s=1)
    began = world.clock.now_ms()
    await ledger.accept([message(f"b-{n}", "b", "b") for n in range(5)])
    await world.settle()
    assert vendor.heard == [f"b-{n}" for n in range(5)]
    assert world.clock.now_ms() == began
    assert (vendor.asked["b"], vendor.circuits.wait_s("b", "hubspot")) == (5, None)


async def test_a_call_that_is_not_made_counts_no_attempt_and_leaves_doubt_as_it_was(
    world: World,
) -> None:
    ledger, vendor = await opened(world)
    vendor.away, vendor.lost_answers = {"a"}, True
    await ledger.accept([message("doubtful", "a1", "a")])
    await world.settle()
    before = await world.row(ledger, "doubtful")
    world.scripts["a1"] = refuse
    await world.advance(30, step_s=1)
    after = await world.row(ledger, "doubtful")
    assert (after.attempts, after.error_code) == (before.attempts, VendorUnreachable.code)
    assert after.note == waiting_for("hubspot")


async def refuse(it: Delivery) -> Outcome:
    raise CircuitOpen(vendor="hubspot", operation="publish", retry_after_s=1, open_s=1)


async def test_what_the_vendor_answers_with_a_refusal_is_no_outage(world: World) -> None:
    ledger, vendor = await opened(world)

    async def refused(it: Delivery) -> Outcome:
        async with vendor.circuits.calling("a", "hubspot", "publish"):
            raise VendorRefused("no", vendor="hubspot", operation="publish", status=400)

    world.scripts["a1"] = refused
    await ledger.accept([message(str(n), "a1", "a") for n in range(2 * THRESHOLD)])
    await world.settle()
    assert set((await world.states(ledger)).values()) == {DeliveryState.DEAD}
    assert vendor.circuits.wait_s("a", "hubspot") is None


async def test_after_its_age_a_message_dies_even_in_an_outage(world: World) -> None:
    ledger, vendor = await opened(world, Policy(max_age_s=LONG_S, least_attempts=1))
    vendor.away = {"a"}
    await ledger.accept([message("old", "a1", "a")])
    await world.advance(LONG_S + 60, step_s=20)
    row = await world.row(ledger, "old")
    assert (row.state, row.error_code) == (DeliveryState.DEAD, VendorFault.code)
