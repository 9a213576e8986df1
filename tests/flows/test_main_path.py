"""The main path, over real HTTP, as both vendors see it."""

from __future__ import annotations

import asyncio

import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.botpress.chat import StartFailedError
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.records import Account
from hubspot_hitl.twins.hubspot.threads import open_thread
from hubspot_hitl.twins.stage import Tally, reached
from hubspot_hitl.twins.wire import Json


def entries(house: House, thread_id: str, kind: str = "MESSAGE") -> list[Json]:
    return [e for e in house.stage.hubspot.transcript(thread_id) if e["type"] == kind]


def agent(house: House, number: int = 0) -> str:
    return house.stage.hubspot.agents.list()[number].actor_id


async def test_a_whole_handoff_loses_doubles_and_reorders_nothing(house: House) -> None:
    tally = Tally()
    await asyncio.gather(*(house.stage.play(n, 5, tally, within_s=WITHIN_S) for n in range(6)))
    assert tally == Tally(handoffs=6, user_messages=30, agent_messages=30)


async def test_the_first_message_carries_name_title_and_description(house: House) -> None:
    _, thread_id = await house.handoff(3)
    opening = entries(house, thread_id)[0]
    assert opening["direction"] == "INCOMING"
    assert opening["name"] == "Edsger 3"
    for words in ("Edsger 3", "Title: Question 3", "Description: The bot could not help."):
        assert words in opening["text"]


async def test_a_subject_of_the_session_comes_first_and_its_facts_stand_in_the_header(
    house: House,
) -> None:
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat("Ada", "ada@example.com")
    plugin.say(chat, "help")
    session: Json = {"subject": "Refund", "intent": "cancel-order", "sentiment": "cross"}
    await plugin.start_hitl(chat, title="Order 7", session=session)
    thread_id = house.stage.thread_of(chat)
    assert entries(house, thread_id)[0]["text"].splitlines()[:2] == ["Subject: Refund", "Name: Ada"]
    assert await reached(lambda: bool(entries(house, thread_id, "COMMENT")), WITHIN_S)
    header = entries(house, thread_id, "COMMENT")[0]["text"].splitlines()
    assert header[2:5] == ["Subject: Refund", "Intent: cancel-order", "Sentiment: cross"]


async def test_the_agent_reads_the_conversation_before_the_handoff(house: House) -> None:
    _, thread_id = await house.handoff()
    assert await reached(lambda: bool(entries(house, thread_id, "COMMENT")), WITHIN_S)
    comment = entries(house, thread_id, "COMMENT")[0]["text"]
    assert "I would like to talk to a person." in comment


