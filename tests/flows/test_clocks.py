"""Two replicas whose clocks differ by minutes work as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from tests.databases import database_url
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import WrongClock
from tests.flows.test_attacks import hook, post

from hubspot_hitl.store.engine.agreed_clock import AgreedClock
from hubspot_hitl.store.engine.database import Database, open_database
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached

pytestmark = pytest.mark.postgres
FIVE_MINUTES_MS = 300_000


@pytest.fixture
async def replicas(stage: Stage, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """One whose clock is right, and one that is ahead; Botpress knows the first."""
    async with database_url("postgresql", tmp_path) as url, AsyncExitStack() as stack:
        changes: dict[str, object] = {
            "database_url": url,
            "secret_keys": SecretStr("k1:" + "A" * 43 + "="),
        }
        right = House(stage, tmp_path, dict(changes))
        ahead = House(stage, tmp_path, dict(changes), clock=WrongClock(FIVE_MINUTES_MS))
        for house in (right, ahead):
            await house.open()
            stack.push_async_callback(house.close)
        await stage.install(right.url)
        yield right, ahead


async def test_a_slow_start_is_not_given_up_by_a_replica_that_is_ahead(
    replicas: tuple[House, House],
) -> None:
    """The replica that is ahead looks for what is due each second, and the start takes longer."""
    right, _ = replicas
    botpress, hubspot = right.stage.botpress, right.stage.hubspot
    botpress.faults.add(Fault(FaultKind.LATENCY, ("conversations.*",), seconds=2.5))
    starting = asyncio.create_task(right.handoff())
    assert await reached(lambda: bool(hubspot.world.threads), WITHIN_S)
    (thread_id,) = hubspot.world.threads
    agent = hubspot.agents.list()[0].actor_id
    hubspot.agents.reply(thread_id, agent, "before the start has ended")

    chat, _ = await starting
    botpress.faults.clear()
    await right.until(chat, thread_id, agent=1)
    assert chat.active


async def test_what_each_replica_accepts_is_passed_on_in_order(
    replicas: tuple[House, House],
) -> None:
    right, ahead = replicas
    stage = right.stage
    chat, thread_id = await right.handoff()
    agent = stage.hubspot.agents.list()[0].actor_id
    installation = stage.installation
    assert installation is not None
    for number in range(6):
        installation.url = (right, ahead)[number % 2].url
        stage.hubspot.agents.reply(thread_id, agent, f"agent {number}")
        stage.botpress.plugin.say(chat, f"user {number}")
        await right.until(chat, thread_id, agent=number + 1, user=number + 1)
    assert stage.heard_by_user(chat) == [f"agent {number}" for number in range(6)]
    assert stage.heard_by_agent(thread_id) == [f"user {number}" for number in range(6)]


async def test_one_message_brought_to_both_replicas_at_once_is_passed_on_once(
    replicas: tuple[House, House], http: aiohttp.ClientSession
) -> None:
    right, _ = replicas
    chat, thread_id = await right.handoff()
    for number in range(5):
        body = hook(right, thread_id, f"message-{number}", f"agent {number}")
        calls = [post(http, one, body) for one in (*replicas, *replicas)]
        assert set(await asyncio.gather(*calls)) == {200}
        await right.until(chat, thread_id, agent=number + 1)
    await right.stage.hubspot.settled()
    assert right.stage.heard_by_user(chat) == [f"agent {number}" for number in range(5)]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_url("postgresql", tmp_path) as url:
        database = open_database(url, exclusive=False)
        await database.start()
        yield database
        await database.close()


async def test_a_jump_of_the_machines_clock_changes_nothing(database: Database) -> None:
    own = WrongClock(FIVE_MINUTES_MS)
    clock = AgreedClock(own)
    assert clock.now_ms() - time.time() * 1000 > FIVE_MINUTES_MS - 1_000
    await clock.agree(database)
    for own.ahead_ms in (0, -10 * FIVE_MINUTES_MS, FIVE_MINUTES_MS):
        before_ms = clock.now_ms()
        await clock.agree(database)
        assert before_ms <= clock.now_ms() < before_ms + FIVE_MINUTES_MS / 2
        assert abs(clock.now_ms() - time.time() * 1000) < FIVE_MINUTES_MS / 2
