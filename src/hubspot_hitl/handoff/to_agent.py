"""A Botpress message of any kind as what the agent sees in HubSpot. Pure; never raises.

Kinds and payloads are those of the HITL interface's channel and `messageHistory`
(https://github.com/botpress/botpress/blob/master/interfaces/hitl/interface.definition.ts). A
payload is any JSON value: what does not fit is shown as readable text, nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from hubspot_hitl.handoff.markup import escaped, markdown_to_html
from hubspot_hitl.handoff.outline import outline
from hubspot_hitl.handoff.plain_text import is_blank, is_web_address, one_line, text_of
from hubspot_hitl.handoff.split import split_text
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.json_values import is_list, is_object

__all__ = [
    "Choice",
    "FileRef",
    "Place",
    "ToAgent",
    "as_text",
    "edited",
    "file_label",
    "split_text",
    "to_agent",
]

FileKind = Literal["image", "audio", "video", "file", "voice"]

_ENGLISH = Words()
_NOT_CONTENT = frozenset({"userId", "additionalData", "type"})  # the plugin adds them
_DEEPEST = 6
_FILE_FIELDS: Mapping[str, tuple[FileKind, str, TextKey]] = MappingProxyType(
    {
        "image": ("image", "imageUrl", TextKey.LABEL_IMAGE),
        "audio": ("audio", "audioUrl", TextKey.LABEL_AUDIO),
        "voice": ("voice", "audioUrl", TextKey.LABEL_VOICE),
        "video": ("video", "videoUrl", TextKey.LABEL_VIDEO),
        "file": ("file", "fileUrl", TextKey.LABEL_FILE),
    }
)


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by its http(s) address, as the user sent it; not yet checked or loaded."""

    url: str
    kind: FileKind
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A location in degrees, within -90..90 and -180..180."""

    latitude: float
    longitude: float
    title: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One option that the user could choose."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ToAgent:
    """A message for the agent. `text` is never blank.

    `text` names every file, place and option in order; `text_with_links` has the files' addresses
    too. `rich_text` is sanitised HTML of the same content, None when there is no formatting.
    """

    text: str
    text_with_links: str
    rich_text: str | None = None
    files: tuple[FileRef, ...] = ()
    locations: tuple[Place, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def location(self) -> Place | None:
        """The first place of the message, if any."""
        return self.locations[0] if self.locations else None


def to_agent(type_: str, payload: object, words: Words = _ENGLISH) -> ToAgent:
    r"""The Botpress message `(type, payload)` as the agent shall see it, in the words of `words`.

    >>> to_agent("image", {"imageUrl": "https://example.test/cat.png", "title": "Cat"}).text
    '[Image] Cat'
    >>> to_agent("choice", {"text": "Size?", "options": [{"label": "S", "value": "s"}]}).text
    'Size?\n1. S'
    """
    return _joined(_read(type_, payload, 0, words))


def edited(message: ToAgent, words: Words) -> ToAgent:
    """The message as what became of an earlier one."""
    label = _bracketed(words(TextKey.LABEL_EDITED))
    return replace(
        message,
        text=f"{label} {message.text}",
        text_with_links=f"{label} {message.text_with_links}",
        rich_text=f"<p>{escaped(label)}</p>{message.rich_text}" if message.rich_text else None,
    )


def as_text(message: ToAgent) -> str:
    """The whole message as text, files by their addresses: for when they cannot be uploaded."""
    return message.text_with_links


def file_label(kind: FileKind, words: Words) -> str:
    """What a file of that kind is called."""
    return words(_FILE_FIELDS[kind][2])


def _said(
    text: str,
    *,
    linked: str | None = None,
    rich: str | None = None,
    files: tuple[FileRef, ...] = (),
    locations: tuple[Place, ...] = (),
    choices: tuple[Choice, ...] = (),
) -> ToAgent:
    return ToAgent(text, linked or text, rich, files, locations, choices)


def _joined(parts: Iterable[ToAgent]) -> ToAgent:
    found = tuple(parts)
    if len(found) == 1:
        return found[0]
    rich = None
    if any(part.rich_text for part in found):
        rich = "<br>".join(part.rich_text or escaped(part.text) for part in found)
    return _said(
        "\n".join(part.text for part in found),
        linked="\n".join(part.text_with_links for part in found),
        rich=rich,
        files=tuple(file for part in found for file in part.files),
        locations=tuple(place for part in found for place in part.locations),
        choices=tuple(choice for part in found for choice in part.choices),
    )


def _read(type_: str, payload: object, depth: int, words: Words) -> list[ToAgent]:
    if not is_object(payload):
        payload = {} if payload is None else {"": payload}
    if type_ == "text" and not is_blank(text_of(payload.get("text"))):
        return [_said(text_of(payload.get("text")))]
    if type_ == "markdown" and not is_blank(text_of(payload.get("markdown"))):
        source = text_of(payload.get("markdown"))
        return [_said(source, rich=markdown_to_html(source))]
    if type_ in _FILE_FIELDS:
        return [_file(type_, payload, words)]
    if type_ == "location":
        return [_location(payload, words)]
    if type_ in {"choice", "dropdown"}:
        return [_choice(payload, words)]
    if type_ == "card":
        return [_card(payload, words)]
    items = payload.get("items")
    if type_ in {"bloc", "carousel"} and is_list(items) and items and depth < _DEEPEST:
        return _items(type_, items, depth + 1, words)
    lines = outline(_content(payload), words)
    if type_ in {"text", "markdown", "bloc", "carousel"} and not lines:
        return [_said(_bracketed(words(TextKey.LABEL_EMPTY)))]
    kind = one_line(type_, 60) or words(TextKey.LABEL_UNKNOWN)
    return [_said("\n".join([_bracketed(words(TextKey.LABEL_KIND, kind=kind)), *lines]))]


def _items(type_: str, items: Iterable[object], depth: int, words: Words) -> list[ToAgent]:
    parts: list[ToAgent] = []
    for item in items:
        if type_ == "carousel":
            parts.extend(_read("card", item, depth, words))
        elif is_object(item) and isinstance(item.get("type"), str):
            parts.extend(_read(text_of(item.get("type")), item.get("payload"), depth, words))
        else:
            parts.extend(_read("", item, depth, words))
    return parts


def _bracketed(label: str) -> str:
    """A label as it stands before or for content; an owner's text may have brackets already."""
    return label if label.startswith("[") else f"[{label}]"


