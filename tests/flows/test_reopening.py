"""An agent opens a closed conversation again: explained, or brought back by the bot."""

from __future__ import annotations

import asyncio

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, comments, entries, furnished, said

from hubspot_hitl.effects.held import HELD
from hubspot_hitl.ports.ledger import DeliveryFilter
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.web import keys


@pytest.fixture
def house(bare: House) -> House:
    return bare


async def closed(house: House) -> tuple[Chat, str]:
    """A chat that an agent has closed."""
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    house.stage.botpress.plugin.say(chat, "Bye")
    await house.until(chat, thread_id, user=1)
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    return chat, thread_id


async def closed_by_nobody(house: House) -> tuple[Chat, str]:
    """A chat that was closed before an agent was there."""
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "Bye")
    await house.until(chat, thread_id, user=1)
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    return chat, thread_id


def read(chat: Chat, texts: list[str]) -> list[str]:
    """What of `texts` the user has, in the order in which it came."""
    return [str(line["text"]) for line in said(chat) if line["text"] in texts]


def questions(house: House) -> list[str]:
    """What the bot was asked."""
    return [one.type for one in house.stage.botpress.plugin.bot_events]


async def held(house: House, count: int) -> None:
    """So many messages wait for the user, or for news."""
    assert house.runner is not None
    ledger = house.runner.app[keys.SERVICES].ledger
    async with asyncio.timeout(WITHIN_S):
        while len(await ledger.find(DeliveryFilter(kind=HELD))) < count:  # noqa: ASYNC110 - a row
            await asyncio.sleep(0.01)


async def test_a_bot_that_is_asked_brings_the_user_back_into_the_same_thread(house: House) -> None:
    await furnished(house, reopen="resume")
    chat, thread_id = await closed(house)
    agents, plugin = house.stage.hubspot.agents, house.stage.botpress.plugin
    agents.reopen(thread_id)
    assert await reached(lambda: questions(house) == ["handoffReopened"], WITHIN_S)
    await commented(house, thread_id, "The bot has been asked to bring the user back")
    late = agents.reply(thread_id, agent(house), "One more thing")
    await commented(house, thread_id, "Your message is held")
    assert not chat.active

    room = chat.downstream
    await plugin.start_hitl(chat, title="Back to the agent")
    assert (house.stage.thread_of(chat), chat.downstream) == (thread_id, room)
    await commented(house, thread_id, "The chat is open again")
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert {line["text"] for line in said(chat)} == {
        "One more thing",
        "The agent has reopened the chat.",
    }
    assert chat.counts["hitlAssigned"] == 2
    plugin.say(chat, "I am here")
    agents.reply(thread_id, agent(house), "Good")
    assert await reached(lambda: house.stage.heard_by_agent(thread_id)[-1] == "I am here", WITHIN_S)
    assert await reached(lambda: said(chat)[-1]["text"] == "Good", WITHIN_S)
    sent = {e["id"]: e["status"] for e in entries(house, thread_id)}
    assert await reached(
        lambda: {e["id"]: e["status"] for e in entries(house, thread_id)}[late] == "SENT", WITHIN_S
    ), sent
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert chat.counts["hitlStopped"] == 2
    assert len(house.stage.hubspot.world.threads) == 1


async def test_a_reply_that_overtakes_the_news_of_reopening_is_delivered_after_all(
    house: House,
) -> None:
    house.changes["reopen_news_s"] = 30.0
    await furnished(house, reopen="resume")
    chat, thread_id = await closed(house)
    agents, plugin = house.stage.hubspot.agents, house.stage.botpress.plugin
    early = [agents.reply(thread_id, agent(house), text) for text in ("One", "Two")]
    await held(house, 2)
    agents.reopen(thread_id)
    await commented(house, thread_id, "The bot has been asked to bring the user back")
    late = agents.reply(thread_id, agent(house), "Three")
    await commented(house, thread_id, "Your message is held")
    await plugin.start_hitl(chat, title="Back to the agent")
    told = ["One", "Two", "Three"]
    assert await reached(
        lambda: [x["text"] for x in said(chat) if x["text"] in told] == told, WITHIN_S
    )
    written = (*early, late)
    assert await reached(
        lambda: {e["status"] for e in entries(house, thread_id) if e["id"] in written} == {"SENT"},
        WITHIN_S,
    )
    assert not any("did not get" in text for text in comments(house, thread_id))


