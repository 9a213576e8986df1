"""Figures on every database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text
from tests.databases import ENGINES, migrated_database
from tests.fakes import START_MS, FakeClock

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState
from hubspot_hitl.ledger.tables import deliveries
from hubspot_hitl.ports.figures import HOUR_MS, MINUTE_MS, Budget, bin_width
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.figures import KEPT_HOURS, OVER_AFTER_MS, SqlFigures
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.rates import KEPT_MS, SqlRates
from hubspot_hitl.store.tables import figure_hours, rate_peaks

BEGIN_MS = START_MS // HOUR_MS * HOUR_MS
TWO_HOURS = (BEGIN_MS, BEGIN_MS + HOUR_MS)
ENDED: dict[str, Any] = {
    "state": HandoffState.RESOLVED,
    "end_reason": EndReason.AGENT_CLOSED,
}


def handoff(number: int, **changes: Any) -> Handoff:
    one = Handoff(
        id=f"h{number}",
        installation_id="i",
        user_id="u",
        start_key=f"k{number}",
        integration_thread_id=f"t{number}",
        state=HandoffState.PENDING,
        created_ms=BEGIN_MS + number,
        inbox_id="1",
        channel_id="2",
        channel_account_id="3",
    )
    return replace(one, **changes)


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database]:
    async with migrated_database(request.param, tmp_path) as opened:
        yield opened


async def fill(database: Database, *found: Handoff) -> SqlFigures:
    store = SqlHandoffs(database)
    for one in found:
        await store.open(one)
    return SqlFigures(database)


async def test_a_time_counts_in_the_hour_in_which_it_ended(database: Database) -> None:
    one = handoff(
        0,
        first_assigned_ms=BEGIN_MS + 50,
        assigned_ms=BEGIN_MS + HOUR_MS,  # a colleague took over: nobody waited for that
        first_reply_ms=BEGIN_MS + HOUR_MS - 1,
        ended_ms=BEGIN_MS + HOUR_MS,
        **ENDED,
    )
    figures = await fill(database, one)
    found = await figures.counted(TWO_HOURS, HOUR_MS)
    first, second = (found[start] for start in TWO_HOURS)
    assert first.of("waiting").quantile(0.5) == 50
    assert first.of("first_response").most_ms == HOUR_MS - 1
    assert first.of("handle").count == 0
    assert second.of("handle").most_ms == HOUR_MS - 50
    assert (first.ended, second.ended) == ({}, {"agent-closed-ticket": 1})


async def test_who_has_not_ended_counts_by_state_where_it_began(database: Database) -> None:
    assigned = handoff(
        1, state=HandoffState.ASSIGNED, created_ms=BEGIN_MS + HOUR_MS, ended_ms=BEGIN_MS + 5
    )  # reopened: its earlier end is no outcome
    before = handoff(2, created_ms=BEGIN_MS - 1)
    figures = await fill(database, handoff(0), assigned, before)
    found = await figures.counted(TWO_HOURS, HOUR_MS)
    assert [found[start].open for start in TWO_HOURS] == [{"pending": 1}, {"assigned": 1}]
    assert not found[BEGIN_MS].ended


async def test_an_agent_who_was_quicker_than_the_clocks_waited_for_nothing(
    database: Database,
) -> None:
    figures = await fill(database, handoff(9, first_assigned_ms=BEGIN_MS))
    waiting = (await figures.counted(TWO_HOURS, HOUR_MS))[BEGIN_MS].of("waiting")
    assert (waiting.count, waiting.quantile(0.5)) == (1, 0)


async def test_the_databases_bins_are_as_wide_as_promised(database: Database) -> None:
    begin = BEGIN_MS - HOUR_MS  # the longest of these began before
    lengths = [0, 1, 63, 64, 65, 127, 128, 129, 1_000, 65_535, 65_536, 3_599_999, 2**41]
    found = [
        handoff(n, created_ms=BEGIN_MS - length, first_assigned_ms=BEGIN_MS)
        for n, length in enumerate(lengths)
    ]
    figures = await fill(database, *found)
    bins = (await figures.counted((begin, BEGIN_MS), HOUR_MS))[BEGIN_MS].of("waiting").bins
    for length in lengths[:-1]:
        assert any(low <= length < low + bin_width(low) for low in bins), length
    assert bins.total() == len(lengths)


async def test_hours_that_are_over_are_kept_and_come_to_the_same(database: Database) -> None:
    over = {"first_assigned_ms": BEGIN_MS + 90_000, "ended_ms": BEGIN_MS + HOUR_MS - 1, **ENDED}
    figures = await fill(database, handoff(0, **over), handoff(1, **over))
    before = await figures.counted(TWO_HOURS, HOUR_MS)
    await figures.keep(BEGIN_MS + HOUR_MS + OVER_AFTER_MS)
    assert await hours(database) == KEPT_HOURS
    assert await figures.counted(TWO_HOURS, HOUR_MS) == before
    await database.write(lambda c: c.execute(text("DELETE FROM handoffs")).close())
    six = 6 * HOUR_MS
    kept = await figures.counted((BEGIN_MS // six * six,), six)
    assert kept[BEGIN_MS // six * six].ended == {"agent-closed-ticket": 2}


async def test_an_hour_is_not_kept_before_all_of_it_can_be_written(database: Database) -> None:
    figures = SqlFigures(database)
    await figures.keep(BEGIN_MS + HOUR_MS + OVER_AFTER_MS - 1)
    wanted = select(figure_hours.c.hour_ms).where(figure_hours.c.hour_ms >= BEGIN_MS)
    assert await database.read(lambda c: list(c.execute(wanted))) == []


async def test_a_missing_hour_is_counted_anew_and_kept_by_the_next_pass(
    database: Database,
) -> None:
    figures = await fill(database, handoff(0, first_assigned_ms=BEGIN_MS + 7))
    now_ms = BEGIN_MS + HOUR_MS + OVER_AFTER_MS
    await figures.keep(now_ms)
    hole = delete(figure_hours).where(figure_hours.c.hour_ms == BEGIN_MS)
    await database.write(lambda c: c.execute(hole).close())
    assert (await figures.counted(TWO_HOURS, HOUR_MS))[BEGIN_MS].of("waiting").most_ms == 7
    await figures.keep(now_ms + HOUR_MS)
    assert await hours(database) == KEPT_HOURS  # the oldest is forgotten


async def test_two_replicas_that_keep_the_same_hours_agree(database: Database) -> None:
    one, other = await fill(database, handoff(0, first_assigned_ms=BEGIN_MS)), SqlFigures(database)
    for figures in (one, other):
        await figures.keep(BEGIN_MS + HOUR_MS + OVER_AFTER_MS)
    waiting = (await other.counted(TWO_HOURS, HOUR_MS))[BEGIN_MS].of("waiting")
    assert waiting.count == 1


async def hours(database: Database) -> int:
    return len(await database.read(lambda c: list(c.execute(select(figure_hours.c.hour_ms)))))


async def test_who_waits_longest_comes_first(database: Database) -> None:
    states = ("resolved", "pending", "assigned", "pending")
    found = [handoff(n, state=HandoffState(state)) for n, state in enumerate(states)]
    figures = await fill(database, *found)
    assert [one.handoff_id for one in await figures.waiting(10)] == ["h1", "h3"]


async def test_only_what_was_delivered_counts(database: Database) -> None:
    def row(number: int, state: str, took_ms: int | None, *, timer: bool) -> dict[str, object]:
        return {
            "dedup_key": f"d{number}",
            "lane": "l",
            "kind": "bot.message",
            "installation_id": "i",
            "body": "{}",
            "timer": timer,
            "state": state,
            "due_ms": 0,
            "accepted_ms": BEGIN_MS,
            "finished_ms": None if took_ms is None else BEGIN_MS + took_ms,
        }

    rows = [
        row(1, "done", 30, timer=False),
        row(2, "done", -5, timer=False),
        row(3, "done", 40, timer=True),
        row(4, "cancelled", 40, timer=False),
        row(5, "ready", None, timer=False),
    ]

    def write(connection: Connection) -> None:
        connection.execute(insert(deliveries), rows)

    await database.write(write)
    step = 5 * MINUTE_MS
    found = await SqlFigures(database).counted((BEGIN_MS,), step)
    assert found[BEGIN_MS].of("delivery").bins == {30: 1}


class Limits:
    """What the limiters of one replica saw since they were asked last."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], float] = {}

    def take(self) -> dict[tuple[str, str], float]:
        taken, self.seen = self.seen, {}
        return taken


