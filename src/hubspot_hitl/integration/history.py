"""The conversation before the handoff, as the HITL plugin passes it to `startHitl`.

Oldest first, one page. The schema is strict; parsing never fails on an entry: one message that we
cannot read must not keep a user from an agent, so it is kept as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator
from pydantic.json_schema import SkipJsonSchema

from hubspot_hitl.integration.messages import (
    AudioPart,
    BlocPart,
    CardPart,
    CarouselPart,
    ChoicePart,
    DropdownPart,
    FilePart,
    ImagePart,
    LocationPart,
    MarkdownPart,
    TextPart,
    VideoPart,
)
from hubspot_hitl.integration.wire import WireModel
from hubspot_hitl.json_values import is_object


class UserSource(WireModel):
    """An end user said it."""

    type: Literal["user"]
    user_id: str


class BotSource(WireModel):
    """The bot said it."""

    type: Literal["bot"]


class Sourced(WireModel):
    """Who said an entry of the history."""

    source: UserSource | BotSource


class TextEntry(TextPart, Sourced):
    """`text` in the history."""


class ImageEntry(ImagePart, Sourced):
    """`image` in the history."""


class AudioEntry(AudioPart, Sourced):
    """`audio` in the history."""


class VideoEntry(VideoPart, Sourced):
    """`video` in the history."""


class FileEntry(FilePart, Sourced):
    """`file` in the history."""


class LocationEntry(LocationPart, Sourced):
    """`location` in the history."""


class CarouselEntry(CarouselPart, Sourced):
    """`carousel` in the history."""


class CardEntry(CardPart, Sourced):
    """`card` in the history."""


class DropdownEntry(DropdownPart, Sourced):
    """`dropdown` in the history."""


class ChoiceEntry(ChoicePart, Sourced):
    """`choice` in the history."""


class BlocEntry(BlocPart, Sourced):
    """`bloc` in the history."""


class MarkdownEntry(MarkdownPart, Sourced):
    """`markdown` in the history."""


class UnreadableEntry(WireModel):
    """An entry that fits no kind, kept as it came. Not part of the published schema."""

    source: dict[str, JsonValue]
    type: str
    payload: dict[str, JsonValue]

    @model_validator(mode="before")
    @classmethod
    def _whatever_it_is(cls, value: object) -> object:
        entry: Mapping[str, object] = value if is_object(value) else {}
        source, type_, payload = (entry.get(key) for key in ("source", "type", "payload"))
        return {
            "source": source if is_object(source) else {},
            "type": type_[:200] if isinstance(type_, str) else "unknown",
            "payload": payload if is_object(payload) else {},
        }


ReadableEntry = Annotated[
    TextEntry
    | ImageEntry
    | AudioEntry
    | VideoEntry
    | FileEntry
    | LocationEntry
    | CarouselEntry
    | CardEntry
    | DropdownEntry
    | ChoiceEntry
    | BlocEntry
    | MarkdownEntry,
    Field(discriminator="type"),
]

HistoryEntry = Annotated[
    ReadableEntry | SkipJsonSchema[UnreadableEntry], Field(union_mode="left_to_right")
]