@pytest.mark.parametrize("had_agent", [True, False])
async def test_what_was_held_is_read_before_what_the_agent_writes_later(
    house: House, had_agent: bool
) -> None:
    """Also where the later message is the first that tells the bot of an agent."""
    house.changes["reopen_news_s"] = 30.0
    await furnished(house, reopen="resume")
    chat, thread_id = await (closed if had_agent else closed_by_nobody)(house)
    agents, plugin = house.stage.hubspot.agents, house.stage.botpress.plugin
    told = [f"Line {number}" for number in range(1, 7)]
    written = [agents.reply(thread_id, agent(house), text) for text in told[:4]]
    await held(house, 4)
    agents.reopen(thread_id)
    await commented(house, thread_id, "The bot has been asked to bring the user back")
    await plugin.start_hitl(chat, title="Back to the agent")
    written += [agents.reply(thread_id, agent(house), text) for text in told[4:]]
    assert await reached(lambda: len(read(chat, told)) >= len(told), WITHIN_S), said(chat)
    assert read(chat, told) == told
    assert await reached(
        lambda: {e["status"] for e in entries(house, thread_id) if e["id"] in written} == {"SENT"},
        WITHIN_S,
    )
    assert chat.counts["hitlAssigned"] == (2 if had_agent else 1)


async def test_what_was_held_is_read_first_in_another_chat_too(house: House) -> None:
    await furnished(house, lateReplies="hold")
    chat, thread_id = await closed(house)
    agents, plugin = house.stage.hubspot.agents, house.stage.botpress.plugin
    told = ["One", "Two", "Three"]
    for text in told[:2]:
        agents.reply(thread_id, agent(house), text)
    await held(house, 2)
    plugin.say(chat, "I am back")
    await plugin.start_hitl(chat, title="Again")
    assert house.stage.thread_of(chat) != thread_id
    agents.reply(house.stage.thread_of(chat), agent(house), told[2])
    assert await reached(lambda: len(read(chat, told)) >= len(told), WITHIN_S), said(chat)
    assert read(chat, told) == told


async def test_a_reply_into_a_closed_thread_that_nobody_opens_fails_with_a_reason(
    house: House,
) -> None:
    house.changes["reopen_news_s"] = 0.0
    await furnished(house, reopen="resume")
    _, thread_id = await closed(house)
    late = house.stage.hubspot.agents.reply(thread_id, agent(house), "One more thing")
    await commented(house, thread_id, "The chat has ended: the user did not get your message.")
    assert await reached(
        lambda: {e["id"]: e["status"] for e in entries(house, thread_id)}[late] == "FAILED",
        WITHIN_S,
    )
    assert questions(house) == []


@pytest.mark.parametrize("told_as", ["status", "isArchived"])
async def test_a_thread_back_from_the_archive_counts_as_opened_again(
    house: House, told_as: str
) -> None:
    """A thread that was only deleted, for all that HubSpot tells, is explained: it was given up."""
    house.stage.hubspot.options.archive_sends_status = told_as == "status"
    await furnished(house, reopen="resume")
    chat, thread_id = await house.handoff()
    agents = house.stage.hubspot.agents
    agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    agents.archive(thread_id)
    assert await reached(lambda: chat.counts["hitlStopped"] == 1, WITHIN_S)
    agents.restore(thread_id)
    if told_as == "status":
        await commented(house, thread_id, "The bot has been asked to bring the user back")
        assert questions(house) == ["handoffReopened"]
    else:
        await commented(house, thread_id, "Reopening the thread does not reach the user again")
        assert questions(house) == []
    assert chat.counts["hitlStopped"] == 1


async def test_by_default_a_restored_thread_is_explained(house: House) -> None:
    await furnished(house)
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.archive(thread_id)
    assert await reached(lambda: chat.counts["hitlStopped"] == 1, WITHIN_S)
    house.stage.hubspot.agents.restore(thread_id)
    await commented(house, thread_id, "Reopening the thread does not reach the user again")
    assert (questions(house), chat.active) == ([], False)


async def test_a_bot_that_does_not_answer_is_told_of(house: House) -> None:
    house.changes["reopen_answer_s"] = 1.0
    await furnished(house, reopen="resume")
    chat, thread_id = await closed(house)
    agents = house.stage.hubspot.agents
    agents.reopen(thread_id)
    await commented(house, thread_id, "The bot has been asked")
    agents.close(thread_id)
    agents.reopen(thread_id)
    await commented(house, thread_id, "Reopening the thread does not reach the user again")
    assert questions(house) == ["handoffReopened"]
    assert not chat.active
    house.stage.botpress.plugin.say(chat, "another thing")
    await house.stage.botpress.plugin.start_hitl(chat, title="New")
    assert house.stage.thread_of(chat) != thread_id


async def test_by_default_reopening_is_explained_and_asks_nobody(house: House) -> None:
    await furnished(house)
    chat, thread_id = await closed(house)
    house.stage.hubspot.agents.reopen(thread_id)
    await commented(house, thread_id, "Reopening the thread does not reach the user again")
    assert (questions(house), chat.active) == ([], False)


async def test_after_the_window_reopening_is_explained(house: House) -> None:
    await furnished(house, reopen="resume", reopenHours=0)
    _, thread_id = await closed(house)
    house.stage.hubspot.agents.reopen(thread_id)
    await commented(house, thread_id, "Reopening the thread does not reach the user again")
    assert questions(house) == []
    assert not any("has been asked" in text for text in comments(house, thread_id))
