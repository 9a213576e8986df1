"""What every engine of the ledger promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.contract.ledger_fixtures import WORLDS, World, many, new, open_world

from hubspot_hitl.errors import (
    AuthorizationLost,
    InvalidPayload,
    StoreUnavailable,
    VendorFault,
    VendorRefused,
)
from hubspot_hitl.ledger import observer
from hubspot_hitl.ledger.backoff import Policies, Policy
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    Later,
    NewDelivery,
    Outcome,
)

IMPATIENT = WorkerOptions(policies=Policies(Policy(base_s=0.1, cap_s=0.5)))


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as world:
        yield world
        await world.close()


def fault() -> VendorFault:
    return VendorFault("no", vendor="hubspot", operation="publish", retry_after_s=2)


class Fails:
    """A handler that fails so many times, then succeeds."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left, self.error = times, error or fault()

    async def __call__(self, delivery: Delivery) -> Outcome:
        if self.left:
            self.left -= 1
            raise self.error
        return Done()


def gives(outcome: Outcome) -> Callable[[Delivery], Awaitable[Outcome]]:
    """A handler with this outcome."""

    async def script(delivery: Delivery) -> Outcome:
        return outcome

    return script


class Gate:
    """A handler that runs until the test lets it go."""

    def __init__(self, outcome: Outcome | Exception | None = None) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()
        self.outcome = outcome or Done()

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.begun.set()
        await self.open.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_what_is_accepted_runs_in_order(world: World) -> None:
    ledger = await world.ledger()
    assert await ledger.accept(many(["1", "2"])) == 2
    assert await ledger.accept(many(["3"])) == 1
    await world.settle()
    assert world.ran == ["1", "2", "3"]
    assert set((await world.states(ledger)).values()) == {DeliveryState.DONE}


@pytest.mark.parametrize("due_ms", [-1, 2**70])
async def test_a_due_time_that_is_no_moment_is_refused(world: World, due_ms: int) -> None:
    ledger = await world.ledger()
    with pytest.raises(InvalidPayload):
        await ledger.accept([new("1", due_ms=due_ms)])


async def test_a_second_accept_of_the_same_thing_changes_nothing(world: World) -> None:
    ledger = await world.ledger()
    assert await ledger.accept([new("1"), new("1"), new("2")]) == 2
    await world.settle()
    assert await ledger.accept(many(["1", "2"])) == 0
    await world.settle()
    assert world.ran == ["1", "2"]


async def test_a_handler_sees_the_body_that_was_accepted(world: World) -> None:
    ledger = await world.ledger()
    body = {"text": "\ud800 lone", "big": 2**80, "nested": [1, {"a": None}]}
    await ledger.accept([NewDelivery("1", "a", "test", "installation", body, "handoff")])
    await world.settle()
    assert world.seen[0].body == body
    assert (world.seen[0].handoff_id, world.seen[0].installation_id) == ("handoff", "installation")


@pytest.mark.parametrize("key", ["", "a\x00b", "\ud800"])
async def test_what_no_database_can_hold_is_refused_alone(world: World, key: str) -> None:
    ledger = await world.ledger()
    refused = ledger.accept([new(key)])
    fine, wrong = await asyncio.gather(ledger.accept([new("1")]), refused, return_exceptions=True)
    assert fine == 1
    assert isinstance(wrong, InvalidPayload)


