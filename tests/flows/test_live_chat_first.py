"""CRM work and live chat share one budget at HubSpot, and people go first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from tests.flows.conftest import DEFINITION, WITHIN_S, House

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.hubspot.limiter import GENERAL
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.twins.botpress.operations import OperationAnswer
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached

LIMIT = GENERAL.requests
CRM_SHARE = GENERAL.cap(Priority.CRM, LIMIT)
WINDOW_S = 0.5


class StandingClock(SystemClock):
    """Its time stands still until `go`: however long a test takes, no call leaves the window.

    Who sleeps on it looks again after as long as it slept, and finds that no time has passed.
    """

    def __init__(self) -> None:
        self._stands_at: float | None = super().monotonic()

    def monotonic(self) -> float:
        return super().monotonic() if self._stands_at is None else self._stands_at

    def go(self) -> None:
        self._stands_at = None


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def tight(tmp_path: Path, clock: StandingClock) -> AsyncIterator[House]:
    """A portal with one window of calls and no more until the clock goes."""
    stage = Stage(
        HubSpotOptions(rate_limit=LIMIT, rate_window_s=WINDOW_S, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=DEFINITION,
    )
    await stage.start()
    house = House(stage, tmp_path, clock=clock)
    await house.open()
    await stage.install(house.url)
    yield house
    await house.close()
    await stage.stop()


def refused(house: House) -> list[str]:
    entries = house.stage.hubspot.journal.entries
    return [str(one.get("operation")) for one in entries if one.get("status") == 429]


async def spent(house: House, http: aiohttp.ClientSession) -> float:
    """How much of the window the server has used, 0 to 1."""
    async with http.get(f"{house.url}/metrics") as answer:
        found = re.search(
            r"^hitl_hubspot_rate_used_ratio (\S+)$", await answer.text(), re.MULTILINE
        )
    assert found
    return float(found[1])


@dataclass(slots=True)
class Queue:
    """CRM calls: some have spent all that CRM work may, the rest wait for the next window."""

    house: House
    clock: StandingClock
    calls: list[asyncio.Task[OperationAnswer]]

    async def assert_waits(self) -> None:
        """Some still wait; they all get their turn once time goes on."""
        assert not all(one.done() for one in self.calls)
        self.house.stage.hubspot.world.recent.clear()  # HubSpot's window passes with the clock's
        self.clock.go()
        assert {(await one).status for one in self.calls} == {200}
        assert refused(self.house) == []


async def queue_of_crm_calls(
    house: House, clock: StandingClock, http: aiohttp.ClientSession
) -> Queue:
    installation, operations = house.stage.installation, house.stage.botpress.operations
    assert installation is not None
    calls = [
        asyncio.create_task(operations.action(installation, "getContact", {"id": str(number)}))
        for number in range(LIMIT)
    ]
    async with asyncio.timeout(WITHIN_S):
        while await spent(house, http) < CRM_SHARE / LIMIT:  # noqa: ASYNC110 - told by HTTP
            await asyncio.sleep(0.02)
    return Queue(house, clock, calls)


async def test_words_of_people_overtake_a_queue_of_crm_calls(
    tight: House, clock: StandingClock, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await tight.handoff()
    desk, agent = tight.stage.hubspot.agents, tight.stage.hubspot.agents.list()[0].actor_id
    desk.assign(thread_id, agent)
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    queue = await queue_of_crm_calls(tight, clock, http)

    tight.stage.botpress.plugin.say(chat, "are you there?")
    desk.reply(thread_id, agent, "yes, I am")

    await tight.until(chat, thread_id, user=1, agent=1)
    await queue.assert_waits()


async def test_a_handoff_starts_while_the_crm_has_spent_its_share(
    tight: House, clock: StandingClock, http: aiohttp.ClientSession
) -> None:
    queue = await queue_of_crm_calls(tight, clock, http)

    _, thread_id = await tight.handoff()

    assert tight.stage.hubspot.world.thread(thread_id).visitor_id
    await queue.assert_waits()
