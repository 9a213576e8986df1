"""Jobs run at their moments, once, and a failing run does not end them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from tests.rooms import Rooms, open_rooms

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, Done, NewDelivery
from hubspot_hitl.ports.services import Job, Services
from hubspot_hitl.upkeep import jobs

HOUR_MS = 3_600_000


async def nothing(services: Services) -> str:
    return "nothing"


def due(new: NewDelivery) -> Delivery:
    return Delivery(
        1, new.dedup_key, new.lane, new.kind, "", new.body, None, new.timer,
        DeliveryState.READY, 0, new.due_ms or 0, 0,
    )  # fmt: skip


async def tick_late(rooms: Rooms, job: Job, late_ms: int) -> Done:
    """The outcome of a moment that comes so late."""
    services = replace(rooms.services, jobs={job.name: job})
    slot_ms = services.clock.now_ms() - late_ms
    body = {"job": job.name, "cron": job.cron, "zone": job.zone, "slotMs": slot_ms}
    outcome = await jobs.tick(services, due(NewDelivery("k", "l", jobs.TICK, "", body)))
    assert isinstance(outcome, Done)
    return outcome


async def test_two_replicas_write_each_moment_down_once() -> None:
    async with open_rooms() as rooms:
        job = Job("hourly", "0 * * * *", nothing)
        services = replace(rooms.services, jobs={"hourly": job})
        await jobs.schedule(services)
        await jobs.schedule(services)
        assert len(await services.ledger.find(DeliveryFilter(kind=jobs.TICK))) == 1


async def test_missed_moments_are_made_up_for_by_one_run() -> None:
    async with open_rooms() as rooms:
        job = Job("hourly", "0 * * * *", nothing)
        run, following = (await tick_late(rooms, job, 10 * HOUR_MS)).then
        assert run.kind == jobs.RUN
        assert cast("int", following.due_ms) > rooms.clock.now_ms()


async def test_missed_moments_are_left_out_where_that_is_wanted() -> None:
    async with open_rooms() as rooms:
        job = Job("hourly", "0 * * * *", nothing, catch_up="skip")
        assert [one.kind for one in (await tick_late(rooms, job, HOUR_MS)).then] == [jobs.TICK]


async def test_each_missed_moment_is_run_where_that_is_wanted() -> None:
    async with open_rooms() as rooms:
        job = Job("hourly", "0 * * * *", nothing, catch_up="all")
        _, following = (await tick_late(rooms, job, 10 * HOUR_MS)).then
        assert cast("int", following.due_ms) < rooms.clock.now_ms()


async def test_another_expression_ends_the_old_moments() -> None:
    async with open_rooms() as rooms:
        services = replace(rooms.services, jobs={"j": Job("j", "0 1 * * *", nothing)})
        body: dict[str, object] = {"job": "j", "cron": "0 2 * * *", "zone": "UTC", "slotMs": 0}
        outcome = await jobs.tick(services, due(NewDelivery("k", "l", jobs.TICK, "", body)))
        assert isinstance(outcome, Done)
        assert outcome.then == ()


def test_the_zone_counts_also_when_its_clocks_are_changed() -> None:
    job = Job("j", "0 3 * * *", nothing, zone="Europe/Berlin")
    winter, summer = 1_767_225_600_000, 1_782_864_000_000
    assert jobs.next_ms(job, winter) % (24 * HOUR_MS) == 2 * HOUR_MS
    assert jobs.next_ms(job, summer) % (24 * HOUR_MS) == 1 * HOUR_MS


@pytest.mark.parametrize(("cron", "zone"), [("every day", "UTC"), ("0 0 * * *", "Mars/Olympus")])
def test_what_cannot_be_read_is_refused_at_the_start(cron: str, zone: str) -> None:
    with pytest.raises(BadSettings):
        jobs.registry(cron, zone, ())


def test_a_job_that_nobody_offers_is_refused() -> None:
    with pytest.raises(BadSettings, match="lead-enrichment"):
        jobs.registry(None, "UTC", ("lead-enrichment",))