async def test_lanes_run_at_the_same_time(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["a"] = world.scripts["b"] = Gate()
    await ledger.accept([new("1", "a"), new("2", "b")])
    await world.settle()
    assert sorted(world.ran) == ["1", "2"]
    assert ledger.lanes_running == 2
    gate.open.set()
    await world.settle()
    assert ledger.lanes_running == 0


async def test_no_more_lanes_run_than_there_is_room_for(world: World) -> None:
    ledger = await world.ledger(options=WorkerOptions(concurrency=2))
    gates = {lane: Gate() for lane in "abc"}
    world.scripts.update(gates)
    await ledger.accept([new("1", "a"), new("2", "b"), new("3", "c")])
    await world.settle()
    assert len(world.ran) == 2
    for gate in gates.values():
        gate.open.set()
    await world.settle()
    assert sorted(world.ran) == ["1", "2", "3"]


async def test_a_failure_blocks_its_lane_and_no_other(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(2)
    await ledger.accept([*many(["1", "2"]), new("other", "b")])
    await world.settle()
    assert sorted(world.ran) == ["1", "other"]
    await world.advance(3)
    assert [key for key in world.ran if key != "other"] == ["1", "1"]
    await ledger.accept(many(["3"]))
    await world.advance(3)
    assert [key for key in world.ran if key != "other"] == ["1", "1", "1", "2", "3"]
    assert (await world.row(ledger, "1")).attempts == 2


async def test_the_accept_into_a_blocked_lane_does_not_run_it(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(1)
    await ledger.accept(many(["1"]))
    await world.settle()
    await ledger.accept(many(["2"]))
    await world.settle()
    assert world.ran == ["1"]
    assert ledger.lanes_running == 0


async def test_an_error_that_repeats_itself_goes_to_the_dead_letters(world: World) -> None:
    ledger = await world.ledger()
    refused = VendorRefused("bad channel", vendor="hubspot", operation="publish")
    world.scripts["1"] = Fails(9, refused)
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    assert world.ran == ["1", "2"]
    row = await world.row(ledger, "1")
    assert (row.state, row.error_code, row.error) == (
        DeliveryState.DEAD,
        "vendor_refused",
        "bad channel",
    )
    assert (await ledger.health()).dead == 1


async def test_a_bug_in_a_handler_is_tried_five_times_and_keeps_words_secret(
    world: World,
) -> None:
    ledger = await world.ledger(options=IMPATIENT)
    world.scripts["1"] = Fails(99, KeyError("what a person wrote"))
    await ledger.accept(many(["1", "2"]))
    with capture_logs() as logs:
        await world.advance(5)
    assert world.ran == ["1"] * 5 + ["2"]
    assert [line["event"] for line in logs] == ["delivery_retried"] * 3 + ["delivery_buried"]
    row = await world.row(ledger, "1")
    assert row.error_code == "internal_error"
    assert "person" not in (row.error or "")


async def test_an_unknown_kind_is_dead_with_a_clear_error(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new("1", kind="nobody"), new("2")])
    await world.settle()
    row = await world.row(ledger, "1")
    assert (row.state, row.error_code) == (DeliveryState.DEAD, "unknown_kind")
    assert world.ran == ["2"]


async def test_a_lane_can_be_stopped_by_a_dead_letter_until_it_is_replayed(world: World) -> None:
    ledger = await world.ledger(options=WorkerOptions(stop_lane_on_dead=True))
    world.scripts["1"] = Fails(1, VendorRefused("no", vendor="hubspot", operation="publish"))
    await ledger.accept(many(["1", "2"]))
    await world.advance(2)
    await ledger.accept(many(["3"]))
    await ledger.hold("a", 0)
    await world.advance(2)
    assert world.ran == ["1"]
    await ledger.replay([(await world.row(ledger, "1")).seq])
    await world.settle()
    assert world.ran == ["1", "1", "2", "3"]


async def test_a_stopped_lane_goes_on_when_its_dead_letter_is_discarded(world: World) -> None:
    ledger = await world.ledger(options=WorkerOptions(stop_lane_on_dead=True))
    world.scripts["1"] = Fails(1, VendorRefused("no", vendor="hubspot", operation="publish"))
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    assert await ledger.discard([(await world.row(ledger, "1")).seq]) == 1
    await world.settle()
    assert world.ran == ["1", "2"]


async def test_a_lost_grant_is_waited_out(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(8, AuthorizationLost("gone", vendor="hubspot", operation="token"))
    await ledger.accept(many(["1", "2"]))
    await world.advance(35)
    assert world.ran == ["1"] * 5
    await world.advance(100)
    assert world.ran == [*["1"] * 9, "2"]


async def test_a_timer_that_is_not_due_is_passed_over(world: World) -> None:
    ledger = await world.ledger()
    due_ms = world.clock.now_ms() + 3_000
    await ledger.accept([new("timer", due_ms=due_ms, timer=True), new("1")])
    await world.settle()
    await ledger.accept(many(["2"]))
    await world.settle()
    assert world.ran == ["1", "2"]
    await world.advance(2.5)
    assert world.ran == ["1", "2"]
    await world.advance(1)
    assert world.ran == ["1", "2", "timer"]


async def test_a_due_timer_runs_at_its_place_in_the_order(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    due_ms = world.clock.now_ms() + 1_000
    await ledger.accept([new("timer", due_ms=due_ms, timer=True), *many(["1", "2"])])
    await world.advance(2)
    gate.open.set()
    await world.settle()
    assert world.ran == ["1", "timer", "2"]


async def test_a_delivery_that_is_due_later_blocks_those_behind_it(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new("1", due_ms=world.clock.now_ms() + 2_000), new("2")])
    await world.advance(1.5)
    assert world.ran == []
    await world.advance(1)
    assert world.ran == ["1", "2"]


async def test_a_failing_timer_does_not_hold_up_its_lane(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["timer"] = Fails(1)
    await ledger.accept([new("timer", timer=True), new("1")])
    await world.settle()
    assert world.ran == ["timer", "1"]
    await world.advance(3)
    assert world.ran == ["timer", "1", "timer"]


async def test_later_costs_no_attempt_and_keeps_the_order(world: World) -> None:
    ledger = await world.ledger()
    answers: list[Outcome] = [Later(2, "not yet"), Done()]

    async def script(delivery: Delivery) -> Outcome:
        return answers.pop(0)

    world.scripts["1"] = script
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    assert world.ran == ["1"]
    row = await world.row(ledger, "1")
    assert (row.attempts, row.note, row.state) == (0, "not yet", DeliveryState.READY)
    await world.advance(2.5)
    assert world.ran == ["1", "1", "2"]


async def test_a_held_lane_waits_and_then_goes_on(world: World) -> None:
    ledger = await world.ledger()
    await ledger.hold("a", world.clock.now_ms() + 2_000)
    await ledger.accept([new("1"), new("other", "b")])
    await world.advance(1.5)
    assert world.ran == ["other"]
    await world.advance(0.75)
    assert world.ran == ["other", "1"]


async def test_a_hold_in_the_past_wakes_the_lane_at_once(world: World) -> None:
    ledger = await world.ledger()
    await ledger.hold("a", world.clock.now_ms() + 3_600_000)
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    assert world.ran == []
    await ledger.hold("a", world.clock.now_ms())
    await world.settle()
    assert world.ran == ["1", "2"]


async def test_a_hold_stops_a_running_lane_after_what_it_does(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    await ledger.hold("a", world.clock.now_ms() + 1_000)
    gate.open.set()
    await world.settle()
    assert world.ran == ["1"]
    await world.advance(1.25)
    assert world.ran == ["1", "2"]


async def test_follow_ups_come_with_the_mark_and_after_what_waits(world: World) -> None:
    ledger = await world.ledger()
    due_ms = world.clock.now_ms() + 60_000
    world.scripts["1"] = gives(Done("fine", then=[new("3"), new("x", "b")], cancel=["timer"]))
    await ledger.accept([new("timer", due_ms=due_ms, timer=True), *many(["1", "2"])])
    await world.settle()
    assert [key for key in world.ran if key != "x"] == ["1", "2", "3"]
    assert "x" in world.ran
    assert await world.states(ledger) == {
        "timer": DeliveryState.CANCELLED,
        **dict.fromkeys(["1", "2", "3", "x"], DeliveryState.DONE),
    }
    assert (await world.row(ledger, "1")).note == "fine"


async def test_a_cancel_takes_what_waits_and_only_that(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ledger.accept(many(["1", "2", "3"]))
    await gate.begun.wait()
    assert await ledger.cancel(["1", "2", "unknown"]) == 1
    gate.open.set()
    await world.settle()
    assert world.ran == ["1", "3"]
    states = await world.states(ledger)
    assert (states["1"], states["2"]) == (DeliveryState.DONE, DeliveryState.CANCELLED)


async def test_what_was_cancelled_while_it_ran_is_not_tried_again(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate(fault())
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    seq = (await world.row(ledger, "1")).seq
    assert await ledger.discard([seq]) == 0
    gate.open.set()
    await world.settle()
    assert world.ran == ["1", "2"]
    assert (await world.states(ledger))["1"] is DeliveryState.CANCELLED


async def test_discarding_what_blocks_a_lane_lets_it_go_on(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(99)
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    assert await ledger.discard([(await world.row(ledger, "1")).seq]) == 1
    await world.settle()
    assert world.ran == ["1", "2"]


async def test_a_replay_comes_back_to_its_old_place(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(1, VendorRefused("no", vendor="hubspot", operation="publish"))
    gate = world.scripts["2"] = Gate()
    await ledger.accept(many(["1", "2", "3"]))
    await gate.begun.wait()
    seq = (await world.row(ledger, "1")).seq
    assert await ledger.replay([seq]) == 1
    assert await ledger.replay([seq]) == 0
    gate.open.set()
    await world.settle()
    assert world.ran == ["1", "2", "1", "3"]


async def test_a_replay_of_an_idle_lane_runs_at_once_without_attempts(world: World) -> None:
    ledger = await world.ledger(options=IMPATIENT)
    world.scripts["1"] = Fails(5, KeyError())
    await ledger.accept(many(["1"]))
    with capture_logs():
        await world.advance(5)
    assert (await world.row(ledger, "1")).state is DeliveryState.DEAD
    await ledger.replay([(await world.row(ledger, "1")).seq])
    await world.settle()
    assert (await world.row(ledger, "1")).state is DeliveryState.DONE
    assert world.seen[-1].attempts == 0


async def test_what_waits_after_a_failure_is_tried_at_once_when_asked(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(1)
    await ledger.accept(many(["1", "2"]))
    await world.settle()
    waiting = await world.row(ledger, "1")
    assert waiting.due_ms > world.clock.now_ms()
    assert await ledger.replay([waiting.seq]) == 1
    await world.settle()
    assert world.ran == ["1", "1", "2"]
    assert world.seen[1].attempts == 1


async def test_asking_for_what_is_done_or_for_a_timer_changes_nothing(world: World) -> None:
    ledger = await world.ledger()
    in_a_minute = world.clock.now_ms() + 60_000
    timer = replace(many(["2"])[0], timer=True, due_ms=in_a_minute)
    await ledger.accept([*many(["1"]), timer])
    await world.settle()
    seqs = [(await world.row(ledger, key)).seq for key in ("1", "2")]
    assert await ledger.replay(seqs) == 0
    assert world.ran == ["1"]


async def test_started_is_seen_by_the_next_attempt_and_after_a_crash(world: World) -> None:
    ledger = await world.ledger()

    async def script(delivery: Delivery) -> Outcome:
        await ledger.mark_started(delivery)
        raise fault()

    world.scripts["1"] = script
    await ledger.accept(many(["1"]))
    await world.advance(3)
    await world.crash(ledger)
    del world.scripts["1"]
    await world.ledger()
    await world.advance(5)
    assert [delivery.started for delivery in world.seen[:2]] == [False, True]
    assert world.seen[-1].started


async def test_a_crash_repeats_what_ran_and_loses_nothing(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["2"] = Gate()
    await ledger.accept(many(["1", "2", "3"]))
    await gate.begun.wait()
    await world.crash(ledger)
    del world.scripts["2"]
    again = await world.ledger(after_leases=True)
    await world.settle()
    assert world.ran == ["1", "2", "2", "3"]
    assert set((await world.states(again)).values()) == {DeliveryState.DONE}


async def test_a_stop_lets_what_runs_end_and_leaves_the_rest_ready(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    stopping = asyncio.create_task(ledger.stop(60))
    await world.settle()
    gate.open.set()
    await stopping
    again = await world.ledger(work=False)
    states = await world.states(again)
    assert states == {"1": DeliveryState.DONE, "2": DeliveryState.READY}


async def test_a_stop_cancels_what_outlives_the_grace(world: World) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    await ledger.stop(0)
    del world.scripts["1"]
    await world.ledger()
    await world.settle()
    assert world.ran == ["1", "1", "2"]


async def test_a_stop_in_the_middle_of_an_accept_leaves_no_lane_behind(world: World) -> None:
    ledger = await world.ledger()
    accepting = asyncio.create_task(ledger.accept(many(["1", "2"])))
    await asyncio.sleep(0)
    await ledger.stop(0)
    await asyncio.gather(accepting, return_exceptions=True)
    assert ledger.lanes_running == 0
    again = await world.ledger()
    await again.accept(many(["1", "2"]))
    await world.settle()
    assert set((await world.states(again)).values()) == {DeliveryState.DONE}


async def test_a_stopped_ledger_accepts_nothing(world: World) -> None:
    ledger = await world.ledger()
    await ledger.stop(0)
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["1"]))


async def test_a_database_that_can_only_be_read_is_unhealthy_until_it_can_be_written(
    world: World,
) -> None:
    ledger = await world.ledger()
    world.plugs[0].away = True
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["1"]))
    with pytest.raises(StoreUnavailable):
        await ledger.health()
    world.plugs[0].away = False
    assert (await ledger.health()).ready == 0


async def test_a_mark_that_cannot_be_written_is_repeated_but_not_its_handler(
    world: World,
) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate()
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    world.plugs[0].away = True
    gate.open.set()
    await world.advance(20)
    assert world.ran == ["1"]
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["3"]))
    world.plugs[0].away = False
    await world.advance(6)
    assert world.ran == ["1", "2"]


async def test_an_idle_ledger_sleeps(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept([new("1", due_ms=world.clock.now_ms() + 1_000)])
    await world.settle()
    await ledger.accept([new("2", "b", due_ms=world.clock.now_ms() + 500)])
    await world.settle()
    naps = world.clock.naps
    for _ in range(100):
        await asyncio.sleep(0)
    assert world.clock.naps == naps
    await world.advance(1.25)
    assert world.ran == ["2", "1"]


async def test_what_was_committed_although_the_answer_was_lost_runs_all_the_same(
    world: World,
) -> None:
    ledger = await world.ledger()
    await world.settle()
    world.plugs[0].lose_answer = True
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["1", "2"]))
    await world.advance(2)
    assert world.ran == ["1", "2"]
    assert await ledger.accept(many(["1", "2"])) == 0


async def test_a_mark_whose_answer_was_lost_is_written_once_and_the_lane_goes_on(
    world: World,
) -> None:
    ledger = await world.ledger()
    gate = world.scripts["1"] = Gate(Done(then=[new("then")]))
    await ledger.accept(many(["1", "2"]))
    await gate.begun.wait()
    world.plugs[0].lose_answer = True
    gate.open.set()
    await world.advance(2)
    assert world.ran == ["1", "2", "then"]


async def test_a_ledger_that_does_not_work_can_still_accept_and_replay(world: World) -> None:
    looking = await world.ledger(work=False)
    assert await looking.accept(many(["1"])) == 1
    await world.settle()
    assert world.ran == []
    await world.ledger()
    await world.settle()
    assert world.ran == ["1"]


async def test_a_caller_who_goes_away_takes_nothing_back(world: World) -> None:
    ledger = await world.ledger()
    accepting = asyncio.create_task(ledger.accept(many(["1"])))
    await asyncio.sleep(0)
    accepting.cancel()
    await world.settle()
    assert world.ran == ["1"]


async def test_deliveries_are_found_by_what_people_know(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["2"] = Fails(1, VendorRefused("no", vendor="hubspot", operation="publish"))
    await ledger.accept([new("1", handoff_id="h1"), new("2", "b"), new("3", "b")])
    await world.settle()

    async def keys(**wanted: object) -> list[str]:
        rows = await ledger.find(DeliveryFilter(**wanted))  # type: ignore[arg-type]
        return [row.dedup_key for row in rows]

    now_ms = world.clock.now_ms()
    assert await keys() == ["3", "2", "1"]
    assert await keys(newest_first=False, limit=2) == ["1", "2"]
    assert await keys(handoff_id="h1") == ["1"]
    assert await keys(lane="b") == ["3", "2"]
    assert await keys(states=[DeliveryState.DEAD]) == ["2"]
    assert await keys(error_code="vendor_refused") == ["2"]
    assert await keys(installation_id="nobody") == await keys(kind="nothing") == []
    assert await keys(accepted_before_ms=now_ms) == await keys(accepted_after_ms=now_ms + 1) == []
    assert await keys(seq=(await world.row(ledger, "3")).seq) == ["3"]


async def test_old_finished_deliveries_are_purged_and_others_stay(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["dead"] = Fails(1, VendorRefused("no", vendor="hubspot", operation="publish"))
    far_ms = world.clock.now_ms() + 10**9
    await ledger.accept([new("1"), new("dead"), new("timer", due_ms=far_ms, timer=True)])
    await world.advance(10)
    await ledger.accept(many(["2"]))
    await world.settle()
    assert await ledger.purge(world.clock.now_ms() - 5_000) == 1
    assert set(await world.states(ledger)) == {"dead", "timer", "2"}
    assert await ledger.accept([new("1"), new("x", "new lane")]) == 2
    await world.settle()
    assert world.ran[-2:] in (["1", "x"], ["x", "1"])


async def test_health_counts_what_waits_and_what_died(world: World) -> None:
    ledger = await world.ledger()
    began_ms = world.clock.now_ms()
    await ledger.accept([new("1", due_ms=began_ms + 10**6), new("t", timer=True, due_ms=2**50)])
    health = await ledger.health()
    assert (health.ready, health.dead, health.oldest_ready_ms) == (2, 0, began_ms)


async def test_an_observer_that_fails_does_no_harm(world: World) -> None:
    def fail(event: observer.Event) -> None:
        raise RuntimeError

    ledger = await world.ledger(observe=fail)
    with capture_logs() as logs:
        assert await ledger.accept(many(["1", "2"])) == 2
        await world.settle()
    assert world.ran == ["1", "2"]
    assert {line["event"] for line in logs} == {"ledger_observer_failed"}


async def test_an_observer_hears_what_happens(world: World) -> None:
    ledger = await world.ledger()
    world.scripts["1"] = Fails(1)
    await ledger.accept(many(["1", "1", "2"]))
    await world.advance(3)
    kinds = [type(event) for event in world.events]
    assert kinds == [
        observer.Accepted,
        observer.Retried,
        observer.Finished,
        observer.Finished,
    ]
    assert world.events[0] == observer.Accepted(new=2, known=1)


async def test_two_thousand_deliveries_of_a_hundred_lanes_keep_their_order(world: World) -> None:
    ledger = await world.ledger(options=WorkerOptions(concurrency=16, turn=3))
    accepts = [
        ledger.accept([new(f"{lane}-{n}", f"lane {lane}") for lane in range(start, start + 25)])
        for n in range(20)
        for start in range(0, 100, 25)
    ]
    assert sum(await asyncio.gather(*accepts)) == 2_000
    for _ in range(100):  # one installation leaves places free, so some come back a moment later
        await world.advance(0.25)
        if len(world.ran) == 2_000:
            break
    for lane in range(100):
        mine = [key for key in world.ran if key.startswith(f"{lane}-")]
        assert mine == [f"{lane}-{n}" for n in range(20)]
    assert len(world.ran) == 2_000


async def test_a_lane_longer_than_what_is_read_at_once_keeps_its_order(world: World) -> None:
    looking = await world.ledger(work=False)
    keys = [str(n) for n in range(300)]
    await looking.accept(many(keys))
    ledger = await world.ledger()
    await ledger.accept(many(["last"]))
    await world.settle()
    assert world.ran == [*keys, "last"]


async def test_a_delivery_is_found_by_a_whole_part_of_its_key(world: World) -> None:
    ledger = await world.ledger()
    await ledger.accept(many(["bp:one:message:a_1", "bp:one:message:ab1:part", "a_1"]))
    for part, keys in (
        ("a_1", {"bp:one:message:a_1", "a_1"}),
        ("%", set[str]()),
        ("1", set[str]()),
    ):
        found = await ledger.find(DeliveryFilter(key_part=part))
        assert {one.dedup_key for one in found} == keys
    for key in ("a_1", "a%", "bp:one:message:a_1"):
        found = await ledger.find(DeliveryFilter(dedup_key=key))
        assert [one.dedup_key for one in found] == [key][: key != "a%"]


async def test_a_handler_sees_what_waits_beside_its_delivery_in_order(world: World) -> None:
    ledger = await world.ledger()
    seen: list[list[str]] = []
    looked = asyncio.Event()

    async def look(delivery: Delivery) -> Outcome:
        await ledger.accept([new("late", "a")])
        seen.append([one.dedup_key for one in await ledger.beside(delivery)])
        looked.set()
        return Done()

    world.scripts["1"] = look
    timer = new("timer", "a", due_ms=world.clock.now_ms() + 60_000, timer=True)
    await ledger.accept([*many(["1", "2"]), new("other", "b"), timer, new("3", "a")])
    await asyncio.wait_for(looked.wait(), 60)
    await world.settle()
    assert seen == [["2", "3", "late"]]
    assert [key for key in world.ran if key != "other"] == ["1", "2", "3", "late"]


async def test_what_waits_beside_a_delivery_that_nobody_runs_is_read(world: World) -> None:
    ledger = await world.ledger(work=False)
    await ledger.accept(many(["1", "2", "3"]))
    second = await world.row(ledger, "2")
    assert [one.dedup_key for one in await ledger.beside(second)] == ["1", "3"]


async def test_a_lane_whose_claim_was_in_doubt_goes_on_with_its_next_delivery(
    world: World,
) -> None:
    ledger = await world.ledger()
    world.plugs[0].lose_answer = True
    with pytest.raises(StoreUnavailable):
        await ledger.accept(many(["1"]))
    assert await ledger.accept(many(["1", "2"])) == 1
    await world.settle()
    assert world.ran == ["1", "2"]
