"""Agents steer by private comment, and what happens to a thread reaches the user once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, comments, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached


@pytest.fixture
async def home(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    home = await furnished(House(stage, tmp_path))
    yield home
    await home.close()


async def taken(home: House) -> tuple[Chat, str]:
    """A handoff that an agent has taken."""
    chat, thread_id = await home.handoff()
    home.stage.hubspot.agents.assign(thread_id, agent(home))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    return chat, thread_id


async def test_bot_gives_the_chat_back_and_leaves_the_thread_open(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/bot")
    assert await reached(lambda: not chat.active, WITHIN_S)
    await commented(home, thread_id, "The bot has the chat again")
    assert home.stage.hubspot.world.thread(thread_id).status == "OPEN"


async def test_end_ends_the_chat_and_closes_the_thread(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/end")
    assert await reached(lambda: not chat.active, WITHIN_S)
    thread = home.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    assert chat.counts["hitlStopped"] == 1


@pytest.mark.parametrize(
    ("comment", "words"),
    [("/help", "/transfer <inbox>"), ("/who", "Grace 1"), ("/nonsense", "/help")],
)
async def test_a_question_is_answered_by_a_comment(home: House, comment: str, words: str) -> None:
    chat, thread_id = await taken(home)
    before = len(said(chat))
    home.stage.hubspot.agents.comment(thread_id, agent(home), comment)
    await commented(home, thread_id, words)
    assert len(said(chat)) == before


async def test_reask_sends_the_last_message_again(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.reply(thread_id, agent(home), "What is your order number?")
    assert await reached(lambda: len(said(chat)) == 1, WITHIN_S)
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/reask")
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert said(chat)[1]["text"] == "What is your order number?"


async def test_an_ordinary_note_is_left_alone(home: House) -> None:
    chat, thread_id = await taken(home)
    before = len(comments(home, thread_id))
    home.stage.hubspot.agents.comment(thread_id, agent(home), "see /help in the manual")
    await home.stage.hubspot.settled()
    home.stage.hubspot.agents.reply(thread_id, agent(home), "Hello")
    assert await reached(lambda: len(said(chat)) == 1, WITHIN_S)
    assert len(comments(home, thread_id)) == before + 1


async def test_an_agent_who_leaves_is_told_to_the_user_once(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.unassign(thread_id)
    assert await reached(lambda: len(said(chat)) == 1, WITHIN_S)
    assert "agent has left" in said(chat)[0]["text"]


async def test_a_colleague_who_takes_over_is_announced_once(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.assign(thread_id, agent(home, 1))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 2, WITHIN_S)
    assert [line["text"] for line in said(chat)] == ["Another agent is taking over."]
    assert chat.agent_name == home.stage.hubspot.agents.list()[1].name


async def test_an_archived_thread_ends_the_chat(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.archive(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert chat.counts["hitlStopped"] == 1


async def test_opening_an_ended_thread_is_explained_to_the_agent(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    before = len(comments(home, thread_id))
    home.stage.hubspot.agents.reopen(thread_id)
    assert await reached(lambda: len(comments(home, thread_id)) > before, WITHIN_S)
    assert not chat.active


async def test_a_stop_word_of_the_user_ends_the_chat(stage: Stage, tmp_path: Path) -> None:
    home = await furnished(House(stage, tmp_path), stopWords="goodbye")
    chat, thread_id = await taken(home)
    home.stage.botpress.plugin.say(chat, "Goodbye!")
    assert await reached(lambda: not chat.active, WITHIN_S)
    thread = home.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    await home.close()
