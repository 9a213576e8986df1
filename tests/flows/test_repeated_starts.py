"""A start whose answer the bot never had, and which it repeats later, goes on in its handoff."""

from __future__ import annotations

import asyncio

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, comments, furnished, said

from hubspot_hitl.integration.actions import DEFAULT_DESCRIPTION
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

SAME = "The bot could not help."
"""What the house's handoffs are described by."""


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

    assert await plugin.start_hitl(chat, title="Order 7", description=SAME) == room

    assert list(house.stage.hubspot.world.threads) == [thread_id]
    shown = await commented(house, thread_id, "Is nobody there?")
    assert "I need a person" not in shown
    plugin.say(chat, "Hello")
    await house.until(chat, thread_id, user=1)


async def test_the_agent_reads_a_description_that_changed(house: House) -> None:
    chat, _ = await house.handoff()
    words, stage = ("A", "B", "C"), house.stage
    room = await started(stage, chat, *words, description="An order")
    assert await started(stage, chat, *words, description="Order 4711") == room
    thread_id = list(stage.hubspot.world.threads)[-1]
    await commented(house, thread_id, "Order 4711")


async def test_it_is_the_same_also_while_the_first_is_being_opened(house: House) -> None:
    chat, _ = await house.handoff()
    stage = house.stage
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, ("messages.publish",), seconds=0.3))
    first = asyncio.create_task(started(stage, chat, "A", title="1", description=SAME))
    assert await reached(lambda: bool(stage.hubspot.faults.struck), WITHIN_S)
    second = await started(stage, chat, "A", "B", title="2", description=SAME)
    assert await first == second
    assert len(stage.hubspot.world.threads) == 2


async def test_the_new_session_hears_who_answers(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, agents = house.stage.botpress.plugin, house.stage.hubspot.agents
    agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    lost(chat)
    plugin.say(chat, "Is nobody there?")
    await plugin.start_hitl(chat, description=SAME)
    assert await reached(lambda: chat.counts["hitlAssigned"] == 2, WITHIN_S)


async def test_what_agents_said_to_nobody_is_said_to_the_new_session(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin, agents = house.stage.botpress.plugin, house.stage.hubspot.agents
    lost(chat)
    for text in ("Hello", "Anybody?"):
        agents.reply(thread_id, agent(house), text)
    assert await reached(lambda: chat.counts["dropped_after_end"] >= 3, WITHIN_S)
    plugin.say(chat, "Is nobody there?")
    await plugin.start_hitl(chat, description=SAME)
    agents.reply(thread_id, agent(house), "Ah!")
    assert await reached(lambda: len(said(chat)) == 3, WITHIN_S)
    assert [line["text"] for line in said(chat)] == ["Hello", "Anybody?", "Ah!"]
    assert chat.counts["hitlAssigned"] == 1


async def test_a_chat_whose_bot_has_passed_something_on_has_had_its_answer(house: House) -> None:
    chat, thread_id = await house.handoff()
    plugin = house.stage.botpress.plugin
    plugin.say(chat, "Good morning")
    await house.until(chat, thread_id, user=1)
    room = lost(chat)
    plugin.say(chat, "Are you still there?")
    assert await plugin.start_hitl(chat, description=SAME) != room


async def test_another_chat_of_the_user_has_a_handoff_of_its_own(house: House) -> None:
    chat, _ = await house.handoff()
    rooms = [
        await started(house.stage, chat, "A", "B"),
        await started(house.stage, chat, "A", "C", "B"),
        await started(house.stage, chat, title="1"),
        await started(house.stage, chat, title="2"),
    ]
    assert len(set(rooms)) == 4


async def test_one_message_in_common_is_no_proof(house: House) -> None:
    """Two tabs: a start is another unless what is alike could hardly be so by chance."""
    chat, _ = await house.handoff()
    stage = house.stage
    first = await started(stage, chat, "Hello")
    assert await started(stage, chat, "Hello", "Something else") != first
    default = await started(stage, chat, "Hi", description=DEFAULT_DESCRIPTION)
    assert await started(stage, chat, "Hi", "Oh", description=DEFAULT_DESCRIPTION) != default


async def test_another_inbox_is_another_start(house: House) -> None:
    chat, _ = await house.handoff()
    stage, words = house.stage, ("A", "B", "C")
    first = await started(stage, chat, *words)
    (portal,) = stage.hubspot.world.portals.values()
    asked = {"inboxId": next(iter(portal.inboxes))}
    assert await started(stage, chat, *words, "D", hitlSession=asked) != first
    assert await started(stage, chat, *words, "D") == first


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


async def test_a_start_while_the_bot_is_told_of_the_end_is_a_new_one(house: House) -> None:
    chat, thread_id = await house.handoff()
    stage, plugin = house.stage, house.stage.botpress.plugin
    room = lost(chat)
    slow = Fault(FaultKind.LATENCY, ("events.create",), seconds=0.6, after=True)
    stage.botpress.faults.add(slow)
    stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: chat.counts["dropped_after_end"] == 1, WITHIN_S)

    plugin.say(chat, "Is nobody there?")
    assert await plugin.start_hitl(chat, description=SAME) != room

    assert stage.thread_of(chat) != thread_id
    plugin.say(chat, "Hello")
    await house.until(chat, stage.thread_of(chat), user=1)


async def test_a_start_while_the_ended_thread_cannot_be_closed_is_a_new_one(bare: House) -> None:
    house = await furnished(bare, stopWords="bye")
    chat, _ = await house.handoff()
    stage = house.stage
    request: Json = {"title": "Again", "history": by_user(chat, "Bye")}
    lost(chat)
    room = await stage.botpress.plugin.start_hitl(chat, **request)
    refuses = stage.hubspot.faults.add(Fault(FaultKind.ERROR_503, ("threads.update",)))
    stage.botpress.plugin.say(chat, "bye")
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert await reached(lambda: bool(stage.hubspot.faults.struck), WITHIN_S)
    chat.started_for.clear()

    assert await stage.botpress.plugin.start_hitl(chat, **request) != room

    stage.hubspot.faults.remove(refuses)
    plugin = stage.botpress.plugin
    plugin.say(chat, "Hello")
    await house.until(chat, stage.thread_of(chat), user=1)
    assert chat.active


@pytest.mark.parametrize("more", [(), ("D",)], ids=["equal", "gone on"])
async def test_an_end_that_overtakes_the_repeated_start_is_told_again(
    house: House, more: tuple[str, ...]
) -> None:
    """The new session may begin after the end was told, and hears nothing of what came before."""
    chat, _ = await house.handoff()
    stage, words = house.stage, ("A", "B", "C")
    room = await started(stage, chat, *words)
    thread_id = list(stage.hubspot.world.threads)[-1]
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, ("threads.get",), seconds=0.4))
    stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: bool(stage.hubspot.faults.struck), WITHIN_S)

    assert await started(stage, chat, *words, *more) == room

    def ends() -> int:
        events = [one for bot in stage.botpress.world.bots.values() for one in bot.events.values()]
        told = [one for one in events if one.type == "hitlStopped"]
        return sum(one.payload["conversationId"] == room for one in told)

    assert await reached(lambda: ends() == 2, WITHIN_S), ends()


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
