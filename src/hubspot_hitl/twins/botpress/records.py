"""The Botpress twin's records: one bot's users, conversations, messages, events, states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hubspot_hitl.twins.wire import Json, iso


class TagIndex:
    """Finds records by tags without looking at all of them."""

    def __init__(self) -> None:
        self._by_tag: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, record_id: str, tags: Mapping[str, str]) -> None:
        """Note a record's tags."""
        for item in tags.items():
            self._by_tag.setdefault(item, {})[record_id] = None

    def remove(self, record_id: str, tags: Mapping[str, str]) -> None:
        """Forget a record's tags."""
        for item in tags.items():
            self._by_tag.get(item, {}).pop(record_id, None)

    def having(self, tags: Mapping[str, str]) -> Iterable[str]:
        """Ids of the records that have all of `tags`, oldest first; `tags` is not empty."""
        groups = [self._by_tag.get(item, {}) for item in tags.items()]
        smallest = min(groups, key=len)
        return [one for one in smallest if all(one in group for group in groups)]


@dataclass(slots=True)
class User:
    """A user of the bot."""

    id: str
    tags: dict[str, str]
    created_at: float
    updated_at: float
    name: str | None = None
    picture_url: str | None = None

    def wire(self) -> Json:
        """The user as the API shows it."""
        found: Json = {
            "id": self.id,
            "tags": self.tags,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
        }
        if self.name is not None:
            found["name"] = self.name
        if self.picture_url is not None:
            found["pictureUrl"] = self.picture_url
        return found


@dataclass(slots=True)
class Conversation:
    """A conversation; `participants` are user ids."""

    id: str
    channel: str
    alias: str
    tags: dict[str, str]
    created_at: float
    updated_at: float
    participants: dict[str, None] = field(default_factory=dict[str, None])

    def wire(self) -> Json:
        """The conversation as the API shows it."""
        return {
            "id": self.id,
            "channel": self.channel,
            "integration": self.alias,
            "tags": self.tags,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
        }


@dataclass(slots=True)
class Message:
    """A message; `direction` is `incoming` (to the bot) or `outgoing` (to the integration)."""

    id: str
    type: str
    payload: Json
    direction: str
    user_id: str
    conversation_id: str
    tags: dict[str, str]
    created_at: float
    updated_at: float

    def wire(self) -> Json:
        """The message as the API shows it."""
        return {
            "id": self.id,
            "type": self.type,
            "payload": self.payload,
            "direction": self.direction,
            "userId": self.user_id,
            "conversationId": self.conversation_id,
            "tags": self.tags,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
        }


@dataclass(slots=True)
class Event:
    """An event that the integration emitted."""

    id: str
    type: str
    payload: Json
    conversation_id: str | None
    user_id: str | None
    created_at: float
    status: str = "pending"

    def wire(self) -> Json:
        """The event as the API shows it."""
        found: Json = {
            "id": self.id,
            "type": self.type,
            "payload": self.payload,
            "status": self.status,
            "failureReason": None,
            "createdAt": iso(self.created_at),
        }
        if self.conversation_id:
            found["conversationId"] = self.conversation_id
        if self.user_id:
            found["userId"] = self.user_id
        return found


@dataclass(slots=True)
class State:
    """A state; `idle_ms` is how long it lives untouched, None for ever."""

    payload: Json
    idle_ms: int | None
    touched_at: float


@dataclass(slots=True)
class Bot:
    """One bot."""

    id: str
    user: User
    users: dict[str, User] = field(default_factory=dict[str, User])
    conversations: dict[str, Conversation] = field(default_factory=dict[str, Conversation])
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    by_conversation: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    events: dict[str, Event] = field(default_factory=dict[str, Event])
    states: dict[tuple[str, str, str], State] = field(
        default_factory=dict[tuple[str, str, str], State]
    )
    files: dict[str, Json] = field(default_factory=dict[str, Json])
    user_tags: TagIndex = field(default_factory=TagIndex)
    conversation_tags: TagIndex = field(default_factory=TagIndex)
    message_tags: TagIndex = field(default_factory=TagIndex)


@dataclass(slots=True)
class Installation:
    """One install of the integration in a bot. `url` is where its operations go."""

    webhook_id: str
    bot_id: str
    integration_id: str
    alias: str
    url: str
    configuration: Json
    configuration_type: str | None = None
    signing_secrets: tuple[str, ...] = ()
    status: str = "registration_pending"
    status_reason: str | None = None
    identifier: str | None = None
