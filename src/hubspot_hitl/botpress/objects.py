"""Botpress's users, conversations and messages as they appear in JSON, on both directions' wires.

Pure. Models are frozen, ignore unknown fields and insist on ids only: an odd tag or a missing date
must not cost a user's message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from hubspot_hitl.ports.botpress import BotConversation, BotUser


def _tags(value: object) -> object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    pairs = cast("dict[object, object]", value).items()
    return {str(name): _text(tag) for name, tag in pairs if isinstance(tag, str | int | float)}


def _text(tag: str | float) -> str:
    if isinstance(tag, bool):
        return "true" if tag else "false"
    return str(tag)


Tags = Annotated[dict[str, str], BeforeValidator(_tags)]
Json = dict[str, object]


class Wire(BaseModel):
    """Base of everything read from Botpress: camelCase outside, frozen, tolerant."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,  # at first use: a server starts sooner
    )


class WireUser(Wire):
    """A user of the bot."""

    id: str
    name: str | None = None
    picture_url: str | None = None
    tags: Tags = Field(default_factory=dict)

    def record(self) -> BotUser:
        """The port's record."""
        return BotUser(self.id, self.name, self.picture_url, self.tags)


class WireConversation(Wire):
    """A conversation; `integration` is the alias it belongs to."""

    id: str
    channel: str = ""
    integration: str | None = None
    tags: Tags = Field(default_factory=dict)

    def record(self) -> BotConversation:
        """The port's record."""
        return BotConversation(self.id, self.channel, self.tags)


class WireMessage(Wire):
    """A message; `created_at` and `updated_at` are ISO 8601."""

    id: str
    type: str = ""
    payload: Json = Field(default_factory=dict)
    user_id: str | None = None
    conversation_id: str | None = None
    direction: str | None = None
    tags: Tags = Field(default_factory=dict)
    created_at: str | None = None
    updated_at: str | None = None


def first_problems(errors: list[Mapping[str, object]]) -> str:
    """The first places and reasons of a validation failure, without the values that failed."""
    lines: list[str] = []
    for error in errors[:3]:
        place = ".".join(str(part) for part in cast("tuple[object, ...]", error["loc"]))
        lines.append(f"{place[:100] or 'body'}: {error['msg']}")
    return "; ".join(lines)
