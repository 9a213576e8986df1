"""A start that breaks off at any line leaves no thread open, and a repeat goes on with the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.databases import database_url
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import entries, furnished

from hubspot_hitl.twins.botpress.chat import StartFailedError
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

LOST_ANSWER = Fault(FaultKind.RESET_AFTER, ("messages.publish",))


async def broken_off(house: House, starting: Awaitable[object]) -> None:
    """A start of which HubSpot opened the thread, said nothing, and then refuses everything."""
    hubspot = house.stage.hubspot
    before = len(hubspot.world.threads)
    hubspot.faults.add(LOST_ANSWER)
    task = asyncio.ensure_future(starting)
    assert await reached(lambda: len(hubspot.world.threads) > before, WITHIN_S)
    for account in hubspot.world.portals[hubspot.options.portal_id].accounts.values():
        account.authorized = False
    hubspot.faults.clear()
    with pytest.raises(StartFailedError):
        await task


def statuses(house: House) -> list[str]:
    return [thread.status for thread in house.stage.hubspot.world.threads.values()]


def openings(house: House) -> list[str]:
    threads = house.stage.hubspot.world.threads
    said = [entry for one in threads for entry in house.stage.hubspot.transcript(one)]
    return [
        str(entry["text"])
        for entry in said
        if entry["type"] == "MESSAGE" and "Title: " in str(entry["text"])
    ]


async def test_a_thread_whose_opening_was_never_answered_is_closed(house: House) -> None:
    await broken_off(house, house.handoff())

    assert await reached(lambda: statuses(house) == ["CLOSED"], WITHIN_S)
    assert len(openings(house)) == 1


async def test_it_is_closed_in_the_agents_language_and_with_a_subject_too(bare: House) -> None:
    house = await furnished(bare, agentLanguage="de")
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, "A person, please")
    session: Json = {"subject": "Refund", "priority": "high"}
    await broken_off(house, plugin.start_hitl(chat, title="Order 7", session=session))

    assert await reached(lambda: statuses(house) == ["CLOSED"], WITHIN_S)
    (thread_id,) = house.stage.hubspot.world.threads
    assert [str(entry["text"]).splitlines()[0] for entry in entries(house, thread_id)] == [
        "Betreff: Refund"
    ]


async def test_threads_of_others_stay_open_while_a_lost_one_is_looked_for(house: House) -> None:
    """Also one of the same person with the same name and title."""
    plugin = house.stage.botpress.plugin
    chat, kept = await house.handoff(1)
    again = plugin.open_chat(person=chat.person)
    plugin.say(again, "Something else")
    await broken_off(house, plugin.start_hitl(again, title="Question 1", description="Another one"))

    assert await reached(lambda: sorted(statuses(house)) == ["CLOSED", "OPEN"], WITHIN_S)
    assert house.stage.hubspot.world.thread(kept).status == "OPEN"


async def test_a_repeat_after_a_lost_answer_goes_on_in_the_same_thread(house: House) -> None:
    house.stage.hubspot.faults.add(replace(LOST_ANSWER, times=2))
    chat, thread_id = await house.handoff()
    assert chat.active
    assert list(house.stage.hubspot.world.threads) == [thread_id]
    assert len(openings(house)) == 1


@pytest.mark.postgres
async def test_the_same_start_at_two_replicas_opens_one_conversation(
    stage: Stage, tmp_path: Path
) -> None:
    async with database_url("postgresql", tmp_path) as url, AsyncExitStack() as stack:
        changes: dict[str, object] = {
            "database_url": url,
            "secret_keys": SecretStr("k1:" + "A" * 43 + "="),
        }
        replicas = [House(stage, tmp_path, dict(changes)) for _ in range(2)]
        for replica in replicas:
            await replica.open()
            stack.push_async_callback(replica.close)
        installation = await stage.install(replicas[0].url)
        servers = [replace(installation, url=one.url) for one in (*replicas, *replicas)]
        action = stage.botpress.operations.action
        for number in range(5):
            person: Json = {"name": f"P {number}", "email": f"p{number}@example.com"}
            user = (await action(installation, "createUser", person)).json()["output"]
            request: Json = {"userId": user["userId"], "title": "T", "messageHistory": []}
            answers = await asyncio.gather(
                *(action(server, "startHitl", request) for server in servers)
            )
            assert {answer.status for answer in answers} == {200}
            assert len({str(answer.json()["output"]) for answer in answers}) == 1
        texts = openings(replicas[0])
        assert len(texts) == len(set(texts)) == len(statuses(replicas[0])) == 5