async def test_the_highest_share_that_any_replica_saw_stands(database: Database) -> None:
    clock = FakeClock(BEGIN_MS)
    replicas = [Limits(), Limits()]
    rates = [SqlRates(database, clock, one.take) for one in replicas]
    replicas[0].seen, replicas[1].seen = {("77", "1"): 0.5, ("77", "2"): 0.1}, {("77", "1"): 0.9}
    for one in (*rates, *rates):  # the second time there is nothing new to tell
        await one.keep(clock.now_ms())
    replicas[0].seen = {("77", "1"): 0.2}
    five = 5 * MINUTE_MS
    found = await rates[0].peaks((BEGIN_MS, BEGIN_MS + five), five)
    assert found == {Budget("77", "1"): {BEGIN_MS: 0.9}, Budget("77", "2"): {BEGIN_MS: 0.1}}
    day = (BEGIN_MS - 5 * HOUR_MS, BEGIN_MS + HOUR_MS)
    assert (await rates[1].peaks(day, 6 * HOUR_MS))[Budget("77", "1")] == {
        BEGIN_MS // (6 * HOUR_MS) * (6 * HOUR_MS): 0.9
    }


async def test_steps_are_forgotten_when_no_page_shows_them(database: Database) -> None:
    clock, limits = FakeClock(BEGIN_MS), Limits()
    rates = SqlRates(database, clock, limits.take)
    limits.seen = {("77", "1"): 0.5}
    await rates.keep(clock.now_ms())
    await clock.advance(3 * 3_600)
    await rates.keep(clock.now_ms())
    assert await steps(database) == [HOUR_MS]
    await clock.advance(KEPT_MS[HOUR_MS] / 1000)
    await rates.keep(clock.now_ms())
    assert await steps(database) == []


async def steps(database: Database) -> list[int]:
    return list(
        await database.read(lambda c: c.execute(select(rate_peaks.c.step_ms)).scalars().all())
    )


async def test_what_a_lost_database_did_not_take_comes_later_under_its_own_time(
    tmp_path: Path,
) -> None:
    clock, limits = FakeClock(BEGIN_MS), Limits()
    async with migrated_database("sqlite", tmp_path) as database:
        rates = SqlRates(database, clock, limits.take)
        limits.seen = {("77", "1"): 0.5}
        await database.close()
        with pytest.raises(StoreUnavailable):
            await rates.keep(clock.now_ms())
        await database.start()
        await clock.advance(300)
        step = 5 * MINUTE_MS
        found = await rates.peaks((BEGIN_MS, BEGIN_MS + step), step)
        assert found == {Budget("77", "1"): {BEGIN_MS: 0.5}}
        await database.close()
        limits.seen = {("77", "1"): 0.9}
        await rates.close()  # tells the log and does not raise
        await database.start()