async def test_hitl_assigned_names_the_agent_and_comes_once(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    house.stage.hubspot.agents.reply(thread_id, agent(house), "Hello")
    await house.until(chat, thread_id, agent=1)
    person = house.stage.hubspot.agents.list()[0]
    assert chat.agent_name == person.name
    assert chat.counts["hitlAssigned"] == chat.counts["joined_texts"] == 1


@pytest.mark.parametrize("kind", [FaultKind.ERROR_500, FaultKind.ERROR_502, FaultKind.RESET_AFTER])
async def test_an_assignment_whose_answer_was_lost_is_told_once(
    house: House, kind: FaultKind
) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.faults.add(Fault(kind, ("events.create",), times=1, after=True))
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    house.stage.hubspot.agents.reply(thread_id, agent(house), "Hello")
    await house.until(chat, thread_id, agent=1)
    assert chat.counts["hitlAssigned"] == chat.counts["joined_texts"] == 1


async def test_a_reply_before_the_assignment_still_has_the_agents_name(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.reply(thread_id, agent(house, 1), "I am quick")
    await house.until(chat, thread_id, agent=1)
    assert chat.lines[-1]["name"] == house.stage.hubspot.agents.list()[1].name
    house.stage.hubspot.agents.assign(thread_id, agent(house, 1))
    await house.stage.hubspot.settled()
    house.stage.hubspot.agents.reply(thread_id, agent(house, 1), "and here")
    await house.until(chat, thread_id, agent=2)
    assert chat.counts["joined_texts"] == 1


async def test_the_agents_message_becomes_sent(house: House) -> None:
    chat, thread_id = await house.handoff()
    message_id = house.stage.hubspot.agents.reply(thread_id, agent(house), "Hello")
    await house.until(chat, thread_id, agent=1)
    statuses = house.stage.hubspot.journal
    assert await reached(
        lambda: any(e["id"] == message_id for e in statuses.since(0, "status")), WITHIN_S
    )
    assert statuses.since(0, "status")[-1]["status"] == "SENT"


async def test_a_close_by_the_agent_gives_the_chat_back_to_the_bot(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert chat.counts["hitlStopped"] == 1
    assert chat.end_reason == "agent-closed-ticket"


async def test_a_stop_by_the_bot_closes_the_thread_and_echoes_nothing(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "Never mind")
    await house.until(chat, thread_id, user=1)
    await house.stage.botpress.plugin.stop_hitl(chat)
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    await house.stage.hubspot.settled()
    await house.stage.botpress.plugin.stop_hitl(chat)
    assert house.stage.heard_by_agent(thread_id)[0] == "Never mind"
    assert chat.counts["hitlStopped"] == 0


async def test_a_stop_while_hubspot_fails_ends_the_session_and_closes_the_thread_later(
    house: House,
) -> None:
    """The plugin has told the user of the end by then: a stop that failed would help nobody."""
    chat, thread_id = await house.handoff()
    house.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("threads.update",), times=3))
    answer = await house.stage.botpress.plugin.stop_hitl(chat)
    assert answer is not None
    assert (answer.status, answer.json()["output"]) == (200, {})
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    assert not chat.active


async def test_the_user_can_leave_with_the_plugins_command(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "/END")
    thread = house.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    assert house.stage.heard_by_agent(thread_id) == ["( The user has ended the session. )"]


async def test_the_same_start_again_returns_the_same_handoff(house: House) -> None:
    chat, thread_id = await house.handoff()
    installation = house.stage.installation
    assert installation is not None
    request: Json = {"userId": chat.person.downstream, "title": "T", "messageHistory": []}
    answers = await asyncio.gather(
        *(house.stage.botpress.operations.action(installation, "startHitl", request) for _ in "123")
    )
    assert {answer.status for answer in answers} == {200}
    assert len({str(answer.json()["output"]) for answer in answers}) == 1
    assert len(house.stage.hubspot.world.threads) == 2
    assert thread_id in house.stage.hubspot.world.threads


async def test_two_handoffs_of_one_user_never_mix(house: House) -> None:
    plugin = house.stage.botpress.plugin
    first, first_thread = await house.handoff()
    second = plugin.open_chat(person=first.person)
    plugin.say(second, "Something else")
    await plugin.start_hitl(second, title="Another question")
    second_thread = house.stage.thread_of(second)
    plugin.say(first, "to the first")
    plugin.say(second, "to the second")
    await house.until(first, first_thread, user=1)
    await house.until(second, second_thread, user=1)
    assert first_thread != second_thread
    assert house.stage.heard_by_agent(first_thread) == ["to the first"]
    assert house.stage.heard_by_agent(second_thread) == ["to the second"]


async def test_events_that_overtake_the_start_wait_for_it(house: House) -> None:
    house.stage.hubspot.options.auto_assign = "round_robin"
    chat, _ = await house.handoff()
    assert await reached(lambda: chat.counts["joined_texts"] == 1, WITHIN_S)
    assert house.stage.botpress.plugin.unknown_dropped == 0
    assert chat.counts["dropped_after_end"] == 0


async def test_threads_that_are_not_ours_create_nothing(house: House) -> None:
    world = house.stage.hubspot.world
    portal = world.portals[house.stage.hubspot.options.portal_id]
    inbox = next(iter(portal.inboxes))
    chat_widget = Account("1", "1000", portal.id, inbox, "Live chat", True, 0.0)
    stranger = open_thread(world, portal, chat_widget, "x", ("V-1", {})).id
    house.stage.hubspot.agents.assign(stranger, agent(house))
    house.stage.hubspot.agents.close(stranger)
    await house.stage.hubspot.settled()
    calls = {call["operation"] for call in house.stage.botpress.journal.since(0, "call")}
    assert calls == {"front.webhook"}


async def test_a_late_message_of_the_agent_is_refused_with_a_reason(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    house.stage.hubspot.agents.reply(thread_id, agent(house), "One more thing")
    assert await reached(lambda: entries(house, thread_id)[-1]["status"] == "FAILED", WITHIN_S)
    assert entries(house, thread_id)[-1]["failure"]
    assert house.stage.heard_by_user(chat) == []


async def test_a_last_answer_that_the_close_overtakes_still_arrives(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.hubspot.faults.add(Fault(FaultKind.DELAY, ("webhook.channel.*",), seconds=0.5))
    house.stage.hubspot.agents.reply(thread_id, agent(house), "Goodbye")
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    assert house.stage.heard_by_user(chat) == ["Goodbye"]
    await house.stage.hubspot.settled()
    assert house.stage.heard_by_user(chat) == ["Goodbye"]


async def test_last_answers_that_overtake_each_other_and_the_close_all_arrive(house: House) -> None:
    chat, thread_id = await house.handoff()
    agents, hubspot = house.stage.hubspot.agents, house.stage.hubspot
    bot = house.stage.botpress.faults
    bot.add(Fault(FaultKind.LATENCY, ("messages.get_or_create",), times=1, seconds=1.0))
    agents.reply(thread_id, agent(house), "1")
    # "1" holds the lane while the webhooks of the others come in the wrong order, then the close
    assert await reached(lambda: bot.struck.total() == 1, WITHIN_S)
    for text, seconds in (("2", 0.5), ("3", 0.4), ("4", 0.3)):
        delay = Fault(FaultKind.DELAY, ("webhook.channel.*",), times=1, seconds=seconds)
        hubspot.faults.add(delay)
        agents.reply(thread_id, agent(house), text)
    delay = Fault(FaultKind.DELAY, ("webhook.app.*",), times=1, seconds=0.7)
    hubspot.faults.add(delay)
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    await hubspot.settled()
    assert house.stage.heard_by_user(chat) == ["1", "2", "3", "4"]
    assert "FAILED" not in [entry["status"] for entry in entries(house, thread_id)]


async def test_a_start_that_hubspot_refuses_raises_and_leaves_nothing(house: House) -> None:
    portal = house.stage.hubspot.world.portals[house.stage.hubspot.options.portal_id]
    account = next(iter(portal.accounts.values()))
    account.authorized = False
    with pytest.raises(StartFailedError) as caught:
        await house.handoff()
    assert caught.value.status == 400
    assert "The handoff could not start" in str(caught.value)
    account.authorized = True
    chat, thread_id = await house.handoff(2)
    assert chat.active
    assert list(house.stage.hubspot.world.threads) == [thread_id]


async def test_nothing_is_lost_over_a_restart(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "before")
    await house.until(chat, thread_id, user=1)
    await house.close()
    house.stage.botpress.plugin.say(chat, "meanwhile")
    house.stage.hubspot.agents.reply(thread_id, agent(house), "answer meanwhile")
    await house.open()
    house.stage.botpress.plugin.say(chat, "after")
    await house.until(chat, thread_id, user=3, agent=1)
    assert house.stage.heard_by_agent(thread_id) == ["before", "meanwhile", "after"]
    assert house.stage.heard_by_user(chat) == ["answer meanwhile"]
