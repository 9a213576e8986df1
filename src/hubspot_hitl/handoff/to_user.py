"""An agent's HubSpot message as the Botpress messages that the user gets, in order. Pure.

Only messages for the user pass: comments are internal notes and nothing of them ever leaves. The
HITL channel knows text, image, audio, video and file (bloc is not needed: order is kept by sending
one message after the other), so other kinds become readable text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from hubspot_hitl.handoff.image_slots import ImagePiece
from hubspot_hitl.handoff.markup import TextPiece, html_to_pieces
from hubspot_hitl.handoff.plain_text import clean, is_blank, is_web_address, one_line, text_of
from hubspot_hitl.handoff.split import split_text
from hubspot_hitl.handoff.texts import TextKey, Texts
from hubspot_hitl.ports.hubspot_records import QuickReply, ThreadAttachment, ThreadMessage

MessageType = Literal["text", "image", "audio", "video", "file", "choice"]

FOR_THE_USER = frozenset({"MESSAGE", "WELCOME_MESSAGE"})
"""Types of thread entries that a user may read. Everything else, also what HubSpot adds later, is
private until it is known not to be."""
TEXT_LIMIT = 10_000
"""Code points per text message: below Botpress's 128 KB per payload however they are encoded."""

_QUOTE_LIMIT = 300
_EXTENSIONS: Mapping[str, MessageType] = MappingProxyType(
    {
        **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "bmp", "avif"), "image"),
        **dict.fromkeys(("mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "amr"), "audio"),
        **dict.fromkeys(("mp4", "m4v", "mov", "webm", "ogv", "avi", "mkv", "3gp", "mpeg"), "video"),
    }
)
_USAGES: Mapping[str, MessageType] = MappingProxyType(
    {"IMAGE": "image", "STICKER": "image", "AUDIO": "audio", "VOICE_RECORDING": "audio"}
)
_URL_FIELD: Mapping[MessageType, str] = MappingProxyType(
    {"image": "imageUrl", "audio": "audioUrl", "video": "videoUrl", "file": "fileUrl"}
)


@dataclass(frozen=True, slots=True)
class ToUser:
    """One Botpress message. `key` is the same whenever the same HubSpot message is translated.

    The first message's key is the HubSpot message id, the following ones' are `<id>:1`, `<id>:2`.
    """

    type: MessageType
    payload: Mapping[str, object]
    key: str


@dataclass(frozen=True, slots=True)
class ToUserOptions:
    """How messages are put to the user.

    `urls` maps HubSpot file ids to addresses that work for the user (they win over the address in
    the message, which may be private). `quoted` is the text of the message that is replied to.
    `quick_replies="choice"` is for channels that have the kind: the HITL channel has not.
    """

    language: str | None = None
    texts: Texts = field(default_factory=Texts)
    urls: Mapping[str, str] = field(default_factory=dict[str, str])
    quoted: str | None = None
    quick_replies: Literal["list", "choice"] = "list"
    text_limit: int = TEXT_LIMIT


_Out = tuple[MessageType, Mapping[str, object]]


def is_for_user(message: ThreadMessage) -> bool:
    """Whether the user may see this entry: an agent's message, no comment, no echo of their own."""
    return message.type in FOR_THE_USER and message.direction != "INCOMING"


def to_user(message: ThreadMessage, options: ToUserOptions | None = None) -> tuple[ToUser, ...]:
    """The agent's message as Botpress messages: words and inline images in order, then attachments.

    Nothing for entries that are not for the user (:func:`is_for_user`); otherwise at least one
    message, if only one that says that the message was empty. A truncated message must have been
    completed before; if not, the user is told that its rest is missing.
    """
    if not is_for_user(message):
        return ()
    how = options or ToUserOptions()
    found = list(_content(message, how))
    if not found:
        found = [_text(how.texts.placeholder(TextKey.EMPTY_MESSAGE, how.language))]
    if message.truncated:
        found.append(_text(how.texts.placeholder(TextKey.TRUNCATED, how.language)))
    return tuple(
        ToUser(type_, payload, message.id if index == 0 else f"{message.id}:{index}")
        for index, (type_, payload) in enumerate(found)
    )


def _text(text: str) -> _Out:
    return "text", {"text": text}


def _content(message: ThreadMessage, how: ToUserOptions) -> Iterator[_Out]:
    words = _quoted(_words(message, how), how.quoted)
    replies = [reply for part in message.attachments for reply in part.replies]
    for type_, payload in _offered(words, replies, how):
        if type_ == "text":
            parts = split_text(str(payload["text"]), how.text_limit)
            yield from (_text(part) for part in parts if part.strip())
        else:
            yield type_, payload
    for attachment in message.attachments:
        if attachment.type != "QUICK_REPLIES" or not attachment.replies:
            yield _attachment(attachment, how)


