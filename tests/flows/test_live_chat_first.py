"""CRM work and live chat share one budget at HubSpot, and people go first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached

LIMIT, WINDOW_S, CRM_CALLS = 20, 0.5, 80


@pytest.fixture
async def tight(tmp_path: Path) -> AsyncIterator[House]:
    """A portal with a small budget, which HubSpot's headers tell."""
    stage = Stage(
        HubSpotOptions(rate_limit=LIMIT, rate_window_s=WINDOW_S, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=load_definition(),
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


async def test_words_of_people_overtake_a_queue_of_crm_calls(tight: House) -> None:
    chat, thread_id = await tight.handoff(1)
    desk, agent = tight.stage.hubspot.agents, tight.stage.hubspot.agents.list()[0].actor_id
    desk.assign(thread_id, agent)
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    installation = tight.stage.installation
    assert installation is not None
    operations = tight.stage.botpress.operations
    crm = [
        asyncio.create_task(operations.action(installation, "getContact", {"id": str(number)}))
        for number in range(CRM_CALLS)
    ]
    # The budget of the window is spent, and CRM calls wait in a row for the next ones.
    assert await reached(lambda: asked(tight, "contacts.get") >= LIMIT // 2, WITHIN_S)
    tight.stage.botpress.plugin.say(chat, "are you there?")
    desk.reply(thread_id, agent, "yes, I am")
    await tight.until(chat, thread_id, user=1, agent=1)
    assert not all(one.done() for one in crm), "CRM calls still wait when the words have arrived"
    assert {(await one).status for one in crm} == {200}
    assert refused(tight) == []


async def test_a_handoff_starts_while_the_crm_has_spent_its_share(tight: House) -> None:
    await tight.handoff(2)
    installation = tight.stage.installation
    assert installation is not None
    operations = tight.stage.botpress.operations
    crm = [
        asyncio.create_task(operations.action(installation, "getContact", {"id": str(number)}))
        for number in range(CRM_CALLS)
    ]
    assert await reached(lambda: asked(tight, "contacts.get") >= LIMIT // 2, WITHIN_S)
    _, thread_id = await tight.handoff(1)
    assert not all(one.done() for one in crm)
    assert tight.stage.hubspot.world.thread(thread_id).visitor_id
    await asyncio.gather(*crm)
    assert refused(tight) == []
