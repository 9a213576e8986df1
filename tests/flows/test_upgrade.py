"""A database of the schema before, with deliveries under way, and a restored backup."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Connection, text
from tests.chaos.arena import WITHIN_S, Server, Talk, new_stage, talk
from tests.databases import ENGINES, database_url

from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, Tally, reached
from hubspot_hitl.web import keys

AWAY = Fault(FaultKind.ERROR_503)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with new_stage() as stage:
        yield stage


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@asynccontextmanager
async def closing(server: Server) -> AsyncGenerator[Server]:
    try:
        yield server
    finally:
        await server.close()


def services_of(server: Server) -> Services:
    assert server.runner is not None
    return server.runner.app[keys.SERVICES]


async def change(url: str, *statements: str) -> None:
    database = open_database(url)
    await database.start()
    try:
        for statement in statements:
            await database.write(lambda c, sql=statement: _run(c, sql))  # type: ignore[misc]
    finally:
        await database.close()


def _run(connection: Connection, sql: str) -> None:
    connection.execute(text(sql)).close()


async def to_schema_before(url: str) -> None:
    """Undo what later schemas added: what is left is what the second one wrote."""
    later = ("counters", "flight", "figure_hours", "rate_peaks")  # the tables of the schemas since
    indexes = ("state", "first_assigned", "first_reply", "ended")
    undo = [f"DROP INDEX handoffs_{name}" for name in (*indexes, "user")]
    undo += [
        "CREATE INDEX handoffs_state ON handoffs (state)",
        "ALTER TABLE handoffs DROP COLUMN first_assigned_ms",
        "ALTER TABLE handoffs DROP COLUMN history_marks",
    ]
    undo += [f"DROP TABLE {table}" for table in later]
    await change(url, *undo, "UPDATE alembic_version SET version_num = '0002'")


@pytest.mark.parametrize("engine", ENGINES)
async def test_live_deliveries_of_the_schema_before_arrive_after_the_upgrade(
    engine: str, stage: Stage, tmp_path: Path
) -> None:
    async with (
        database_url(engine, tmp_path) as url,
        closing(Server(stage, tmp_path, url)) as server,
    ):
        await server.open()
        await stage.install(server.url)
        it = await talk(stage, 1)
        await it.exchange(stage, 2)
        assert await reached(lambda: it.arrived(stage), WITHIN_S)
        stage.hubspot.faults.set(AWAY)
        # of the bot's calls only: its webhooks go on
        stage.botpress.faults.set(replace(AWAY, callers=(stage.botpress.options.bot_id,)))
        await it.exchange(stage, 3)
        await until_waiting(services_of(server), 6)
        await server.close()
        await to_schema_before(url)
        stage.hubspot.faults.clear()
        stage.botpress.faults.clear()
        await server.open()
        assert services_of(server).named_by_number > 0
        tally = Tally()
        await it.finish(stage, tally)
        assert tally == Tally(1, 5, 5), tally


async def until_waiting(services: Services, count: int) -> None:
    """Until so many messages of people are written down and undelivered."""
    kinds = ("bot.message", "hubspot.message")
    for _ in range(1_000):
        waiting = await services.ledger.find(DeliveryFilter(states=(DeliveryState.READY,)))
        if sum(one.kind in kinds for one in waiting) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the messages were not written down")


async def test_what_we_say_after_a_restore_is_not_taken_for_what_was_said_before(
    stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "hitl.db"
    async with closing(Server(stage, tmp_path, f"sqlite:///{file}")) as server:
        await server.open()
        await stage.install(server.url)
        it = await talk(stage, 1)
        await it.exchange(stage, 1)
        assert await reached(lambda: it.arrived(stage), WITHIN_S)
        await server.close()
        shutil.copy(file, tmp_path / "backup.db")
        for _ in range(2):
            told = len(asked_to_wait(stage, it))
            await server.open()
            stage.hubspot.agents.comment(it.thread_id, it.agent_id, "/wait 10m")
            assert await reached(
                lambda told=told: len(asked_to_wait(stage, it)) > told,  # type: ignore[misc]  # mypy infers no default of a lambda
                WITHIN_S,
            )
            await server.close()
            shutil.copy(tmp_path / "backup.db", file)
    assert len(asked_to_wait(stage, it)) == 2


def asked_to_wait(stage: Stage, it: Talk) -> list[str]:
    return [line for line in stage.heard_by_user(it.chat) if line.startswith("Please wait")]
