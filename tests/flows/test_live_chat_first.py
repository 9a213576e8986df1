"""CRM work and live chat share one budget at HubSpot, and people go first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.flows.conftest import DEFINITION, WITHIN_S, House

from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached

LIMIT, WINDOW_S, CRM_CALLS, TRIES = 20, 0.5, 45, 5


@pytest.fixture
async def tight(tmp_path: Path) -> AsyncIterator[House]:
    """A portal with a small budget, which HubSpot's headers tell."""
    stage = Stage(
        HubSpotOptions(rate_limit=LIMIT, rate_window_s=WINDOW_S, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=DEFINITION,
    )
    await stage.start()
    house = House(stage, tmp_path, {"hubspot_requests_per_10s": LIMIT})
    await house.open()
    await stage.install(house.url)
    yield house
    await house.close()
    await stage.stop()


def asked(house: House, operation: str) -> int:
    return sum(one.get("operation") == operation for one in house.stage.hubspot.journal.entries)


def refused(house: House) -> list[str]:
    entries = house.stage.hubspot.journal.entries
    return [str(one.get("operation")) for one in entries if one.get("status") == 429]


async def overtaken(tight: House, live: Callable[[], Awaitable[None]]) -> bool:
    """Whether `live` ends before a queue of CRM calls does, which all succeed afterwards."""
    installation = tight.stage.installation
    assert installation is not None
    before, operations = len(refused(tight)), tight.stage.botpress.operations
    done = asked(tight, "contacts.get")
    crm = [
        asyncio.create_task(operations.action(installation, "getContact", {"id": str(number)}))
        for number in range(CRM_CALLS)
    ]
    # The budget of the window is spent, and CRM calls wait in a row for the next ones.
    assert await reached(
        lambda: asked(tight, "contacts.get") >= done + LIMIT // 2 or all(one.done() for one in crm),
        WITHIN_S,
    )
    await live()
    first = not all(one.done() for one in crm)
    statuses = {(await one).status for one in crm}
    return first and statuses == {200} and len(refused(tight)) == before


async def soon_overtaken(tight: House, live: Callable[[], Awaitable[None]]) -> bool:
    """The same in one of a few tries: a machine that stands still for long lets nothing queue."""
    for _ in range(TRIES):
        if await overtaken(tight, live):
            return True
    return False


async def test_words_of_people_overtake_a_queue_of_crm_calls(tight: House) -> None:
    chat, thread_id = await tight.handoff(1)
    desk, agent = tight.stage.hubspot.agents, tight.stage.hubspot.agents.list()[0].actor_id
    desk.assign(thread_id, agent)
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    said = 0

    async def live() -> None:
        nonlocal said
        said += 1
        tight.stage.botpress.plugin.say(chat, "are you there?")
        desk.reply(thread_id, agent, "yes, I am")
        await tight.until(chat, thread_id, user=said, agent=said)

    assert await soon_overtaken(tight, live)


async def test_a_handoff_starts_while_the_crm_has_spent_its_share(tight: House) -> None:
    numbers = iter(range(1, TRIES + 2))
    await tight.handoff(next(numbers))

    async def live() -> None:
        _, thread_id = await tight.handoff(next(numbers))
        assert tight.stage.hubspot.world.thread(thread_id).visitor_id

    assert await soon_overtaken(tight, live)
