"""The bot of the Botpress twin behaves like the HITL plugin, races and quirks included."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.unit.twins.conftest import BotClient, Json, Sink

from hubspot_hitl.twins.botpress import Chat, StartFailedError


@dataclass(slots=True)
class Session:
    """A handoff that the sink, as the integration, has accepted."""

    bot: BotClient
    sink: Sink
    chat: Chat
    room: str
    agent: str

    def said(self) -> list[str]:
        return [f"{line['author']}: {line['text']}" for line in self.chat.lines]


async def accept(bot: BotClient, sink: Sink) -> str:
    """Let the sink answer the actions with a real user and conversation."""
    room, user = await bot.room(), await bot.user("Mirror", id="user")
    sink.replies["createUser"] = {"output": {"userId": user}, "meta": {"cost": 0}}
    sink.replies["startHitl"] = {"output": {"conversationId": room}, "meta": {"cost": 0}}
    return room


@pytest.fixture
async def session(bot: BotClient, sink: Sink) -> Session:
    room = await accept(bot, sink)
    chat = bot.twin.plugin.open_chat("Uma", "uma@example.test")
    bot.twin.plugin.say(chat, "I need a person")
    await bot.twin.plugin.start_hitl(chat, "Help", "with my order")
    return Session(bot, sink, chat, room, await bot.user("Agent 1", id="A-1"))


async def test_the_user_reads_the_handoff_text_before_anything_is_called(session: Session) -> None:
    create, start = (one.json for one in session.sink.operations("action_triggered"))
    options = session.bot.twin.options
    assert create["input"] == {"name": "Uma", "email": "uma@example.test"}
    assert (start["input"]["title"], start["input"]["description"]) == ("Help", "with my order")
    assert session.said() == ["user: I need a person", f"bot: {options.handoff_text}"]
    history = start["input"]["messageHistory"]
    assert [one["source"]["type"] for one in history] == ["user", "bot"]
    assert history[-1]["payload"] == {"text": options.handoff_text}


async def test_a_user_without_email_gets_a_made_up_address(bot: BotClient, sink: Sink) -> None:
    await accept(bot, sink)
    chat = bot.twin.plugin.open_chat()
    await bot.twin.plugin.start_hitl(chat)
    given = sink.operations("action_triggered")[0].json["input"]
    bot_id = bot.installation.bot_id.replace("_", "-")
    assert given["name"] == "Unknown User"
    assert given["email"] == f"{chat.person.id}@no-reply.{bot_id}.botpress.com"


async def test_a_known_user_is_not_created_again(session: Session) -> None:
    plugin = session.bot.twin.plugin
    again = plugin.open_chat(person=session.chat.person)
    await plugin.start_hitl(again)
    kinds = [one.json["type"] for one in session.sink.operations("action_triggered")]
    assert kinds == ["createUser", "startHitl", "startHitl"]


async def test_a_second_start_does_nothing(session: Session) -> None:
    plugin = session.bot.twin.plugin
    assert await plugin.start_hitl(session.chat) is None
    await session.bot.emit("hitlStopped", session.room)
    assert await plugin.start_hitl(session.chat) is None
    plugin.say(session.chat, "Again")
    assert await plugin.start_hitl(session.chat) == session.room


@pytest.mark.parametrize(
    ("replies", "step"),
    [
        ({}, "createUser"),
        ({"createUser": {"output": {"userId": "u"}}}, "startHitl"),
        (
            {
                "createUser": {"output": {"userId": "u"}},
                "startHitl": {"output": {"conversationId": "conv_unknown"}},
            },
            "reading the conversation back",
        ),
    ],
)
async def test_a_failed_start_leaves_the_handoff_text_and_no_session(
    bot: BotClient, sink: Sink, replies: dict[str, dict[str, object]], step: str
) -> None:
    sink.replies |= replies
    chat = bot.twin.plugin.open_chat("Uma")
    with pytest.raises(StartFailedError, match=step):
        await bot.twin.plugin.start_hitl(chat)
    assert (chat.active, chat.counts["failed_starts"]) == (False, 1)
    assert [line["text"] for line in chat.lines] == [bot.twin.options.handoff_text]


async def test_what_arrives_before_the_start_has_returned_is_dropped(
    bot: BotClient, sink: Sink
) -> None:
    room = await accept(bot, sink)
    agent = await bot.user("Agent 1", id="A-1")
    chat = bot.twin.plugin.open_chat("Uma")
    await bot.emit("hitlAssigned", room, userId=agent)
    await bot.tell(room, agent, "too early", id="hs-1")
    await bot.twin.plugin.start_hitl(chat)
    assert bot.twin.plugin.unknown_dropped == 2
    assert (chat.agent_id, len(chat.lines)) == (None, 1)


async def test_a_user_message_becomes_an_operation_with_user_and_type(session: Session) -> None:
    session.bot.twin.plugin.say(session.chat, "Hello?")
    await session.bot.twin.settled()
    (request,) = session.sink.operations("message_created")
    body = request.json
    assert body["payload"] == {
        "text": "Hello?",
        "type": "text",
        "userId": session.chat.person.downstream,
    }
    assert (body["type"], body["conversation"]["id"]) == ("text", session.room)
    assert (body["message"]["direction"], body["message"]["userId"]) == (
        "outgoing",
        body["user"]["id"],
    )


async def test_the_integration_can_tag_a_user_message(session: Session) -> None:
    session.bot.twin.plugin.say(session.chat, "Hello?")
    await session.bot.twin.settled()
    message = session.sink.operations("message_created")[0].json["message"]["id"]
    path = f"/v1/chat/messages/{message}"
    answer = await session.bot.call("PUT", path, {"tags": {"id": "hs-1"}})
    assert answer.json["message"]["tags"] == {"id": "hs-1"}


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file", "bloc"])
async def test_media_cross_and_other_kinds_get_an_apology(session: Session, kind: str) -> None:
    plugin = session.bot.twin.plugin
    plugin.send(session.chat, kind, {"url": "https://files.example/1"})
    plugin.send(session.chat, "location", {"latitude": 1, "longitude": 2})
    await session.bot.twin.settled()
    sent = [one.json["type"] for one in session.sink.operations("message_created")]
    assert sent == [kind]
    assert session.said()[-1] == f"bot: {session.bot.twin.options.apology_text}"


async def test_a_user_message_is_tried_again_until_taken_and_in_order(session: Session) -> None:
    session.sink.statuses = [500, 503]
    for text in ("one", "two"):
        session.bot.twin.plugin.say(session.chat, text)
    await session.bot.twin.settled()
    texts = [one.json["payload"]["text"] for one in session.sink.operations("message_created")]
    assert texts == ["one", "one", "one", "two"]
    assert session.chat.counts["delivered"] == 2


async def test_a_refusal_is_not_tried_again(session: Session) -> None:
    session.sink.statuses = [400]
    session.bot.twin.plugin.say(session.chat, "one")
    await session.bot.twin.settled()
    assert len(session.sink.operations("message_created")) == 1
    assert session.chat.counts["failed_messages"] == 1


async def test_retries_can_be_switched_off(session: Session) -> None:
    session.bot.twin.options.message_retries = 0
    session.sink.statuses = [500]
    session.bot.twin.plugin.say(session.chat, "one")
    await session.bot.twin.settled()
    assert len(session.sink.operations("message_created")) == 1


async def test_an_agents_message_reaches_the_user_with_its_author(session: Session) -> None:
    await session.bot.emit("hitlAssigned", session.room, userId=session.agent)
    await session.bot.tell(session.room, session.agent, "Hi Uma", id="hs-1")
    line = session.chat.lines[-1]
    assert (line["author"], line["name"], line["text"]) == ("agent", "Agent 1", "Hi Uma")
    assert (session.chat.agent_id, session.chat.agent_name) == (session.agent, "Agent 1")


async def test_the_joined_text_appears_with_every_assignment(session: Session) -> None:
    for _ in range(2):
        await session.bot.emit("hitlAssigned", session.room, userId=session.agent)
    joined = f"bot: {session.bot.twin.options.joined_text}"
    assert session.said().count(joined) == session.chat.counts["joined_texts"] == 2


async def test_the_first_agent_message_assigns_its_author(session: Session) -> None:
    await session.bot.tell(session.room, session.agent, "Hi", id="hs-1")
    assert session.chat.agent_id == session.agent
    assert session.said()[-2:] == [f"bot: {session.bot.twin.options.joined_text}", "agent: Hi"]
    await session.bot.emit("hitlAssigned", session.room, userId=session.agent)
    assert session.chat.counts["joined_texts"] == 2


async def test_a_doubled_agent_message_is_counted(session: Session) -> None:
    for _ in range(2):
        await session.bot.tell(session.room, session.agent, "Hi")
    assert session.chat.counts["duplicates"] == 1


async def test_an_unknown_kind_from_the_agent_is_answered_with_a_warning(session: Session) -> None:
    body: Json = {
        "type": "choice",
        "payload": {"text": "?", "options": []},
        "userId": session.agent,
        "conversationId": session.room,
        "tags": {},
    }
    await session.bot.call("POST", "/v1/chat/messages", body)
    await session.bot.twin.settled()
    (warning,) = session.sink.operations("message_created")
    assert warning.json["payload"]["text"] == session.bot.twin.options.incompatible_agent_text
    assert "userId" not in warning.json["payload"]


async def test_a_stop_event_ends_the_session_once_and_calls_nothing(session: Session) -> None:
    for _ in range(2):
        await session.bot.emit("hitlStopped", session.room)
    ended = f"bot: {session.bot.twin.options.ended_text}"
    kinds = [one.json["type"] for one in session.sink.operations("action_triggered")]
    assert session.said().count(ended) == 1
    assert (session.chat.active, session.chat.end_reason) == (False, "agent-closed-ticket")
    assert "stopHitl" not in kinds
    assert session.chat.counts["dropped_after_end"] == 1


async def test_messages_after_the_end_are_dropped(session: Session) -> None:
    await session.bot.emit("hitlStopped", session.room)
    await session.bot.tell(session.room, session.agent, "One more thing", id="hs-9")
    assert session.chat.counts["dropped_after_end"] == 1
    assert "agent: One more thing" not in session.said()


async def test_the_user_ends_with_a_command(session: Session) -> None:
    session.bot.twin.plugin.say(session.chat, " /END ")
    await session.bot.twin.settled()
    (told,) = session.sink.operations("message_created")
    stop = session.sink.operations("action_triggered")[-1].json
    assert told.json["payload"]["text"] == session.bot.twin.options.user_ended_agent_text
    assert stop == {"type": "stopHitl", "input": {"conversationId": session.room}}
    assert session.said()[-1] == f"bot: {session.bot.twin.options.user_ended_text}"
    assert session.chat.active is False


async def test_the_bot_stops_the_session(session: Session) -> None:
    answer = await session.bot.twin.plugin.stop_hitl(session.chat)
    assert answer is not None
    assert answer.accepted
    assert session.chat.end_reason == "close-action-called"
    assert await session.bot.twin.plugin.stop_hitl(session.chat) is None
    await session.bot.emit("hitlStopped", session.room)
    assert session.chat.end_reason == "close-action-called"


async def test_other_events_of_an_active_session_are_swallowed(session: Session) -> None:
    await session.bot.emit("custom", session.room)
    await session.bot.emit("hitlStopped", session.room)
    await session.bot.emit("custom", session.room)
    assert session.chat.counts["swallowed_events"] == 1
    assert [event.type for event in session.bot.twin.plugin.bot_events] == ["custom"]


async def test_nobody_coming_in_time_ends_the_session(bot: BotClient, sink: Sink) -> None:
    room = await accept(bot, sink)
    bot.twin.options.agent_assigned_timeout_s = 0.001
    chat = bot.twin.plugin.open_chat("Uma")
    assert await bot.twin.plugin.start_hitl(chat) == room
    with bot.twin.journal.follow() as queue:
        while (await queue.get()).get("text") != bot.twin.options.timeout_text:
            pass
    assert chat.end_reason == "agent-assignment-timeout"


async def test_a_silenced_text_is_not_said(bot: BotClient, sink: Sink) -> None:
    await accept(bot, sink)
    bot.twin.options.handoff_text = "NULL"
    chat = bot.twin.plugin.open_chat("Uma")
    await bot.twin.plugin.start_hitl(chat)
    assert chat.lines == []


async def test_a_whole_chat_can_be_played_by_http(bot: BotClient, sink: Sink) -> None:
    room = await accept(bot, sink)
    chat = (await bot.call("POST", "/_twin/chats", {"name": "Uma"})).json["id"]
    path = f"/_twin/chats/{chat}"
    started = await bot.call("POST", f"{path}/start", {"title": "Help"})
    await bot.call("POST", f"{path}/say", {"text": "Hello?"})
    await bot.twin.settled()
    shown = (await bot.call("GET", path)).json
    stopped = await bot.call("POST", f"{path}/stop")
    assert started.json == {"conversationId": room}
    assert (shown["hitlActive"], shown["counts"]["delivered"]) == (True, 1)
    assert stopped.json["status"] == 200
