"""Everything the Botpress twin knows: bots, installations, tokens; and who listens to messages."""

from __future__ import annotations

import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from hubspot_hitl.twins.botpress.definition import Definition
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.botpress.records import (
    Bot,
    Conversation,
    Event,
    Installation,
    Message,
    User,
)
from hubspot_hitl.twins.faults import Fault, FaultKind, Faults
from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.wire import Json

OnMessage = Callable[[Bot, Message], None]
OnEvent = Callable[[Bot, Event], str]


class Published(NamedTuple):
    """A published version: what an installation takes from it. Holds secrets."""

    id: str
    url: str
    signing_secrets: tuple[str, ...]


class World:
    """The twin's state. `clock` tells epoch seconds; `url` is set once it listens."""

    def __init__(
        self,
        options: BotpressOptions,
        faults: Faults,
        clock: Callable[[], float],
        definition: Json | None,
    ) -> None:
        self.options = options
        self.faults = faults
        self.clock = clock
        self.url = ""
        self.journal = Journal(clock)
        self.definition = Definition(definition, options.check_payloads)
        self.bots: dict[str, Bot] = {}
        self.installations: dict[str, Installation] = {}
        self.access_keys: set[str] = set()
        """Tokens that are accepted beside the option's: the access keys of the Admin API."""
        self.published: Callable[[], Published | None] = lambda: None
        """The integration that was published last."""
        self.revoked = False
        """Set by a fault: no token is accepted any more."""
        self.on_message: OnMessage = lambda bot, message: None
        self.on_event: OnEvent = lambda bot, event: "ignored"
        self._recent: deque[float] = deque()
        self._numbers = itertools.count(1)

    def new_id(self, prefix: str) -> str:
        """A new id: prefix and 26 digits."""
        return f"{prefix}_{next(self._numbers):026d}"

    def bot(self, bot_id: str) -> Bot:
        """A bot, made when it is new."""
        found = self.bots.get(bot_id)
        if found is None:
            now = self.clock()
            found = Bot(bot_id, User(self.new_id("user"), {}, now, now, name="Bot"))
            found.users[found.user.id] = found.user
            self.bots[bot_id] = found
        return found

    def install(
        self,
        url: str,
        configuration: Json,
        *,
        webhook_id: str | None = None,
        bot_id: str | None = None,
        alias: str | None = None,
        configuration_type: str | None = None,
        signing_secrets: tuple[str, ...] = (),
        integration_id: str | None = None,
    ) -> Installation:
        """Install the integration in a bot; `register` is a separate step."""
        made = Installation(
            webhook_id or str(uuid.uuid4()),
            bot_id or self.options.bot_id,
            integration_id or self.options.integration_id,
            alias or self.options.alias,
            url,
            configuration,
            configuration_type,
            signing_secrets,
        )
        self.bot(made.bot_id)
        self.installations[made.webhook_id] = made
        return made

    def installation_of(self, bot_id: str, alias: str) -> Installation | None:
        """The installation with that alias in that bot."""
        for found in self.installations.values():
            if (found.bot_id, found.alias) == (bot_id, alias):
                return found
        return None

    def add_user(
        self, bot: Bot, tags: dict[str, str], name: str | None, picture_url: str | None
    ) -> User:
        """Keep a new user."""
        now = self.clock()
        made = User(self.new_id("user"), tags, now, now, name, picture_url)
        bot.users[made.id] = made
        bot.user_tags.add(made.id, tags)
        return made

    def add_conversation(
        self, bot: Bot, channel: str, alias: str, tags: dict[str, str]
    ) -> Conversation:
        """Keep a new conversation."""
        now = self.clock()
        made = Conversation(self.new_id("conv"), channel, alias, tags, now, now)
        bot.conversations[made.id] = made
        bot.conversation_tags.add(made.id, tags)
        return made

    def add_message(
        self,
        bot: Bot,
        conversation: Conversation,
        user_id: str,
        kind: str,
        payload: Json,
        direction: str,
        tags: dict[str, str],
    ) -> Message:
        """Keep a new message."""
        now = self.clock()
        made = Message(
            self.new_id("msg"), kind, payload, direction, user_id, conversation.id, tags, now, now
        )
        bot.messages[made.id] = made
        bot.by_conversation.setdefault(conversation.id, []).append(made.id)
        bot.message_tags.add(made.id, tags)
        conversation.participants[user_id] = None
        return made

    def add_event(self, bot: Bot, body: Json) -> Event:
        """Keep a new event."""
        made = Event(
            self.new_id("evt"),
            body["type"],
            body["payload"],
            body.get("conversationId"),
            body.get("userId"),
            self.clock(),
        )
        bot.events[made.id] = made
        return made

    def count_call(self) -> dict[str, str]:
        """Count a call against the limit; returns the rate headers. Raises a 429."""
        limit = self.options.rate_limit_per_s
        if limit is None:
            return {}
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        left = limit - len(self._recent)
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, left - 1)),
            "RateLimit-Reset": "1",
        }
        if left <= 0:
            raise ApiError(429, "RateLimited", "Too many requests", headers)
        self._recent.append(now)
        return headers

    def fault_answer(self, fault: Fault, status: int) -> web.Response:
        """Botpress's error body for a status fault."""
        kinds = {429: "RateLimited", 423: "ResourceLockedConflict", 500: "Internal"}
        after = fault.retry_after_s
        headers = {} if after is None else {"Retry-After": str(after)}
        kind = kinds.get(status, "Unknown")
        return ApiError(status, kind, fault.message or "twin fault", headers).response()

    def caller_of(self, request: web.Request) -> str:
        """The bot that the call names."""
        return request.headers.get("x-bot-id", "")

    def spoil_credentials(self, kind: FaultKind, request: web.Request) -> None:
        """Refuse every token from now on; `/_twin/tokens/reinstate` undoes it."""
        self.revoked = True
