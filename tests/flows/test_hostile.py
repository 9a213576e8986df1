"""What a hostile outsider would try to have something lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, entries

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.web import keys
from hubspot_hitl.web.oauth import DOOR


async def assigned(house: House) -> tuple[Chat, str]:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    return chat, thread_id


async def connected(house: House, expected: bool) -> None:
    """Wait until the status says so of the portal's connection."""
    assert house.runner is not None
    app = house.runner.app
    (installation,) = await app[keys.SERVICES].installations.all()
    async with asyncio.timeout(WITHIN_S):
        while (await app[DOOR].watch.status(installation.id)).connected is not expected:  # noqa: ASYNC110 - told by a read
            await asyncio.sleep(0.05)


async def state_of(house: House, chat: Chat) -> str:
    assert house.runner is not None
    services = house.runner.app[keys.SERVICES]
    found = await services.handoffs.find(text=chat.downstream)
    return found[0].state.value


async def test_an_answer_that_takes_a_hundred_seconds_costs_no_word(
    stage: Stage, tmp_path: Path
) -> None:
    house = House(stage, tmp_path, {"vendor_timeout_s": 0.5})
    await house.open()
    await stage.install(house.url)
    late = Fault(FaultKind.LATENCY, ("messages.*",), times=1, seconds=100, after=True)
    try:
        chat, thread_id = await assigned(house)
        stage.botpress.faults.add(replace(late, operations=("messages.get_or_create",)))
        stage.hubspot.faults.add(replace(late, operations=("messages.publish",)))
        for number in range(2):
            stage.hubspot.agents.reply(thread_id, agent(house), f"agent {number}")
            stage.botpress.plugin.say(chat, f"user {number}")
        await house.until(chat, thread_id, agent=2, user=2)
        assert stage.heard_by_user(chat) == ["agent 0", "agent 1"]
        assert stage.heard_by_agent(thread_id) == ["user 0", "user 1"]
    finally:
        await house.close()


async def test_a_grant_that_is_revoked_in_a_chat_and_given_again_costs_no_word(
    house: House,
) -> None:
    chat, thread_id = await assigned(house)
    world, options = house.stage.hubspot.world, house.stage.hubspot.options
    world.revoke_grants(options.portal_id)
    house.stage.botpress.plugin.say(chat, "are you there?")
    house.stage.hubspot.agents.reply(thread_id, agent(house), "yes")
    journal = house.stage.hubspot.journal
    assert await reached(lambda: any(one.get("status") == 401 for one in journal.entries), WITHIN_S)
    house.stage.botpress.plugin.say(chat, "hello?")
    await connected(house, False)

    world.add_grant(options.portal_id, options.refresh_token)
    await house.until(chat, thread_id, user=2, agent=1)
    await connected(house, True)
    assert house.stage.heard_by_agent(thread_id) == ["are you there?", "hello?"]
    assert house.stage.heard_by_user(chat) == ["yes"]


@pytest.mark.parametrize(
    "kind", [FaultKind.ERROR_500, FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.CUT_OFF]
)
async def test_an_end_that_cannot_be_told_is_told_once_in_the_end(
    house: House, kind: FaultKind
) -> None:
    chat, thread_id = await assigned(house)
    house.stage.botpress.faults.add(Fault(kind, ("events.create",), times=2))
    house.stage.hubspot.agents.close(thread_id)

    assert await reached(lambda: not chat.active, WITHIN_S)
    assert chat.counts["hitlStopped"] == 1


async def test_a_conversation_that_was_deleted_ends_the_handoff_and_tells_the_agent(
    house: House,
) -> None:
    chat, thread_id = await assigned(house)
    installation = house.stage.installation
    assert installation is not None
    rooms = house.stage.botpress.world.bot(installation.bot_id).conversations
    del rooms[chat.downstream or ""]
    house.stage.hubspot.agents.reply(thread_id, agent(house), "are you there?")
    assert await reached(lambda: entries(house, thread_id)[-1]["status"] == "FAILED", WITHIN_S)

    house.stage.hubspot.agents.close(thread_id)
    for _ in range(200):
        if await state_of(house, chat) == "resolved":
            break
        await asyncio.sleep(0.05)
    assert await state_of(house, chat) == "resolved"


async def test_a_database_that_another_program_locks_for_a_while_costs_no_word(
    house: House,
) -> None:
    chat, thread_id = await assigned(house)
    with closing(sqlite3.connect(house.folder / "house.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            house.stage.botpress.plugin.say(chat, f"user {number}")
            house.stage.hubspot.agents.reply(thread_id, agent(house), f"agent {number}")
        await asyncio.sleep(0.2)  # so that they come in meanwhile; nothing is judged by it
        assert house.stage.heard_by_agent(thread_id) == []
        other.execute("COMMIT")
    await house.until(chat, thread_id, user=3, agent=3)
    assert house.stage.heard_by_agent(thread_id) == [f"user {number}" for number in range(3)]
    assert house.stage.heard_by_user(chat) == [f"agent {number}" for number in range(3)]