def _file(type_: str, payload: Mapping[str, object], words: Words) -> ToAgent:
    kind, field, label = _FILE_FIELDS[type_]
    url = payload.get(field)
    title = one_line(payload.get("title"), 500) or None
    word = _bracketed(words(label))
    shown = f"{word} {title}" if title else word
    if not is_web_address(url):
        address = one_line(url, 200)
        key = TextKey.LABEL_BAD_ADDRESS if address else TextKey.LABEL_NO_ADDRESS
        return _said(f"{shown} ({words(key, address=address)})")
    return _said(shown, linked=f"{shown}: {url}", files=(FileRef(url, kind, title),))


def _location(payload: Mapping[str, object], words: Words) -> ToAgent:
    title = one_line(payload.get("title"), 500) or None
    address = one_line(payload.get("address"), 500) or None
    named = ", ".join(part for part in (title, address) if part)
    label = _bracketed(words(TextKey.LABEL_LOCATION))
    latitude = _degrees(payload.get("latitude"), 90)
    longitude = _degrees(payload.get("longitude"), 180)
    if latitude is None or longitude is None:
        raw = ", ".join(
            f"{words(key)} {value}"
            for key, value in (
                (TextKey.LABEL_LATITUDE, one_line(payload.get("latitude"), 40)),
                (TextKey.LABEL_LONGITUDE, one_line(payload.get("longitude"), 40)),
            )
            if value
        )
        where = named or words(TextKey.LABEL_NO_PLACE)
        return _said(f"{label} {where}" + (f" ({raw})" if raw else ""))
    where = f"({latitude}, {longitude})"
    return _said(
        " ".join(part for part in (label, named, where) if part),
        locations=(Place(latitude, longitude, title, address),),
    )


def _degrees(value: object, most: float) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -most <= value <= most else None


def _choice(payload: Mapping[str, object], words: Words) -> ToAgent:
    choices: list[Choice] = []
    options = payload.get("options")
    for option in options if is_list(options) else ():
        fields = option if is_object(option) else {"label": option}
        label = one_line(fields.get("label"), 500) or one_line(fields.get("value"), 500)
        shown = label or _bracketed(words(TextKey.LABEL_UNLABELLED))
        choices.append(Choice(shown, text_of(fields.get("value")) or label))
    question = text_of(payload.get("text")).strip()
    lines = [_bracketed(words(TextKey.LABEL_CHOICE)) if is_blank(question) else question]
    lines += [f"{number}. {choice.label}" for number, choice in enumerate(choices, start=1)]
    return _said("\n".join(lines), choices=tuple(choices))


def _card(payload: Mapping[str, object], words: Words) -> ToAgent:
    title = one_line(payload.get("title"), 1_000)
    label = _bracketed(words(TextKey.LABEL_CARD))
    lines = [f"{label} {title}" if title else label]
    subtitle = text_of(payload.get("subtitle")).strip()
    if subtitle:
        lines.append(subtitle)
    linked = list(lines)
    files: tuple[FileRef, ...] = ()
    if payload.get("imageUrl"):
        fields = payload if title else {"imageUrl": payload.get("imageUrl")}
        image = _file("image", fields, words)
        files = image.files
        word = _bracketed(words(TextKey.LABEL_IMAGE))
        lines.append(word if files else image.text)
        linked.append(f"{word}: {files[0].url}" if files else image.text)
    actions = payload.get("actions")
    for action in actions if is_list(actions) else ():
        line = _action(action, words)
        lines.append(line)
        linked.append(line)
    return _said("\n".join(lines), linked="\n".join(linked), files=files)


def _action(action: object, words: Words) -> str:
    fields = action if is_object(action) else {"label": action}
    label = one_line(fields.get("label"), 500)
    value = one_line(fields.get("value"), 2_000)
    if fields.get("action") == "url" and value:
        return f"- {label}: {value}" if label else f"- {value}"
    return f"- {label or value or _bracketed(words(TextKey.LABEL_BUTTON))}"


def _content(payload: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in payload.items() if key not in _NOT_CONTENT}
