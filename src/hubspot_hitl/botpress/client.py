"""The Runtime API as the port :class:`~hubspot_hitl.ports.botpress.BotRuntime`.

Paths, headers and bodies are those of the vendor's own client; reference:
https://botpress.com/docs/api-reference/runtime-api
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp
from cachetools import LRUCache
from pydantic import Field

from hubspot_hitl.botpress.api import BotpressApi, Call, Identity, Observer
from hubspot_hitl.botpress.limits import checked_tags, fitting_name, fitting_picture
from hubspot_hitl.botpress.objects import Json, Wire, WireConversation, WireUser
from hubspot_hitl.errors import InvalidPayload, VendorNotFound, VendorRefused
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotConversation, BotFile, BotRuntime, BotUser, JsonObject
from hubspot_hitl.ports.circuits import Circuits
from hubspot_hitl.ports.clock import Clock

_CHAT: Final = "/v1/chat"
_EVENT_PAGES: Final = 10


class _Meta(Wire):
    created: bool = False
    next_token: str | None = None


class _UserAnswer(Wire):
    user: WireUser
    meta: _Meta = _Meta()


class _ConversationAnswer(Wire):
    conversation: WireConversation
    meta: _Meta = _Meta()


class _Identified(Wire):
    id: str


class _MessageAnswer(Wire):
    message: _Identified
    meta: _Meta = _Meta()


class _MessagesAnswer(Wire):
    messages: list[_Identified]
    meta: _Meta = _Meta()


class _EventAnswer(Wire):
    event: _Identified


class _Event(Wire):
    id: str
    type: str
    conversation_id: str | None = None
    payload: Json = Field(default_factory=dict)
    created_at: datetime | None = None

    def fits(
        self, type_: str, conversation_id: str, payload: JsonObject | None, since_ms: int
    ) -> bool:
        if self.created_at is not None and self.created_at.timestamp() * 1000 < since_ms:
            return False
        place = self.conversation_id or self.payload.get("conversationId")
        same = all(self.payload.get(name) == value for name, value in (payload or {}).items())
        return self.type == type_ and place == conversation_id and same


class _EventsAnswer(Wire):
    events: list[_Event]
    meta: _Meta = _Meta()


class _File(Wire):
    id: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://")
    upload_url: str = Field(pattern=r"^https?://")


class _FileAnswer(Wire):
    file: _File


class _State(Wire):
    payload: Json | None = None


class _StateAnswer(Wire):
    state: _State


class BotpressRuntime:
    """One bot, reached as one installation. Implements BotRuntime.

    Beyond the port: names are cut to the 200 characters Botpress keeps and a picture address of
    more than 40,000 is left out, since neither is worth a message; a tag value of more than 500
    raises InvalidPayload, since a cut one would find the wrong object later.
    """

    def __init__(self, api: BotpressApi, identity: Identity) -> None:
        self._api = api
        self._identity = identity

    async def get_or_create_user(
        self,
        tags: Mapping[str, str],
        *,
        discriminate_by: Sequence[str],
        name: str | None = None,
        picture_url: str | None = None,
    ) -> tuple[BotUser, bool]:
        """Find a user by tags, or make one."""
        body = {
            "tags": checked_tags(tags, discriminate_by),
            **_user_fields(name, picture_url),
            **_discriminating(discriminate_by),
        }
        call = Call("getOrCreateUser", "POST", f"{_CHAT}/users/get-or-create", True, body)
        answer = await self._api.call(call, self._identity, _UserAnswer)
        return answer.user.record(), answer.meta.created

    async def get_user(self, user_id: str) -> BotUser:
        """Read a user."""
        call = Call("getUser", "GET", _path("users", user_id), True)
        return (await self._api.call(call, self._identity, _UserAnswer)).user.record()

    async def update_user(
        self,
        user_id: str,
        *,
        name: str | None = None,
        picture_url: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> BotUser:
        """Change what is given; the rest stays."""
        body: dict[str, object] = {} if tags is None else {"tags": checked_tags(tags)}
        body |= _user_fields(name, picture_url)
        call = Call("updateUser", "PUT", _path("users", user_id), True, body)
        return (await self._api.call(call, self._identity, _UserAnswer)).user.record()

    async def get_or_create_conversation(
        self, channel: str, tags: Mapping[str, str], *, discriminate_by: Sequence[str]
    ) -> tuple[BotConversation, bool]:
        """Find a conversation by tags, or make one."""
        body = {
            "channel": channel,
            "tags": checked_tags(tags, discriminate_by),
            **_discriminating(discriminate_by),
        }
        path = f"{_CHAT}/conversations/get-or-create"
        call = Call("getOrCreateConversation", "POST", path, True, body)
        answer = await self._api.call(call, self._identity, _ConversationAnswer)
        return answer.conversation.record(), answer.meta.created

    async def get_conversation(self, conversation_id: str) -> BotConversation:
        """Read a conversation."""
        call = Call("getConversation", "GET", _path("conversations", conversation_id), True)
        answer = await self._api.call(call, self._identity, _ConversationAnswer)
        return answer.conversation.record()

    async def update_conversation(self, conversation_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one."""
        path = _path("conversations", conversation_id)
        body = {"tags": checked_tags(tags)}
        call = Call("updateConversation", "PUT", path, True, body)
        await self._api.call(call, self._identity, Wire)

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
        """Send a message to the bot side, once per tags; returns its id."""
        body = {
            "type": type_,
            "payload": payload,
            "userId": user_id,
            "conversationId": conversation_id,
            "tags": checked_tags(tags, discriminate_by),
            **_discriminating(discriminate_by),
        }
        call = Call("getOrCreateMessage", "POST", f"{_CHAT}/messages/get-or-create", True, body)
        answer = await self._api.call(call, self._identity, _MessageAnswer)
        return answer.message.id, answer.meta.created

    async def update_message(self, message_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a message: the acknowledgement of a user's message."""
        body = {"tags": checked_tags(tags)}
        call = Call("updateMessage", "PUT", _path("messages", message_id), True, body)
        await self._api.call(call, self._identity, Wire)

    async def message_ids(self, conversation_id: str) -> Sequence[str]:
        """The ids of all messages of a conversation, newest first, every page."""
        query, found = {"conversationId": conversation_id}, list[str]()
        while True:
            call = Call("listMessages", "GET", f"{_CHAT}/messages", True, query=query)
            answer = await self._api.call(call, self._identity, _MessagesAnswer)
            found += [message.id for message in answer.messages]
            if not answer.meta.next_token:
                return found
            query = {**query, "nextToken": answer.meta.next_token}

    async def delete_message(self, message_id: str) -> None:
        """Delete a message for good. Raises VendorNotFound when there is none."""
        call = Call("deleteMessage", "DELETE", _path("messages", message_id), True)
        await self._api.call(call, self._identity, Wire)

    async def delete_user(self, user_id: str) -> None:
        """Delete a user for good. Raises VendorNotFound when there is none."""
        call = Call("deleteUser", "DELETE", _path("users", user_id), True)
        await self._api.call(call, self._identity, Wire)

    async def create_event(
        self,
        type_: str,
        payload: JsonObject,
        *,
        conversation_id: str | None = None,
        user_id: str | None = None,
    ) -> str:
        """Emit an event to the bot; returns its id. Not tried again after a lost answer."""
        body: dict[str, object] = {"type": type_, "payload": payload}
        if conversation_id is not None:
            body["conversationId"] = conversation_id
        if user_id is not None:
            body["userId"] = user_id
        call = Call("createEvent", "POST", f"{_CHAT}/events", False, body)
        return (await self._api.call(call, self._identity, _EventAnswer)).event.id

    async def find_event(
        self,
        type_: str,
        conversation_id: str,
        payload: JsonObject | None = None,
        *,
        since_ms: int = 0,
    ) -> str | None:
        """The id of such an event with these payload fields, newest first, or None.

        Older ones than `since_ms` (epoch ms) do not count.

        Unverified: whether the API lists events, and by these filters. Answers are therefore
        filtered here again. Raises VendorRefused or VendorNotFound when it cannot list.
        """
        query = {"type": type_, "conversationId": conversation_id}
        for _ in range(_EVENT_PAGES):
            call = Call("listEvents", "GET", f"{_CHAT}/events", True, query=query)
            answer = await self._api.call(call, self._identity, _EventsAnswer)
            for event in answer.events:
                if event.fits(type_, conversation_id, payload, since_ms):
                    return event.id
            if not answer.meta.next_token:
                return None
            query = {**query, "nextToken": answer.meta.next_token}
        raise VendorRefused(
            f"Botpress lists more than {_EVENT_PAGES} pages of {type_!r} events; none was ours.",
            vendor="botpress",
            operation="listEvents",
        )

    async def keep_file(self, key: str, path: Path, *, name: str, content_type: str) -> BotFile:
        """Store a file that whoever has its address can read.

        The API is asked for a place, then the content goes there. `name` is not kept: Botpress's
        files have none.
        """
        body: dict[str, object] = {
            "key": key,
            "size": (await asyncio.to_thread(path.stat)).st_size,
            "contentType": content_type,
            "accessPolicies": ["public_content", "integrations"],
            "publicContentImmediatelyAccessible": True,
        }
        call = Call("upsertFile", "PUT", "/v1/files", True, body)
        file = (await self._api.call(call, self._identity, _FileAnswer)).file
        await self._api.put_content("uploadFile", file.upload_url, path, content_type)
        return BotFile(file.id, file.url)

    async def delete_file(self, file_id: str) -> None:
        """Delete a stored file for good. Raises VendorNotFound when there is none."""
        path = f"/v1/files/{quote(file_id, safe='')}"
        await self._api.call(Call("deleteFile", "DELETE", path, True), self._identity, Wire)

    async def get_state(self, type_: str, id_: str, name: str) -> JsonObject | None:
        """Read a state; None when it was never set."""
        call = Call("getState", "GET", _path("states", type_, id_, name), True)
        try:
            answer = await self._api.call(call, self._identity, _StateAnswer)
        except VendorNotFound:
            return None
        return answer.state.payload

    async def set_state(self, type_: str, id_: str, name: str, payload: JsonObject | None) -> None:
        """Replace a state, or delete it. Twice is once, so it may be repeated."""
        path = _path("states", type_, id_, name)
        call = Call("setState", "POST", path, True, {"payload": payload})
        await self._api.call(call, self._identity, Wire)


class BotpressRuntimes:
    """Hands out the runtime of each installation; one session, one token, many bots."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        token: str,
        clock: Clock,
        observe: Observer | None = None,
        timeout_s: float = 30.0,
        circuits: Circuits | None = None,
    ) -> None:
        self._api = BotpressApi(
            session,
            base_url=base_url,
            token=token,
            clock=clock,
            observe=observe,
            timeout_s=timeout_s,
            circuits=circuits,
        )
        self._runtimes: LRUCache[Identity, BotRuntime] = LRUCache(4096)

    def of(self, installation: Installation) -> BotRuntime:
        """The runtime that acts as `installation`; the same object for the same installation."""
        identity = Identity(
            installation.bot_id, installation.integration_id, installation.alias, installation.id
        )
        known = self._runtimes.get(identity)
        if known is None:
            known = self._runtimes[identity] = BotpressRuntime(self._api, identity)
        return known


def _path(*parts: str) -> str:
    for part in parts:
        # An empty or dotted id would address another resource, such as the whole list.
        if part.strip(".") == "":
            raise InvalidPayload(f"{part!r} is no id of a {parts[0]} resource")
    return "/".join([_CHAT, *(quote(part.encode("utf-8", "replace"), safe="") for part in parts)])


def _user_fields(name: str | None, picture_url: str | None) -> dict[str, str]:
    fields = {"name": fitting_name(name), "pictureUrl": fitting_picture(picture_url)}
    return {key: value for key, value in fields.items() if value is not None}


def _discriminating(names: Sequence[str]) -> dict[str, list[str]]:
    return {"discriminateByTags": list(names)} if names else {}
