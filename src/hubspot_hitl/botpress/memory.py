"""A bot runtime in dictionaries: for other bot runtimes to start from, and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from urllib.parse import quote

from hubspot_hitl.botpress.limits import checked_tags, fitting_name, fitting_picture
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.ports.botpress import BotConversation, BotFile, BotUser, JsonObject
from hubspot_hitl.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class MemoryMessage:
    """A message that the integration sent to the bot side."""

    id: str
    conversation_id: str
    user_id: str
    type: str
    payload: JsonObject
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MemoryEvent:
    """An event that the integration emitted."""

    id: str
    type: str
    payload: JsonObject
    conversation_id: str | None = None
    user_id: str | None = None
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file that the integration stored."""

    name: str
    content_type: str
    content: bytes


@dataclass(slots=True)
class MemoryRuntime:
    """Implements BotRuntime with the semantics of the Botpress API.

    "Get or create" matches on the discriminating tags, on all given tags when none are named.
    `messages` and `events` keep the order of sending. Messages that the bot side wrote are put
    into `messages` by whoever plays the bot.
    """

    users: dict[str, BotUser] = field(default_factory=dict[str, BotUser])
    conversations: dict[str, BotConversation] = field(default_factory=dict[str, BotConversation])
    messages: dict[str, MemoryMessage] = field(default_factory=dict[str, MemoryMessage])
    events: list[MemoryEvent] = field(default_factory=list[MemoryEvent])
    states: dict[tuple[str, str, str], JsonObject] = field(
        default_factory=dict[tuple[str, str, str], JsonObject]
    )
    files: dict[str, MemoryFile] = field(default_factory=dict[str, MemoryFile])
    clock: Clock = field(default_factory=SystemClock)
    _ids: count[int] = field(default_factory=lambda: count(1))

    async def get_or_create_user(
        self,
        tags: Mapping[str, str],
        *,
        discriminate_by: Sequence[str],
        name: str | None = None,
        picture_url: str | None = None,
    ) -> tuple[BotUser, bool]:
        """Find a user by tags, or make one."""
        wanted = checked_tags(tags, discriminate_by)
        for user in self.users.values():
            if _matches(user.tags, wanted, discriminate_by):
                return user, False
        user = BotUser(self._id("user"), fitting_name(name), fitting_picture(picture_url), wanted)
        self.users[user.id] = user
        return user, True

    async def get_user(self, user_id: str) -> BotUser:
        """Read a user."""
        if user_id not in self.users:
            raise _not_found("getUser", user_id)
        return self.users[user_id]

    async def update_user(
        self,
        user_id: str,
        *,
        name: str | None = None,
        picture_url: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> BotUser:
        """Change what is given; the rest stays."""
        user = await self.get_user(user_id)
        user = replace(
            user,
            name=fitting_name(name) or user.name,
            picture_url=fitting_picture(picture_url) or user.picture_url,
            tags=_merged(user.tags, checked_tags(tags or {})),
        )
        self.users[user_id] = user
        return user

    async def get_or_create_conversation(
        self, channel: str, tags: Mapping[str, str], *, discriminate_by: Sequence[str]
    ) -> tuple[BotConversation, bool]:
        """Find a conversation by channel and tags, or make one."""
        wanted = checked_tags(tags, discriminate_by)
        for known in self.conversations.values():
            if known.channel == channel and _matches(known.tags, wanted, discriminate_by):
                return known, False
        conversation = BotConversation(self._id("conv"), channel, wanted)
        self.conversations[conversation.id] = conversation
        return conversation, True

    async def get_conversation(self, conversation_id: str) -> BotConversation:
        """Read a conversation."""
        if conversation_id not in self.conversations:
            raise _not_found("getConversation", conversation_id)
        return self.conversations[conversation_id]

    async def update_conversation(self, conversation_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one."""
        known = await self.get_conversation(conversation_id)
        merged = _merged(known.tags, checked_tags(tags))
        self.conversations[conversation_id] = replace(known, tags=merged)

    async def get_or_create_message(
        self,
        conversation_id: str,
        user_id: str,
        type_: str,
        payload: JsonObject,
        tags: Mapping[str, str],
        *,
        discriminate_by: Sequence[str],
    ) -> tuple[str, bool]:
        """Send a message to the bot side, once per conversation and tags; returns its id."""
        wanted = checked_tags(tags, discriminate_by)
        await self.get_conversation(conversation_id)
        await self.get_user(user_id)
        for known in self.messages.values():
            here = known.conversation_id == conversation_id
            if here and _matches(known.tags, wanted, discriminate_by):
                return known.id, False
        message = MemoryMessage(
            self._id("msg"), conversation_id, user_id, type_, dict(payload), wanted
        )
        self.messages[message.id] = message
        return message.id, True

    async def update_message(self, message_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a message."""
        known = self.messages.get(message_id)
        if known is None:
            raise _not_found("updateMessage", message_id)
        self.messages[message_id] = replace(known, tags=_merged(known.tags, checked_tags(tags)))

    async def message_ids(self, conversation_id: str) -> Sequence[str]:
        """The ids of all messages of a conversation, newest first."""
        of_it = [one.id for one in self.messages.values() if one.conversation_id == conversation_id]
        return of_it[::-1]

    async def delete_message(self, message_id: str) -> None:
        """Delete a message."""
        if self.messages.pop(message_id, None) is None:
            raise _not_found("deleteMessage", message_id)

    async def delete_user(self, user_id: str) -> None:
        """Delete a user."""
        if self.users.pop(user_id, None) is None:
            raise _not_found("deleteUser", user_id)

    async def create_event(
        self,
        type_: str,
        payload: JsonObject,
        *,
        conversation_id: str | None = None,
        user_id: str | None = None,
    ) -> str:
        """Emit an event to the bot; returns its id."""
        now_ms = self.clock.now_ms()
        event = MemoryEvent(self._id("evt"), type_, dict(payload), conversation_id, user_id, now_ms)
        self.events.append(event)
        return event.id

    async def find_event(
        self,
        type_: str,
        conversation_id: str,
        payload: JsonObject | None = None,
        *,
        since_ms: int = 0,
    ) -> str | None:
        """The id of the newest such event with these payload fields, or None."""
        for event in reversed(self.events):
            if event.created_ms < since_ms:
                continue
            place = event.conversation_id or event.payload.get("conversationId")
            same = all(event.payload.get(name) == value for name, value in (payload or {}).items())
            if event.type == type_ and place == conversation_id and same:
                return event.id
        return None

    async def keep_file(self, key: str, path: Path, *, name: str, content_type: str) -> BotFile:
        """Store a file; the address is made up, and leads nowhere."""
        self.files[key] = MemoryFile(name, content_type, await asyncio.to_thread(path.read_bytes))
        return BotFile(key, f"https://files.invalid/{quote(key)}")

    async def delete_file(self, file_id: str) -> None:
        """Delete a stored file. Raises VendorNotFound when there is none."""
        if self.files.pop(file_id, None) is None:
            raise _not_found("deleteFile", file_id)

    async def get_state(self, type_: str, id_: str, name: str) -> JsonObject | None:
        """Read a state; None when it was never set."""
        return self.states.get((type_, id_, name))

    async def set_state(self, type_: str, id_: str, name: str, payload: JsonObject | None) -> None:
        """Replace a state; None deletes it."""
        if payload is None:
            self.states.pop((type_, id_, name), None)
        else:
            self.states[type_, id_, name] = dict(payload)

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._ids):026d}"


def _matches(has: Mapping[str, str], wanted: Mapping[str, str], names: Sequence[str]) -> bool:
    return all(has.get(name) == wanted[name] for name in (names or wanted))


def _merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**old, **new}.items() if value}


def _not_found(operation: str, id_: str) -> VendorNotFound:
    return VendorNotFound(
        f"There is no {id_!r}.", vendor="botpress", operation=operation, status=404
    )
