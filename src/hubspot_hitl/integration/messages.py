"""What can be said: the payload of each kind of message, in the channel, a bloc or the history.

Payloads are those of Botpress's `hitl` interface 2.1.0. The channel also takes the kinds that only
the interface's history knows (cards, choices, ...), so that a flow may send them with
`sendMessage`. The HITL plugin adds a `type` key to payloads; it is ignored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from hubspot_hitl.integration.wire import WireModel

CHANNEL = "hitl"
MAX_ADDITIONAL_DATA = 500

Filled = Annotated[str, Field(min_length=1)]


class TextPayload(WireModel):
    """Plain text."""

    text: Filled = Field(title="Text", description="What is said.")


class MarkdownPayload(WireModel):
    """Text in Markdown."""

    markdown: Filled = Field(title="Markdown", description="What is said, in Markdown.")


class ImagePayload(WireModel):
    """An image that the agent can open."""

    image_url: Filled = Field(title="Image URL", description="Where the image can be fetched.")
    title: Filled | None = Field(default=None, title="Title", description="A caption.")


class AudioPayload(WireModel):
    """A sound recording."""

    audio_url: Filled = Field(title="Audio URL", description="Where the audio can be fetched.")
    title: Filled | None = Field(default=None, title="Title", description="A caption.")


class VideoPayload(WireModel):
    """A video."""

    video_url: Filled = Field(title="Video URL", description="Where the video can be fetched.")
    title: Filled | None = Field(default=None, title="Title", description="A caption.")


class FilePayload(WireModel):
    """Any other file."""

    file_url: Filled = Field(title="File URL", description="Where the file can be fetched.")
    title: Filled | None = Field(default=None, title="Title", description="A caption.")


class LocationPayload(WireModel):
    """A place, in degrees (WGS 84)."""

    latitude: float = Field(title="Latitude", description="Degrees north, -90 to 90.")
    longitude: float = Field(title="Longitude", description="Degrees east, -180 to 180.")
    address: str | None = Field(default=None, title="Address", description="The postal address.")
    title: str | None = Field(default=None, title="Title", description="What the place is called.")


class CardAction(WireModel):
    """A button of a card."""

    action: Literal["postback", "url", "say"] = Field(
        title="Action", description="What the button does: answer, open a page, or say something."
    )
    label: Filled = Field(title="Label", description="The text on the button.")
    value: Filled = Field(title="Value", description="The answer, URL or words of the button.")


class CardPayload(WireModel):
    """A card with a picture and buttons."""

    title: Filled = Field(title="Title", description="The card's first line.")
    subtitle: Filled | None = Field(
        default=None, title="Subtitle", description="The card's second line."
    )
    image_url: Filled | None = Field(
        default=None, title="Image URL", description="Where the card's picture can be fetched."
    )
    actions: tuple[CardAction, ...] = Field(title="Buttons", description="The card's buttons.")


class CarouselPayload(WireModel):
    """Several cards beside each other."""

    items: tuple[CardPayload, ...] = Field(title="Cards", description="The cards, left to right.")


class Option(WireModel):
    """One option of a choice."""

    label: Filled = Field(title="Label", description="What the user reads.")
    value: Filled = Field(title="Value", description="What the bot gets.")


class ChoicePayload(WireModel):
    """A question with buttons to answer it."""

    text: Filled = Field(title="Text", description="The question.")
    options: tuple[Option, ...] = Field(title="Options", description="The possible answers.")


class DropdownPayload(ChoicePayload):
    """A question with a list to answer it."""


class TextPart(WireModel):
    """Text in a bloc or the history."""

    type: Literal["text"]
    payload: TextPayload


class ImagePart(WireModel):
    """An image in a bloc or the history."""

    type: Literal["image"]
    payload: ImagePayload


class AudioPart(WireModel):
    """A recording in a bloc or the history."""

    type: Literal["audio"]
    payload: AudioPayload


class VideoPart(WireModel):
    """A video in a bloc or the history."""

    type: Literal["video"]
    payload: VideoPayload


class FilePart(WireModel):
    """A file in a bloc or the history."""

    type: Literal["file"]
    payload: FilePayload


class LocationPart(WireModel):
    """A place in a bloc or the history."""

    type: Literal["location"]
    payload: LocationPayload


class MarkdownPart(WireModel):
    """Markdown in a bloc or the history."""

    type: Literal["markdown"]
    payload: MarkdownPayload


BlocItem = Annotated[
    TextPart | ImagePart | AudioPart | VideoPart | FilePart | LocationPart | MarkdownPart,
    Field(discriminator="type"),
]


class BlocPayload(WireModel):
    """Several messages sent as one, in order."""

    items: tuple[BlocItem, ...] = Field(title="Items", description="The messages, in order.")


class CardPart(WireModel):
    """A card in the history."""

    type: Literal["card"]
    payload: CardPayload


class CarouselPart(WireModel):
    """A carousel in the history."""

    type: Literal["carousel"]
    payload: CarouselPayload


class ChoicePart(WireModel):
    """A choice in the history."""

    type: Literal["choice"]
    payload: ChoicePayload


class DropdownPart(WireModel):
    """A dropdown in the history."""

    type: Literal["dropdown"]
    payload: DropdownPayload


class BlocPart(WireModel):
    """A bloc in the history."""

    type: Literal["bloc"]
    payload: BlocPayload


AnyPart = Annotated[
    TextPart
    | ImagePart
    | AudioPart
    | VideoPart
    | FilePart
    | LocationPart
    | MarkdownPart
    | CardPart
    | CarouselPart
    | ChoicePart
    | DropdownPart
    | BlocPart,
    Field(discriminator="type"),
]


class Addressed(WireModel):
    """What every message of the channel may carry beside its content."""

    user_id: str | None = Field(
        default=None,
        title="User ID",
        description="The user who says it; without one, the bot says it.",
    )
    additional_data: str | None = Field(
        default=None,
        max_length=MAX_ADDITIONAL_DATA,
        title="Additional data",
        description="Data for other integrations, encoded in a string; not shown to the agent.",
    )


class TextMessage(TextPayload, Addressed):
    """`text` in the channel."""


class ImageMessage(ImagePayload, Addressed):
    """`image` in the channel."""


class AudioMessage(AudioPayload, Addressed):
    """`audio` in the channel."""


class VideoMessage(VideoPayload, Addressed):
    """`video` in the channel."""


class FileMessage(FilePayload, Addressed):
    """`file` in the channel."""


class BlocMessage(BlocPayload, Addressed):
    """`bloc` in the channel."""


class LocationMessage(LocationPayload, Addressed):
    """`location` in the channel."""


class MarkdownMessage(MarkdownPayload, Addressed):
    """`markdown` in the channel."""


class CardMessage(CardPayload, Addressed):
    """`card` in the channel."""


class CarouselMessage(CarouselPayload, Addressed):
    """`carousel` in the channel."""


class ChoiceMessage(ChoicePayload, Addressed):
    """`choice` in the channel."""


class DropdownMessage(DropdownPayload, Addressed):
    """`dropdown` in the channel."""


MESSAGES: Mapping[str, type[Addressed]] = {
    "text": TextMessage,
    "image": ImageMessage,
    "audio": AudioMessage,
    "video": VideoMessage,
    "file": FileMessage,
    "bloc": BlocMessage,
    "location": LocationMessage,
    "markdown": MarkdownMessage,
    "card": CardMessage,
    "carousel": CarouselMessage,
    "choice": ChoiceMessage,
    "dropdown": DropdownMessage,
}
