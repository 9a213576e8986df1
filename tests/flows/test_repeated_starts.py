"""A start whose answer the bot never had, and which it repeats later, goes on in its handoff."""

from __future__ import annotations

import asyncio

from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, comments, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json


def lost(chat: Chat) -> str:
    """The plugin's side as if the answer of its start had been lost; returns the conversation."""
    room = chat.downstream
    assert room is not None
    chat.active, chat.downstream = False, None
    chat.started_for.clear()
    return room


def by_user(chat: Chat, *texts: str) -> list[Json]:
    source = {"type": "user", "userId": chat.person.downstream}
    return [{"source": source, "type": "text", "payload": {"text": text}} for text in texts]


async def started(stage: Stage, chat: Chat, *said: str, **more: object) -> str:
    """The conversation that a start with this history is answered."""
    assert stage.installation is not None
    request: Json = {"userId": chat.person.downstream, "messageHistory": by_user(chat, *said)}
    answer = await stage.botpress.operations.action(stage.installation, "startHitl", request | more)
    assert answer.status == 200, answer.message
    return str(answer.json()["output"]["conversationId"])


async def test_a_start_that_is_repeated_as_the_chat_went_on_is_the_same(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, room = house.stage.botpress.plugin, lost(chat)
    plugin.say(chat, "Is nobody there?")

    assert await plugin.start_hitl(chat, title="Order 7", description="Still waiting") == room

    assert list(house.stage.hubspot.world.threads) == [thread_id]
    shown = await commented(house, thread_id, "Is nobody there?")
    assert "I need a person" not in shown
    plugin.say(chat, "Hello")
    await house.until(chat, thread_id, user=1)


async def test_it_is_the_same_also_while_the_first_is_being_opened(house: House) -> None:
    chat, _ = await house.handoff()
    stage = house.stage
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, ("messages.publish",), seconds=0.3))
    first = asyncio.create_task(started(stage, chat, "A", title="1"))
    assert await reached(lambda: bool(stage.hubspot.faults.struck), WITHIN_S)
    second = await started(stage, chat, "A", "B", title="2")
    assert await first == second
    assert len(stage.hubspot.world.threads) == 2


async def test_the_new_session_hears_who_answers(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, agents = house.stage.botpress.plugin, house.stage.hubspot.agents
    agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    lost(chat)
    plugin.say(chat, "Is nobody there?")
    await plugin.start_hitl(chat)
    assert await reached(lambda: chat.counts["hitlAssigned"] == 2, WITHIN_S)


async def test_what_agents_said_to_nobody_is_said_to_the_new_session(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, agents = house.stage.botpress.plugin, house.stage.hubspot.agents
    lost(chat)
    for text in ("Hello", "Anybody?"):
        agents.reply(thread_id, agent(house), text)
    assert await reached(lambda: chat.counts["dropped_after_end"] >= 3, WITHIN_S)
    plugin.say(chat, "Is nobody there?")
    await plugin.start_hitl(chat)
    agents.reply(thread_id, agent(house), "Ah!")
    assert await reached(lambda: len(said(chat)) == 3, WITHIN_S)
    assert [line["text"] for line in said(chat)] == ["Hello", "Anybody?", "Ah!"]
    assert chat.counts["hitlAssigned"] == 1


async def test_what_was_heard_is_not_said_again(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, agents = house.stage.botpress.plugin, house.stage.hubspot.agents
    agents.reply(thread_id, agent(house), "Hello")
    plugin.say(chat, "Good morning")
    await house.until(chat, thread_id, user=1, agent=1)
    lost(chat)
    plugin.say(chat, "Are you still there?")
    await plugin.start_hitl(chat)
    agents.reply(thread_id, agent(house), "Yes")
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert [line["text"] for line in said(chat)] == ["Hello", "Yes"]


async def test_another_chat_of_the_user_has_a_handoff_of_its_own(house: House) -> None:
    chat, _ = await house.handoff()
    rooms = [
        await started(house.stage, chat, "A", "B"),
        await started(house.stage, chat, "A", "C", "B"),
        await started(house.stage, chat, title="1"),
        await started(house.stage, chat, title="2"),
    ]
    assert len(set(rooms)) == 4


async def test_a_start_after_a_stop_that_waits_is_a_new_one(house: House) -> None:
    chat, _ = await house.handoff()
    stage = house.stage
    assert stage.installation is not None
    first = await started(stage, chat, "A")
    refuses = stage.hubspot.faults.add(Fault(FaultKind.ERROR_503, ("messages.publish",)))
    operations = stage.botpress.operations
    words: Json = {"conversationId": first, "text": "Bye"}
    told = await operations.action(stage.installation, "sendMessage", words)
    assert told.status == 200, told.message
    await operations.action(stage.installation, "stopHitl", {"conversationId": first})
    stage.hubspot.faults.remove(refuses)

    second = await started(stage, chat, "A")

    assert second != first
    assert await started(stage, chat, "A") == second
    assert await started(stage, chat, "A", "Hello?") == second


async def test_what_a_resumed_chat_tells_is_published_beside_the_first(bare: House) -> None:
    """Each message of the second history has its own id, not that of one of the first."""
    home = await furnished(bare, historyMode="messages", reopen="resume")
    chat, thread_id = await home.handoff()
    agents, plugin = home.stage.hubspot.agents, home.stage.botpress.plugin
    # The history's last part: a message published after the close would open the thread again.
    await commented(home, thread_id, "Conversation before the handoff")
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    agents.reopen(thread_id)
    await commented(home, thread_id, "The bot has been asked to bring the user back")
    plugin.say(chat, "And")
    await plugin.start_hitl(chat, history=by_user(chat, "What I forgot"))
    assert await reached(
        lambda: "What I forgot" in str(home.stage.hubspot.transcript(thread_id)), WITHIN_S
    ), comments(home, thread_id)
