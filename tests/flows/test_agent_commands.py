"""Agents steer by private comment, and what happens to a thread reaches the user once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import (
    WrongClock,
    agent,
    commented,
    comments,
    entries,
    furnished,
    said,
)

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import Stage, reached


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
    await commented(home, thread_id, "Conversation before the handoff")
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
    await commented(home, thread_id, "Conversation before the handoff")
    before = len(comments(home, thread_id))
    home.stage.hubspot.agents.reopen(thread_id)
    assert await reached(lambda: len(comments(home, thread_id)) > before, WITHIN_S)
    assert not chat.active


@pytest.fixture
async def furnish(stage: Stage, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[House]]]:
    """A house with the given configuration."""
    house = House(stage, tmp_path)

    async def furnishing(**configuration: object) -> House:
        return await furnished(house, **configuration)

    yield furnishing
    await house.close()


Furnish = Callable[..., Awaitable[House]]


async def test_a_stop_word_of_the_user_ends_the_chat(furnish: Furnish) -> None:
    home = await furnish(stopWords="stop, goodbye\nfr: au revoir")
    chat, thread_id = await taken(home)
    home.stage.botpress.plugin.say(chat, "Goodbye!")
    assert await reached(lambda: not chat.active, WITHIN_S)
    thread = home.stage.hubspot.world.thread(thread_id)
    assert await reached(lambda: thread.status == "CLOSED", WITHIN_S)
    await commented(home, thread_id, "The user has ended the chat.")
    assert home.stage.heard_by_agent(thread_id) == ["Goodbye!"]


async def test_the_end_is_written_into_the_tags(furnish: Furnish) -> None:
    home = await furnish(stopWords="goodbye")
    chat, _ = await taken(home)
    home.stage.botpress.plugin.say(chat, "goodbye")
    room = home.stage.botpress.world.bot(home.stage.botpress.options.bot_id).conversations[
        chat.downstream or ""
    ]
    assert await reached(lambda: room.tags.get("state") == "resolved", WITHIN_S)
    assert room.tags["endReason"] == "patient-used-termination-command"
    assert room.tags["outcome"] == "resolved"
    assert int(room.tags["endedAt"]) >= int(room.tags["assignedAt"])


async def test_transfer_moves_the_chat_to_another_inbox(furnish: Furnish, stage: Stage) -> None:
    inboxes = list(stage.hubspot.world.portals[stage.hubspot.options.portal_id].inboxes)
    home = await furnish(inboxId=",".join(inboxes[:2]))
    chat, old_id = await taken(home)
    stage.hubspot.agents.comment(old_id, agent(home), f"/transfer {inboxes[1]}")
    assert await reached(lambda: stage.hubspot.world.thread(old_id).status == "CLOSED", WITHIN_S)
    assert await reached(lambda: stage.thread_of(chat) != old_id, WITHIN_S)
    new_id = stage.thread_of(chat)
    stage.botpress.plugin.say(chat, "still here")
    stage.hubspot.agents.reply(new_id, agent(home, 1), "Me too")
    assert await reached(lambda: stage.heard_by_agent(new_id) == ["still here"], WITHIN_S)
    assert await reached(lambda: "Me too" in [line["text"] for line in said(chat)], WITHIN_S)
    assert chat.active
    assert stage.hubspot.world.thread(new_id).inbox_id == inboxes[1]
    assert [line["text"] for line in said(chat)].count(
        "You are being transferred to another team."
    ) == 1


async def test_last_words_that_a_transfer_overtakes_still_arrive(
    furnish: Furnish, stage: Stage
) -> None:
    inboxes = list(stage.hubspot.world.portals[stage.hubspot.options.portal_id].inboxes)
    home = await furnish(inboxId=",".join(inboxes[:2]))
    chat, old_id = await taken(home)
    late = Fault(FaultKind.DELAY, ("webhook.channel.*",), seconds=1.0)
    stage.hubspot.faults.add(late)
    told = stage.hubspot.agents.reply(old_id, agent(home), "My colleague knows more")
    stage.hubspot.agents.comment(old_id, agent(home), f"/transfer {inboxes[1]}")
    assert await reached(lambda: stage.hubspot.world.thread(old_id).status == "CLOSED", WITHIN_S)
    assert "My colleague knows more" in [line["text"] for line in said(chat)]
    await stage.hubspot.settled()
    assert {e["id"]: e["status"] for e in entries(home, old_id)}[told] == "SENT"


async def test_an_agent_who_closes_the_old_thread_does_not_end_the_transferred_chat(
    furnish: Furnish, stage: Stage
) -> None:
    inboxes = list(stage.hubspot.world.portals[stage.hubspot.options.portal_id].inboxes)
    home = await furnish(inboxId=",".join(inboxes[:2]))
    chat, old_id = await taken(home)
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, ("messages.publish",), seconds=0.5))
    stage.hubspot.agents.comment(old_id, agent(home), f"/transfer {inboxes[1]}")
    assert await reached(lambda: stage.hubspot.faults.struck["latency"] == 1, WITHIN_S)
    stage.hubspot.agents.close(old_id, agent(home))
    assert await reached(lambda: stage.thread_of(chat) != old_id, WITHIN_S)
    new_id = stage.thread_of(chat)
    stage.hubspot.agents.reply(new_id, agent(home, 1), "Here I am")
    assert await reached(lambda: "Here I am" in [line["text"] for line in said(chat)], WITHIN_S)
    assert chat.active


async def test_who_takes_a_transferred_chat_is_told_wherever_our_clock_is(
    bare: House, stage: Stage
) -> None:
    inboxes = list(stage.hubspot.world.portals[stage.hubspot.options.portal_id].inboxes)
    bare.clock = WrongClock(60_000)
    home = await furnished(bare, inboxId=",".join(inboxes[:2]))
    chat, old_id = await taken(home)
    stage.hubspot.agents.comment(old_id, agent(home), f"/transfer {inboxes[1]}")
    assert await reached(lambda: stage.hubspot.world.thread(old_id).status == "CLOSED", WITHIN_S)
    assert await reached(lambda: stage.thread_of(chat) != old_id, WITHIN_S)
    stage.hubspot.agents.assign(stage.thread_of(chat), agent(home, 1))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 2, WITHIN_S)


async def test_a_user_who_is_asked_to_wait_is_told_and_the_agent_reminded(
    home: House,
) -> None:
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.comment(thread_id, agent(home), "/wait 1s")
    await commented(home, thread_id, "The user is waiting for an answer.")
    assert [line["text"] for line in said(chat)] == [
        "Please wait, an agent will be with you shortly."
    ]


async def test_a_late_reply_is_held_until_the_user_comes_back(furnish: Furnish) -> None:
    home = await furnish(lateReplies="hold")
    chat, thread_id = await taken(home)
    agents = home.stage.hubspot.agents
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    agents.reply(thread_id, agent(home), "One more thing")
    await commented(home, thread_id, "Your message is held")
    assert said(chat) == []


async def test_the_history_comes_as_messages_before_the_opening(furnish: Furnish) -> None:
    home = await furnish(historyMode="messages")
    _, thread_id = await home.handoff()
    await commented(home, thread_id, "Conversation before the handoff")
    told = sorted(entries(home, thread_id), key=lambda entry: str(entry["createdAt"]))
    assert told[0]["text"] == "I would like to talk to a person."
    assert told[0]["name"] == "Grace 1"
    assert [entry["name"] for entry in told[1:-1]] == ["Bot"]
    assert "Title: Question 1" in told[-1]["text"]


async def test_a_message_that_the_bot_refuses_is_failed_once_with_a_reason(home: House) -> None:
    chat, thread_id = await taken(home)
    definition = home.stage.botpress.world.options
    definition.check_payloads = True
    bot = home.stage.botpress.world.bot(definition.bot_id)
    del bot.conversations[chat.downstream or ""]
    message_id = home.stage.hubspot.agents.reply(thread_id, agent(home), "Hello?")
    statuses = home.stage.hubspot.journal
    assert await reached(lambda: bool(statuses.since(0, "status")), WITHIN_S)
    await home.stage.hubspot.settled()
    assert [(e["id"], e["status"]) for e in statuses.since(0, "status")] == [(message_id, "FAILED")]
    failed = next(one for one in entries(home, thread_id) if one["id"] == message_id)
    assert failed["failure"] == "The message could not be delivered to the user."


async def test_a_delay_is_told_to_the_agent_and_mended_by_the_delivery(home: House) -> None:
    chat, thread_id = await taken(home)
    home.stage.botpress.faults.add(Fault(FaultKind.ERROR_503, ("messages.get_or_create",)))
    home.stage.hubspot.agents.reply(thread_id, agent(home), "Hello?")
    statuses = home.stage.hubspot.journal
    assert await reached(lambda: len(statuses.since(0, "status")) == 1, WITHIN_S)
    assert said(chat) == []
    home.stage.botpress.faults.clear()
    assert await reached(lambda: len(statuses.since(0, "status")) == 2, WITHIN_S)
    assert len(said(chat)) == 1
    assert [e["status"] for e in statuses.since(0, "status")] == ["FAILED", "SENT"]


async def test_hidden_names_and_photos_never_reach_the_bot(furnish: Furnish) -> None:
    home = await furnish(agentName=False, agentPhoto=False, agentEmail=False)
    chat, _ = await taken(home)
    person = home.stage.hubspot.agents.list()[0]
    assert chat.agent_name == "Agent"
    bot = home.stage.botpress.world.bot(home.stage.botpress.options.bot_id)
    known = str([user.wire() for user in bot.users.values()])
    assert person.name not in known
    assert person.email not in known


async def test_a_text_can_be_replaced_and_switched_off(furnish: Furnish) -> None:
    home = await furnish(texts={"agent-changed": "NULL", "agent-left": "Bye for now"})
    chat, thread_id = await taken(home)
    home.stage.hubspot.agents.assign(thread_id, agent(home, 1))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 2, WITHIN_S)
    home.stage.hubspot.agents.unassign(thread_id)
    assert await reached(lambda: bool(said(chat)), WITHIN_S)
    assert [line["text"] for line in said(chat)] == ["Bye for now"]


async def test_an_end_as_spam_has_that_reason(home: House) -> None:
    home.stage.hubspot.options.spam_closes = True
    chat, thread_id = await taken(home)
    room = home.stage.botpress.world.bot(home.stage.botpress.options.bot_id).conversations[
        chat.downstream or ""
    ]
    home.stage.hubspot.agents.mark_spam(thread_id)
    assert await reached(lambda: room.tags.get("endReason") == "marked-as-spam", WITHIN_S)
    assert not chat.active


async def test_a_move_to_another_inbox_is_noticed_with_the_next_assignment(home: House) -> None:
    chat, thread_id = await taken(home)
    stage = home.stage
    inboxes = list(stage.hubspot.world.portals[stage.hubspot.options.portal_id].inboxes)
    stage.hubspot.agents.transfer(thread_id, inboxes[1])
    stage.hubspot.agents.assign(thread_id, agent(home, 1))
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert [line["text"] for line in said(chat)] == [
        "You are being transferred to another team.",
        "Another agent is taking over.",
    ]


async def test_an_agent_joins_also_while_the_threads_inbox_cannot_be_read(home: House) -> None:
    chat, thread_id = await home.handoff()
    home.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("threads.get",)))
    home.stage.hubspot.agents.assign(thread_id, agent(home))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    home.stage.hubspot.agents.reply(thread_id, agent(home), "Hello")
    assert await reached(lambda: [one["text"] for one in said(chat)] == ["Hello"], WITHIN_S)


async def test_an_end_whose_reason_cannot_be_read_is_a_plain_one(home: House) -> None:
    home.stage.hubspot.options.spam_closes = True
    chat, thread_id = await taken(home)
    home.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("threads.get",)))
    home.stage.hubspot.agents.mark_spam(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    home.stage.hubspot.faults.clear()
    room = home.stage.botpress.world.bot(home.stage.botpress.options.bot_id).conversations[
        chat.downstream or ""
    ]
    assert await reached(lambda: room.tags.get("endReason") is not None, WITHIN_S)
    assert room.tags["endReason"] == "agent-closed-ticket"


async def test_an_agent_whose_user_was_deleted_at_the_bot_is_mirrored_anew(home: House) -> None:
    chat, thread_id = await home.handoff()
    stage = home.stage
    bot = stage.botpress.world.bot(stage.botpress.options.bot_id)

    def delete_agents() -> None:
        for one in [user for user in bot.users.values() if "actorId" in user.tags]:
            bot.user_tags.remove(one.id, one.tags)
            del bot.users[one.id]

    stage.hubspot.agents.reply(thread_id, agent(home), "One")
    assert await reached(lambda: len(said(chat)) == 1, WITHIN_S)

    delete_agents()
    stage.hubspot.agents.reply(thread_id, agent(home), "Two")
    assert await reached(lambda: [x["text"] for x in said(chat)] == ["One", "Two"], WITHIN_S)

    delete_agents()
    other, other_thread = await home.handoff(2)
    stage.hubspot.agents.assign(other_thread, agent(home))
    assert await reached(lambda: other.counts["hitlAssigned"] == 1, WITHIN_S)
    assert other.agent_id in bot.users
