"""What agents learn of their messages: sent, read, failed; and users of theirs."""

from __future__ import annotations

import asyncio

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, entries, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.twins.wire import Json


@pytest.fixture
def house(bare: House) -> House:
    return bare


async def answered(house: House, count: int = 2) -> tuple[Chat, str, list[str]]:
    """A handoff with messages of an agent that have reached the user."""
    chat, thread_id = await house.handoff()
    agents = house.stage.hubspot.agents
    agents.assign(thread_id, agent(house))
    ids = [agents.reply(thread_id, agent(house), f"answer {n}") for n in range(count)]
    assert await reached(lambda: len(said(chat)) == count, WITHIN_S)
    assert await told(house, {id_: "SENT" for id_ in ids})
    return chat, thread_id, ids


def statuses(house: House) -> dict[str, str]:
    """The latest status of each message."""
    return {str(e["id"]): str(e["status"]) for e in house.stage.hubspot.journal.since(0, "status")}


async def told(house: House, wanted: dict[str, str]) -> bool:
    return await reached(lambda: wanted.items() <= statuses(house).items(), WITHIN_S)


async def mark_read(house: House, chat: Chat, **more: object) -> Json:
    installation = house.stage.installation
    assert installation is not None
    answer = await house.stage.botpress.operations.action(
        installation, "markRead", {"conversationId": chat.downstream, **more}
    )
    return {
        "status": answer.status,
        "message": answer.message,
        **(answer.json().get("output") or {}),
    }


async def test_what_the_bot_says_was_read_is_marked_read_once(house: House) -> None:
    await furnished(house)
    chat, _, ids = await answered(house)
    assert (await mark_read(house, chat, readAt="2020-01-01T00:00:00Z"))["marked"] == 0
    marked = 0
    for _ in range(1_000):  # SENT is told a moment before the delivery counts as done
        marked += (await mark_read(house, chat))["marked"]
        if marked == 2:
            break
        await asyncio.sleep(0.02)
    assert marked == 2
    assert (await mark_read(house, chat, readAt=""))["marked"] == 0
    assert await told(house, {id_: "READ" for id_ in ids})


async def test_a_reply_proves_reading_only_where_the_setting_says_so(house: House) -> None:
    await furnished(house, readReceipts="reply")
    chat, thread_id, ids = await answered(house)
    for _ in range(500):  # SENT is told a moment before the delivery counts as done
        house.stage.botpress.plugin.say(chat, "Thanks")
        await asyncio.sleep(0.05)
        if {statuses(house)[id_] for id_ in ids} == {"READ"}:
            break
    assert await told(house, {id_: "READ" for id_ in ids})
    late = house.stage.hubspot.agents.reply(thread_id, agent(house), "You are welcome")
    assert await told(house, {late: "SENT"})


async def test_by_default_a_reply_marks_nothing(house: House) -> None:
    await furnished(house)
    chat, thread_id, ids = await answered(house)
    house.stage.botpress.plugin.say(chat, "Thanks")
    await house.until(chat, thread_id, user=1, agent=2)
    await house.stage.hubspot.settled()
    assert {statuses(house)[id_] for id_ in ids} == {"SENT"}


async def test_with_read_receipts_off_nothing_is_marked(house: House) -> None:
    await furnished(house, readReceipts="off")
    chat, _, _ = await answered(house, 1)
    assert (await mark_read(house, chat))["marked"] == 0


async def test_a_wrong_time_or_conversation_is_refused_with_a_reason(house: House) -> None:
    await furnished(house)
    chat, _, _ = await answered(house, 1)
    refused = await mark_read(house, chat, readAt="yesterday")
    assert (refused["status"], "2026-05-31T09:00:00Z" in refused["message"]) == (400, True)
    refused = await mark_read(house, chat, conversationId="conv_unknown")
    assert (refused["status"], "has no HubSpot thread" in refused["message"]) == (400, True)


async def test_a_message_of_the_user_that_hubspot_refuses_is_told_to_the_user_once(
    house: House,
) -> None:
    await furnished(house)
    chat, thread_id, _ = await answered(house, 1)
    house.stage.hubspot.options.closed_thread_publish = "refuse"
    house.stage.hubspot.world.thread(thread_id).status = "CLOSED"
    house.stage.botpress.plugin.say(chat, "lost?")
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert said(chat)[1]["text"].startswith("Your message could not be delivered")
    bot = house.stage.botpress.world.bot(house.stage.botpress.options.bot_id)
    lost = [one for one in bot.messages.values() if one.payload.get("text") == "lost?"]
    # The user is told a moment before the message is marked.
    assert await reached(lambda: [one.tags.get("status") for one in lost] == ["failed"], WITHIN_S)
    assert "lost?" not in str(entries(house, thread_id))


async def test_a_reply_to_a_user_who_has_gone_fails_with_a_reason_and_a_note(house: House) -> None:
    await furnished(house)
    chat, thread_id, _ = await answered(house, 1)
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    late = house.stage.hubspot.agents.reply(thread_id, agent(house), "One more thing")
    assert await told(house, {late: "FAILED"})
    failed = next(one for one in entries(house, thread_id) if one["id"] == late)
    assert failed["failure"] == "The chat has ended: the user did not get your message."
    assert len(said(chat)) == 1


async def test_a_held_reply_reaches_a_user_who_comes_back_once(house: House) -> None:
    await furnished(house, lateReplies="hold")
    chat, thread_id, _ = await answered(house, 1)
    agents = house.stage.hubspot.agents
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    late = agents.reply(thread_id, agent(house), "One more thing")
    assert await reached(
        lambda: "Your message is held" in str(entries(house, thread_id, "COMMENT")), 5
    )
    house.stage.botpress.plugin.say(chat, "I am back")
    await house.stage.botpress.plugin.start_hitl(chat, title="Again")
    agents.assign(house.stage.thread_of(chat), agent(house))
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert said(chat)[1]["text"] == "One more thing"
    assert await told(house, {late: "SENT"})