def _words(message: ThreadMessage, how: ToUserOptions) -> list[_Out]:
    pieces = [
        piece
        for piece in html_to_pieces(message.rich_text or "", message.text)
        if not (isinstance(piece, TextPiece) and is_blank(piece.text))
    ]
    out = [_text(p.text) if isinstance(p, TextPiece) else _inline_image(p, how) for p in pieces]
    plain = clean(message.text).strip()
    if not is_blank(plain) and not any(isinstance(piece, TextPiece) for piece in pieces):
        out.insert(0, _text(plain))
    return out


def _inline_image(image: ImagePiece, how: ToUserOptions) -> _Out:
    if image.url is None:
        kind = how.texts.placeholder(TextKey.IMAGE, how.language)
        return _unavailable(image.title or kind, how)
    return "image", {"imageUrl": image.url, **({"title": image.title} if image.title else {})}


def _quoted(words: list[_Out], quoted: str | None) -> list[_Out]:
    quote = one_line(quoted, _QUOTE_LIMIT)
    if not quote:
        return words
    if words and words[0][0] == "text":
        return [_text(f"> {quote}\n\n{words[0][1]['text']}"), *words[1:]]
    return [_text(f"> {quote}"), *words]


def _offered(words: list[_Out], replies: Sequence[QuickReply], how: ToUserOptions) -> list[_Out]:
    """The words with the quick replies under them: a numbered list, or a choice."""
    if not replies:
        return words
    *before, last = words if words and words[-1][0] == "text" else [*words, _text("")]
    text = str(last[1]["text"])
    buttons = [reply for reply in replies if reply.value_type != "URL"]
    if how.quick_replies == "list" or not buttons:
        lines = [f"{number}. {_reply_line(reply)}" for number, reply in enumerate(replies, start=1)]
        return [*before, _text("\n".join([f"{text}\n", *lines] if text else lines))]
    links = [_reply_line(reply) for reply in replies if reply.value_type == "URL"]
    *long, question = split_text("\n".join([text, *links]).strip() or "?", how.text_limit)
    options = [
        {"label": _reply_label(reply), "value": text_of(reply.value) or _reply_label(reply)}
        for reply in buttons
    ]
    choice: _Out = "choice", {"text": question, "options": options}
    return [*before, *(_text(part) for part in long), choice]


def _reply_label(reply: QuickReply) -> str:
    return one_line(reply.label, 500) or one_line(reply.value, 500) or "…"


def _reply_line(reply: QuickReply) -> str:
    label = _reply_label(reply)
    value = one_line(reply.value, 2_000)
    return f"{label}: {value}" if reply.value_type == "URL" and value != label else label


def _attachment(attachment: ThreadAttachment, how: ToUserOptions) -> _Out:
    if attachment.type == "LOCATION":
        return _text(how.texts.placeholder(TextKey.PLACE, how.language, place=_place(attachment)))
    if attachment.type == "FILE" or attachment.file_id:
        return _file(attachment, how)
    if attachment.type == "CONTACT":
        named = [one_line(value, 500) for value in (attachment.name, attachment.address)]
        name = ", ".join(part for part in named if part) or "?"
        return _text(how.texts.placeholder(TextKey.CONTACT, how.language, name=name))
    if is_web_address(attachment.url):
        return _file(attachment, how)
    kind = one_line(attachment.type, 60).lower().replace("_", " ") or "?"
    return _text(how.texts.placeholder(TextKey.UNSUPPORTED, how.language, kind=kind))


def _place(attachment: ThreadAttachment) -> str:
    parts = [one_line(attachment.name, 500), one_line(attachment.address, 500)]
    named = ", ".join(dict.fromkeys(part for part in parts if part))
    degrees = ""
    if attachment.latitude is not None and attachment.longitude is not None:
        degrees = f"({attachment.latitude}, {attachment.longitude})"
    link = attachment.url if is_web_address(attachment.url) else ""
    return " ".join(part for part in (named, degrees, link) if part) or "?"


def _file(attachment: ThreadAttachment, how: ToUserOptions) -> _Out:
    name = one_line(attachment.name, 500)
    url = how.urls.get(attachment.file_id or "") or attachment.url
    if not is_web_address(url):
        return _unavailable(name or attachment.file_id or "?", how)
    kind = _kind_of(attachment.usage, name, url)
    return kind, {_URL_FIELD[kind]: url, **({"title": name} if name else {})}


def _kind_of(usage: str | None, name: str, url: str) -> MessageType:
    """By HubSpot's usage, else by the extension: HubSpot has no usage for video."""
    if usage is not None and usage in _USAGES:
        return _USAGES[usage]
    for candidate in (name, re.sub(r"[?#].*", "", url, flags=re.DOTALL)):
        _, dot, extension = candidate.rpartition(".")
        if dot and extension.lower() in _EXTENSIONS:
            return _EXTENSIONS[extension.lower()]
    return "file"


def _unavailable(name: str, how: ToUserOptions) -> _Out:
    text = how.texts.placeholder(TextKey.FILE_UNAVAILABLE, how.language, name=one_line(name, 500))
    return _text(text)
