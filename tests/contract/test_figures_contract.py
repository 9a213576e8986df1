"""Figures on every database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from tests.databases import ENGINES, migrated_database

from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ledger.tables import deliveries
from hubspot_hitl.store.database import Database
from hubspot_hitl.store.figures import SqlFigures
from hubspot_hitl.store.handoffs import SqlHandoffs


def handoff(number: int, state: str) -> Handoff:
    return Handoff(
        id=f"h{number}",
        installation_id="i",
        user_id="u",
        start_key=f"k{number}",
        integration_thread_id=f"t{number}",
        state=HandoffState(state),
        created_ms=number * 1000,
        inbox_id="1",
        channel_id="2",
        channel_account_id="3",
    )


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database]:
    async with migrated_database(request, tmp_path) as opened:
        yield opened


async def test_handoffs_of_a_span_come_newest_first(database: Database) -> None:
    store = SqlHandoffs(database)
    for number, state in enumerate(("pending", "assigned", "resolved")):
        await store.open(handoff(number, state))
    found = await SqlFigures(database).handoffs(since_ms=1000, limit=10)
    assert [(one.created_ms, one.state) for one in found] == [
        (2000, "resolved"),
        (1000, "assigned"),
    ]
    assert len(await SqlFigures(database).handoffs(since_ms=0, limit=2)) == 2


async def test_who_waits_longest_comes_first(database: Database) -> None:
    store = SqlHandoffs(database)
    for number, state in enumerate(("resolved", "pending", "assigned", "pending")):
        await store.open(handoff(number, state))
    found = await SqlFigures(database).waiting(10)
    assert [one.handoff_id for one in found] == ["h1", "h3"]


async def test_only_what_was_delivered_counts(database: Database) -> None:
    def row(number: int, state: str, finished_ms: int | None, *, timer: bool) -> dict[str, object]:
        return {
            "dedup_key": f"d{number}",
            "lane": "l",
            "kind": "bot.message",
            "installation_id": "i",
            "body": "{}",
            "timer": timer,
            "state": state,
            "due_ms": 0,
            "accepted_ms": 10,
            "finished_ms": finished_ms,
        }

    rows = [
        row(1, "done", 30, timer=False),
        row(2, "done", 5, timer=False),
        row(3, "done", 40, timer=True),
        row(4, "cancelled", 40, timer=False),
        row(5, "ready", None, timer=False),
    ]

    def write(connection: Connection) -> None:
        connection.execute(insert(deliveries), rows)

    await database.write(write)
    found = await SqlFigures(database).deliveries(since_ms=10, limit=10)
    assert [(one.accepted_ms, one.finished_ms) for one in found] == [(10, 30)]
