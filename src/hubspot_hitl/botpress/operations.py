"""The ten operations Botpress asks of an integration, as types. Pure.

Source: ``packages/sdk/src/integration/server/types.ts`` of repository ``botpress/botpress``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field

from hubspot_hitl.botpress.objects import (
    Json,
    Tags,
    Wire,
    WireConversation,
    WireMessage,
    WireUser,
)
from hubspot_hitl.ports.botpress import JsonObject

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks: one installation of the integration in one bot, from the request's headers.

    `webhook_id` is unique per bot and installation. `configuration` is what the bot owner filled
    in, secrets included. `bot_user_id` is absent on older clouds.
    """

    bot_id: str
    integration_id: str
    alias: str
    webhook_id: str
    operation: str
    configuration: dict[str, object] = field(repr=False)
    configuration_type: str | None = None
    bot_user_id: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class Ping(Wire):
    """Are you there? The body is not looked at."""


class Register(Wire):
    """The bot owner saved the configuration."""

    webhook_url: Annotated[str, Field(min_length=1)]


class Unregister(Wire):
    """The installation is being removed or switched off."""

    webhook_url: Annotated[str, Field(min_length=1)]


def _lower_names(value: object) -> object:
    if not isinstance(value, dict):
        return value
    pairs: list[tuple[str, object]] = [(str(k), v) for k, v in value.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return {name.lower(): item for name, item in pairs if isinstance(item, str)}


class WebhookRequest(Wire):
    """A request that arrived at the installation's webhook URL.

    `path` follows the webhook id; `query` has no question mark; header names are lower-case;
    `body` is None for requests without one.
    """

    method: str = "POST"
    path: str = ""
    query: str = ""
    headers: Annotated[dict[str, str], BeforeValidator(_lower_names)] = Field(default_factory=dict)
    body: str | None = None


class WebhookReceived(Wire):
    """Somebody called the installation's webhook URL; the answer goes back to the caller."""

    req: WebhookRequest


class ActionTriggered(Wire):
    """The bot, or a plugin in it, calls an action."""

    type: str
    input: Json = Field(default_factory=dict)


class MessageCreated(Wire):
    """The bot side wrote a message into a conversation of ours."""

    type: str
    payload: Json = Field(default_factory=dict)
    conversation: WireConversation
    message: WireMessage
    user: WireUser | None = None


class MessageUpdated(Wire):
    """A message of a conversation of ours was changed."""

    type: str = ""
    payload: Json = Field(default_factory=dict)
    conversation: WireConversation | None = None
    user: WireUser | None = None
    current_message: WireMessage
    previous_message: WireMessage | None = None


class ConversationUpdated(Wire):
    """A conversation of ours was changed."""

    current_conversation: WireConversation
    previous_conversation: WireConversation | None = None


class CreateUser(Wire):
    """Deprecated by Botpress: somebody wants a user made from tags."""

    tags: Tags = Field(default_factory=dict)


class CreateConversation(Wire):
    """Deprecated by Botpress: somebody wants a conversation made from tags."""

    channel: str = ""
    tags: Tags = Field(default_factory=dict)


Operation = (
    Ping
    | Register
    | Unregister
    | WebhookReceived
    | ActionTriggered
    | MessageCreated
    | MessageUpdated
    | ConversationUpdated
    | CreateUser
    | CreateConversation
)


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """What an action returns when it wants to state its cost."""

    output: JsonObject | None = None
    cost: float = 0


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the caller of the webhook URL gets. A `body` of None becomes ``{}``.

    Raises ValueError for a status or header that HTTP cannot carry.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(f"{self.status} is no status of an answer")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
                raise ValueError(f"header {name!r} has characters that HTTP does not allow")
