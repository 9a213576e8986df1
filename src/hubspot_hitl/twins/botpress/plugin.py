"""A small bot with the behaviour of Botpress's HITL plugin 1.4, its races and quirks included.

Upstream is the person's chat with the bot, downstream our integration's conversation. Events and
messages of the integration that arrive before `startHitl` has returned are dropped without trace,
as in the original; here they are at least counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import orjson

from hubspot_hitl.twins.botpress.chat import Chat, Person, StartFailedError
from hubspot_hitl.twins.botpress.lanes import Lanes
from hubspot_hitl.twins.botpress.operations import OperationAnswer, Operations
from hubspot_hitl.twins.botpress.records import Bot, Event, Installation, Message
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.wire import Json, object_of

CARRIED = frozenset({"text", "image", "audio", "video", "file", "bloc"})
"""Message types that cross, both ways."""


class HitlPlugin:
    """The bot: chats with people, escalates, relays, takes over again."""

    def __init__(self, world: World, operations: Operations) -> None:
        self._world = world
        self._operations = operations
        self._by_downstream: dict[str, Chat] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.Task[None]] = set()
        self.lanes = Lanes(operations)
        self.chats: dict[str, Chat] = {}
        self.unknown_dropped = 0
        """Messages and events for conversations of no session yet: the race, lost."""
        self.bot_events: list[Event] = []
        """Events outside any session, which a bot's flow could use."""
        world.on_message = self._on_message
        world.on_event = self._on_event

    # -- the person's side

    def open_chat(
        self,
        name: str | None = None,
        email: str | None = None,
        *,
        person: Person | None = None,
        webhook_id: str | None = None,
    ) -> Chat:
        """A person opens a chat, a known `person` again or a new one.

        `webhook_id` says which installation a handoff will use; the first one by default.
        """
        who = person or Person(self._world.new_id("user"), name, email)
        home = webhook_id or next(iter(self._world.installations))
        chat = Chat(self._world.new_id("conv"), who, home)
        self.chats[chat.id] = chat
        return chat

    def say(self, chat: Chat, text: str) -> str:
        """The person writes a text; returns the message's id."""
        return self.send(chat, "text", {"text": text})

    def send(self, chat: Chat, kind: str, payload: Json) -> str:
        """The person sends a message of any kind; returns its upstream id."""
        line = self._line(chat, "user", kind, payload)
        chat.last_user_line = line["id"]
        if not chat.active or chat.downstream is None:
            return str(line["id"])
        if kind not in CARRIED:
            chat.counts["apologies"] += 1
            self._tell(chat, self._world.options.apology_text)
            return str(line["id"])
        text = str(payload.get("text", ""))
        if kind == "text" and text.strip().lower() == self._world.options.end_command.lower():
            self._spawn(self._end_by_user(chat), self._ends)
            return str(line["id"])
        chat.counts["user_messages"] += 1
        relayed = {**payload, "type": kind, "userId": chat.person.downstream}
        line["downstreamId"] = self._to_agent(chat, kind, relayed)
        return str(line["id"])

    # -- the handoff

    async def start_hitl(
        self,
        chat: Chat,
        title: str | None = None,
        description: str | None = None,
        history: list[Json] | None = None,
        *,
        session: Json | None = None,
        email: str | None = None,
    ) -> str | None:
        """Hand the chat to a person; returns the downstream conversation.

        Returns None without doing anything when a handoff runs already or the same last message
        started one before. Raises :class:`StartFailedError`; then nothing is rolled back.
        """
        key = chat.last_user_line or chat.id
        if chat.active or chat.starting or key in chat.started_for:
            return None
        chat.starting = True
        try:
            return await self._start(chat, key, title, description, history, session, email)
        finally:
            chat.starting = False

    async def _start(
        self,
        chat: Chat,
        key: str,
        title: str | None,
        description: str | None,
        history: list[Json] | None,
        session: Json | None,
        email: str | None,
    ) -> str:
        installation = self._world.installations[chat.webhook_id]
        bot = self._world.bot(installation.bot_id)
        told = history is None
        self._tell(chat, self._world.options.handoff_text)
        user_id = await self._link(chat, installation, bot, email)
        request: Json = {
            "userId": user_id,
            "messageHistory": self._history(chat, user_id) if told else history,
        }
        optional = {"title": title, "description": description, "hitlSession": session}
        request |= {name: value for name, value in optional.items() if value is not None}
        answer = await self._operations.action(installation, "startHitl", request)
        room_id = _output(answer, "conversationId")
        if room_id is None:
            chat.counts["failed_starts"] += 1
            raise StartFailedError("startHitl", answer.status, answer.message)
        if room_id not in bot.conversations:
            chat.counts["failed_starts"] += 1
            raise StartFailedError("reading the conversation back", 404, room_id)
        chat.downstream, chat.agent_id, chat.agent_name, chat.end_reason = room_id, None, None, None
        chat.started_for.add(key)
        chat.session += 1
        self._by_downstream[room_id] = chat
        chat.active = True
        self._world.journal.add("hitl_active", chat=chat.id, conversation=room_id)
        if self._world.options.agent_assigned_timeout_s > 0:
            self._spawn(self._give_up_later(chat, chat.session), self._timers)
        return room_id

    async def _link(
        self, chat: Chat, installation: Installation, bot: Bot, email: str | None
    ) -> str:
        """The downstream user: made once for each person, never refreshed."""
        person = chat.person
        if person.downstream is not None and person.downstream in bot.users:
            return person.downstream
        fake = f"{person.id}@no-reply.{bot.id.replace('_', '-')}.botpress.com"
        request: Json = {
            "name": person.name or "Unknown User",
            "email": email or person.email or fake,
        }
        if person.picture_url:
            request["pictureUrl"] = person.picture_url
        answer = await self._operations.action(installation, "createUser", request)
        user_id = _output(answer, "userId")
        if user_id is None:
            chat.counts["failed_starts"] += 1
            raise StartFailedError("createUser", answer.status, answer.message)
        person.downstream = user_id
        return user_id

    def _history(self, chat: Chat, user_id: str) -> list[Json]:
        """The chat so far, oldest first; the last entry is the handoff text itself."""
        return [
            {
                "source": {"type": "user", "userId": user_id}
                if line["author"] == "user"
                else {"type": "bot"},
                "type": line["type"],
                "payload": line["payload"],
            }
            for line in chat.lines[-50:]
        ]

    async def stop_hitl(self, chat: Chat) -> OperationAnswer | None:
        """The bot ends the handoff; None when there is none."""
        if not chat.active:
            return None
        return await self._finish(
            chat, self._world.options.stopped_agent_text, None, "close-action-called"
        )

    async def _end_by_user(self, chat: Chat) -> None:
        options = self._world.options
        await self._finish(
            chat,
            options.user_ended_agent_text,
            options.user_ended_text,
            "patient-used-termination-command",
        )

    async def _give_up_later(self, chat: Chat, session: int) -> None:
        options = self._world.options
        await asyncio.sleep(options.agent_assigned_timeout_s)
        if chat.active and chat.session == session and chat.agent_id is None:
            await self._finish(
                chat,
                options.timeout_agent_text,
                options.timeout_text,
                "agent-assignment-timeout",
            )

    async def _finish(
        self, chat: Chat, agent_text: str, user_text: str | None, reason: str
    ) -> OperationAnswer | None:
        """The plugin's own end: text to the agent, inactive, `stopHitl`, text to the user."""
        room_id = chat.downstream
        if not chat.active or room_id is None:
            return None
        self._to_agent(chat, "text", {"type": "text", "text": agent_text})
        chat.active, chat.end_reason = False, reason
        await self.lanes.flushed(room_id)
        installation = self._world.installations[chat.webhook_id]
        answer = await self._operations.action(
            installation, "stopHitl", {"conversationId": room_id}
        )
        if user_text is not None:
            self._tell(chat, user_text)
        return answer

    # -- the agent's side, as the integration tells it

    def _on_message(self, bot: Bot, message: Message) -> None:
        chat = self._session(message.conversation_id)
        if chat is None:
            return
        if message.type not in CARRIED:
            chat.counts["incompatible"] += 1
            text = self._world.options.incompatible_agent_text
            self._to_agent(chat, "text", {"type": "text", "text": text})
            return
        if chat.agent_id is None:
            self._joined(bot, chat, message.user_id)
        mark = orjson.dumps([message.type, message.payload, message.tags]).decode()
        chat.counts["agent_messages"] += 1
        chat.counts["duplicates"] += mark in chat.seen
        chat.seen.add(mark)
        author = bot.users.get(message.user_id)
        self._line(
            chat,
            "agent",
            message.type,
            message.payload,
            downstreamId=message.id,
            name=author.name if author else None,
            tags=message.tags,
        )

    def _on_event(self, bot: Bot, event: Event) -> str:
        room_id = event.conversation_id or event.payload.get("conversationId")
        hitl = event.type in ("hitlAssigned", "hitlStopped")
        known = self._by_downstream.get(str(room_id))
        if known is None and not hitl:
            self.bot_events.append(event)
            return "processed"
        if known is not None and not hitl:
            if known.active:
                known.counts["swallowed_events"] += 1
                return "ignored"
            self.bot_events.append(event)
            return "processed"
        chat = self._session(str(event.payload.get("conversationId")))
        if chat is None:
            return "ignored"
        chat.counts[event.type] += 1
        if event.type == "hitlAssigned":
            self._joined(bot, chat, str(event.payload.get("userId")))
            return "processed"
        chat.active, chat.end_reason = False, "agent-closed-ticket"
        self._tell(chat, self._world.options.ended_text)
        return "processed"

    def _session(self, conversation_id: str) -> Chat | None:
        """The active session of a downstream conversation; otherwise counts what is dropped."""
        chat = self._by_downstream.get(conversation_id)
        if chat is None:
            self.unknown_dropped += 1
            self._world.journal.add("dropped", conversation=conversation_id, active=False)
            return None
        if not chat.active:
            chat.counts["dropped_after_end"] += 1
            self._world.journal.add("dropped", conversation=conversation_id, active=False)
            return None
        return chat

    def _joined(self, bot: Bot, chat: Chat, user_id: str) -> None:
        """Set the agent and say so, every time, also to those who have read it before."""
        user = bot.users.get(user_id)
        chat.agent_id = user_id
        chat.agent_name = (user.name if user else None) or "A Human Agent"
        chat.counts["joined_texts"] += 1
        self._tell(chat, self._world.options.joined_text)

    # -- lines

    def _to_agent(self, chat: Chat, kind: str, payload: Json) -> str:
        """Put a bot's message into the downstream conversation; returns its id."""
        installation = self._world.installations[chat.webhook_id]
        bot = self._world.bot(installation.bot_id)
        room = bot.conversations[chat.downstream or ""]
        message = self._world.add_message(bot, room, bot.user.id, kind, payload, "outgoing", {})
        body: Json = {
            "type": kind,
            "payload": payload,
            "conversation": room.wire(),
            "user": bot.user.wire(),
            "message": message.wire(),
        }
        self.lanes.put(installation, chat, room.id, body)
        return message.id

    def _tell(self, chat: Chat, text: str) -> None:
        """The bot tells the person; the text `NULL` means silence."""
        if text != "NULL":
            self._line(chat, "bot", "text", {"text": text})

    def _line(self, chat: Chat, author: str, kind: str, payload: Json, **more: object) -> Json:
        line: Json = {
            "id": self._world.new_id("msg"),
            "at_ms": int(self._world.clock() * 1000),
            "author": author,
            "type": kind,
            "text": payload.get("text"),
            "payload": payload,
            **more,
        }
        chat.lines.append(line)
        self._world.journal.add(
            "line", chat=chat.id, author=author, type=kind, text=payload.get("text")
        )
        return line

    @staticmethod
    def _spawn(work: Coroutine[None, None, None], kept: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        kept.add(task)
        task.add_done_callback(kept.discard)

    async def settled(self) -> None:
        """Return when every operation is done; does not wait for timers."""
        while self._ends:
            await asyncio.wait(set(self._ends))
        await self.lanes.settled()

    async def stop(self) -> None:
        """Give up everything under way."""
        waiting = self._timers | self._ends
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await self.lanes.stop()


def _output(answer: OperationAnswer, name: str) -> str | None:
    """A text in an action's output, or None when the action failed."""
    output = object_of(answer.json().get("output")) if answer.accepted else None
    value = (output or {}).get(name)
    return value if isinstance(value, str) and value else None
