"""A Botpress message of any kind as what the agent sees in HubSpot. Pure; never raises.

Kinds and payloads are those of the HITL interface's channel and `messageHistory`
(https://github.com/botpress/botpress/blob/master/interfaces/hitl/interface.definition.ts). A
payload is any JSON value: what does not fit is shown as readable text, nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hubspot_hitl.handoff.markup import escaped, markdown_to_html
from hubspot_hitl.handoff.plain_text import (
    is_list,
    is_object,
    is_web_address,
    one_line,
    text_of,
)
from hubspot_hitl.handoff.split import split_text

__all__ = ["Choice", "FileRef", "Place", "ToAgent", "as_text", "split_text", "to_agent"]

FileKind = Literal["image", "audio", "video", "file", "voice"]

EMPTY = "[Empty message]"
"""What the agent sees where a message has no content: HubSpot refuses an empty text."""
_NOT_CONTENT = frozenset({"userId", "additionalData", "type"})  # the plugin adds them
_DEEPEST = 6
_MOST_LINES = 100
_FILE_FIELDS: Mapping[str, tuple[FileKind, str, str]] = MappingProxyType(
    {
        "image": ("image", "imageUrl", "Image"),
        "audio": ("audio", "audioUrl", "Audio"),
        "voice": ("voice", "audioUrl", "Voice message"),
        "video": ("video", "videoUrl", "Video"),
        "file": ("file", "fileUrl", "File"),
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


def to_agent(type_: str, payload: object) -> ToAgent:
    r"""The Botpress message `(type, payload)` as the agent shall see it.

    >>> to_agent("image", {"imageUrl": "https://example.test/cat.png", "title": "Cat"}).text
    '[Image] Cat'
    >>> to_agent("choice", {"text": "Size?", "options": [{"label": "S", "value": "s"}]}).text
    'Size?\n1. S'
    """
    return _joined(_read(type_, payload, 0))


def as_text(message: ToAgent) -> str:
    """The whole message as text, files by their addresses: for when they cannot be uploaded."""
    return message.text_with_links


def _said(
    text: str,
    *,
    linked: str | None = None,
    rich: str | None = None,
    files: tuple[FileRef, ...] = (),
    locations: tuple[Place, ...] = (),
    choices: tuple[Choice, ...] = (),
) -> ToAgent:
    shown = text if text.strip() else EMPTY
    return ToAgent(shown, linked or shown, rich, files, locations, choices)


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


def _read(type_: str, payload: object, depth: int) -> list[ToAgent]:
    if not is_object(payload):
        payload = {} if payload is None else {"value": payload}
    if type_ == "text" and text_of(payload.get("text")).strip():
        return [_said(text_of(payload.get("text")))]
    if type_ == "markdown" and text_of(payload.get("markdown")).strip():
        source = text_of(payload.get("markdown"))
        return [_said(source, rich=markdown_to_html(source))]
    if type_ in _FILE_FIELDS:
        return [_file(type_, payload)]
    if type_ == "location":
        return [_location(payload)]
    if type_ in {"choice", "dropdown"}:
        return [_choice(payload)]
    if type_ == "card":
        return [_card(payload)]
    items = payload.get("items")
    if type_ in {"bloc", "carousel"} and is_list(items) and items and depth < _DEEPEST:
        return _items(type_, items, depth + 1)
    if type_ in {"text", "markdown", "bloc", "carousel"} and not _has_content(payload):
        return [_said(EMPTY)]
    return [_unknown(type_, payload)]


def _items(type_: str, items: Iterable[object], depth: int) -> list[ToAgent]:
    parts: list[ToAgent] = []
    for item in items:
        if type_ == "carousel":
            parts.extend(_read("card", item, depth))
        elif is_object(item) and isinstance(item.get("type"), str):
            parts.extend(_read(text_of(item.get("type")), item.get("payload"), depth))
        else:
            parts.extend(_read("item", item, depth))
    return parts


def _file(type_: str, payload: Mapping[str, object]) -> ToAgent:
    kind, field, word = _FILE_FIELDS[type_]
    url = payload.get(field)
    title = one_line(payload.get("title"), 500) or None
    shown = f"[{word}] {title}" if title else f"[{word}]"
    if not is_web_address(url):
        address = one_line(url, 200)
        reason = f"no address that can be opened: {address}" if address else "without an address"
        return _said(f"{shown} ({reason})")
    return _said(shown, linked=f"{shown}: {url}", files=(FileRef(url, kind, title),))


def _location(payload: Mapping[str, object]) -> ToAgent:
    title = one_line(payload.get("title"), 500) or None
    address = one_line(payload.get("address"), 500) or None
    named = ", ".join(part for part in (title, address) if part)
    latitude = _degrees(payload.get("latitude"), 90)
    longitude = _degrees(payload.get("longitude"), 180)
    if latitude is None or longitude is None:
        raw = ", ".join(
            f"{name} {one_line(payload.get(name), 40)}"
            for name in ("latitude", "longitude")
            if one_line(payload.get(name), 40)
        )
        return _said(f"[Location] {named or 'without a place'}" + (f" ({raw})" if raw else ""))
    where = f"({latitude}, {longitude})"
    return _said(
        f"[Location] {named} {where}" if named else f"[Location] {where}",
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


def _choice(payload: Mapping[str, object]) -> ToAgent:
    choices: list[Choice] = []
    options = payload.get("options")
    for option in options if is_list(options) else ():
        fields = option if is_object(option) else {"label": option}
        label = one_line(fields.get("label"), 500) or one_line(fields.get("value"), 500)
        choices.append(Choice(label or "[without a label]", text_of(fields.get("value")) or label))
    lines = [text_of(payload.get("text")).strip() or "[Choice]"]
    lines += [f"{number}. {choice.label}" for number, choice in enumerate(choices, start=1)]
    return _said("\n".join(lines), choices=tuple(choices))


def _card(payload: Mapping[str, object]) -> ToAgent:
    title = one_line(payload.get("title"), 1_000)
    lines = [f"[Card] {title}" if title else "[Card]"]
    subtitle = text_of(payload.get("subtitle")).strip()
    if subtitle:
        lines.append(subtitle)
    linked = list(lines)
    files: tuple[FileRef, ...] = ()
    if payload.get("imageUrl"):
        image = _file("image", payload if title else {"imageUrl": payload.get("imageUrl")})
        files = image.files
        lines.append("[Image]" if files else image.text)
        linked.append(f"[Image]: {files[0].url}" if files else image.text)
    actions = payload.get("actions")
    for action in actions if is_list(actions) else ():
        line = _action(action)
        lines.append(line)
        linked.append(line)
    return _said("\n".join(lines), linked="\n".join(linked), files=files)


def _action(action: object) -> str:
    fields = action if is_object(action) else {"label": action}
    label = one_line(fields.get("label"), 500)
    value = one_line(fields.get("value"), 2_000)
    if fields.get("action") == "url" and value:
        return f"- {label}: {value}" if label else f"- {value}"
    return f"- {label or value or '[Button]'}"


def _unknown(type_: object, payload: Mapping[str, object]) -> ToAgent:
    lines = [f"[Message of kind {one_line(type_, 60) or 'unknown'}]"]
    lines += _outline(_content(payload), "", 0)[: _MOST_LINES + 1]
    if len(lines) > _MOST_LINES + 1:
        lines[-1] = "(more is not shown)"
    return _said("\n".join(lines))


def _outline(value: object, name: str, depth: int) -> list[str]:
    """The value's scalars as `path: text` lines: readable for an agent, whatever the shape."""
    if depth > _DEEPEST:
        return [f"{name}: (deeper content is not shown)"]
    lines: list[str] = []
    if is_object(value):
        for key, inner in value.items():
            lines += _outline(
                inner, f"{name} > {one_line(key, 60)}" if name else one_line(key, 60), depth + 1
            )
            if len(lines) > _MOST_LINES:
                break
        return lines
    if is_list(value):
        for number, inner in enumerate(value, start=1):
            lines += _outline(inner, f"{name} {number}".strip(), depth + 1)
            if len(lines) > _MOST_LINES:
                break
        return lines
    shown = ("yes" if value else "no") if isinstance(value, bool) else text_of(value).strip()
    return [f"{name}: {shown}" if name else shown] if shown else []


def _content(payload: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in payload.items() if key not in _NOT_CONTENT}


def _has_content(payload: Mapping[str, object]) -> bool:
    return bool(_outline(_content(payload), "", 0))
