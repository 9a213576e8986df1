"""The conversation before the handoff as internal comments for the agent. Pure; never raises.

The same history always gives the same parts, so that one that was written before a crash is known
again by its mark instead of written twice (HubSpot's comments are not idempotent).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hubspot_hitl.handoff.plain_text import one_line, person_name, text_of
from hubspot_hitl.handoff.split import split_text
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.handoff.to_agent import ToAgent, as_text, to_agent
from hubspot_hitl.json_values import is_list, is_object

PART_LIMIT = 10_000
"""Code points per comment. HubSpot states no limit, so this is ours."""
MOST_PARTS = 20
_ROOM_FOR_MARK = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the history. `source` is who wrote it; `user_id` is set for users."""

    source: Literal["user", "bot", "unknown"]
    user_id: str | None
    message: ToAgent


@dataclass(frozen=True, slots=True)
class Facts:
    """What the header says. `names` maps Botpress user ids to names; `more` are label and value.

    `words` are those of the reader's language.
    """

    handoff_id: str
    name: str | None = None
    subject: str | None = None
    reason: str | None = None
    intent: str | None = None
    sentiment: str | None = None
    title: str | None = None
    description: str | None = None
    language: str | None = None
    origin: str | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    more: tuple[tuple[str, str], ...] = ()
    words: Words = field(default_factory=Words)


def entries(history: object, words: Words) -> tuple[Entry, ...]:
    """The entries of a `messageHistory`, in its order (oldest first), whatever their shape."""
    return tuple(_entry(item, words) for item in history) if is_list(history) else ()


def _entry(item: object, words: Words) -> Entry:
    if not is_object(item):
        return Entry("unknown", None, to_agent("", item, words))
    source = item.get("source")
    kind = source.get("type") if is_object(source) else None
    user_id = text_of(source.get("userId")) if is_object(source) else ""
    message = to_agent(text_of(item.get("type")), item.get("payload"), words)
    if kind == "user":
        return Entry("user", user_id or None, message)
    return Entry("bot" if kind == "bot" else "unknown", None, message)


def part_mark(handoff_id: str, part: int, total: int) -> str:
    """By what a part is known again in the thread."""
    return f"handoff {handoff_id}, history {part} of {total}"


def transcript(
    history: object, facts: Facts, *, part_limit: int = PART_LIMIT, most_parts: int = MOST_PARTS
) -> tuple[str, ...]:
    """The comments to write, in order: a header, then every message with who said it.

    Each part has at most `part_limit` code points (at least 1,000). When there would be more than
    `most_parts`, the oldest messages are left out and their number is told.
    """
    room = max(part_limit, 1_000) - _ROOM_FOR_MARK
    header = [piece for line in _header(facts) for piece in split_text(line, room)]
    said = [
        piece
        for entry in entries(history, facts.words)
        for piece in split_text(_line(entry, facts), room)
    ]
    parts = _packed([*header, *said], room)
    left_out = 0
    while len(parts) > max(most_parts, 1) and left_out < len(said):
        surplus = sum(len(part) for part in parts[max(most_parts, 1) :])
        left_out += _covering(said[left_out:], surplus)
        note = facts.words(TextKey.LABEL_LEFT_OUT, count=str(left_out))
        parts = _packed([*header, f"({note})", *said[left_out:]], room)
    total = len(parts)
    if total == 1:
        return tuple(parts)
    return tuple(f"({number}/{total}) {part}" for number, part in enumerate(parts, start=1))


def _header(facts: Facts) -> list[str]:
    words = facts.words
    rows = [
        (TextKey.LABEL_NAME, person_name(facts.name, fallback=words(TextKey.LABEL_VISITOR))),
        (TextKey.LABEL_SUBJECT, one_line(facts.subject, 500)),
        (TextKey.LABEL_REASON, one_line(facts.reason, 500)),
        (TextKey.LABEL_INTENT, one_line(facts.intent, 500)),
        (TextKey.LABEL_SENTIMENT, one_line(facts.sentiment, 500)),
        (TextKey.LABEL_TITLE, one_line(facts.title, 500) or words(TextKey.LABEL_NO_TITLE)),
        (TextKey.LABEL_DESCRIPTION, text_of(facts.description).strip()),
        (TextKey.LABEL_LANGUAGE, one_line(facts.language, 40)),
        (TextKey.LABEL_ORIGIN, one_line(facts.origin, 2_000)),
    ]
    more = ((one_line(label, 100), one_line(value, 1_000)) for label, value in facts.more)
    lines = [words.line(label, value) for label, value in rows if value]
    lines += [f"{label}: {value}" for label, value in more if label and value]
    return [words(TextKey.LABEL_BEFORE), *lines, ""]


def _line(entry: Entry, facts: Facts) -> str:
    words = facts.words
    if entry.source == "user":
        user = facts.names.get(entry.user_id or "")
        speaker = person_name(user, facts.name, fallback=words(TextKey.SPEAKER_USER))
    else:
        bot = entry.source == "bot"
        speaker = words(TextKey.SPEAKER_BOT if bot else TextKey.SPEAKER_UNKNOWN)
    return f"{speaker}: {as_text(entry.message).strip()}".replace("\n", "\n    ")


def _packed(lines: Sequence[str], room: int) -> list[str]:
    parts: list[str] = []
    current: list[str] = []
    used = 0
    for line in lines:
        if current and used + len(line) + 1 > room:
            parts.append("\n".join(current))
            current, used = [], 0
        current.append(line)
        used += len(line) + 1
    if current:
        parts.append("\n".join(current))
    return parts


def _covering(lines: Sequence[str], size: int) -> int:
    """How many lines from the front have `size` code points together: at least one."""
    covered = 0
    for count, line in enumerate(lines, start=1):
        covered += len(line) + 1
        if covered >= size:
            return count
    return len(lines)
