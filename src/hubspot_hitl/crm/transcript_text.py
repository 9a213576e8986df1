"""The words of a chat as text for the CRM. Pure.

Each message is three lines behind an empty one: who, when, what. A text property and a note hold
the same number of characters at most, so what no longer fits goes on in notes.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hubspot_hitl.handoff.plain_text import one_line
from hubspot_hitl.handoff.split import split_text

LIMIT: Final = 65_536
"""Characters that a multi-line property and the body of a note hold (HubSpot, notes guide)."""
_LONGEST_TEXT: Final = 20_000
_ROOM_FOR_MARK: Final = 200
_LONGEST_NAME: Final = 200
_WORST_ESCAPE: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `at_ms` is epoch milliseconds."""

    sender: str
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The property's new text, and the older texts that have to go into notes before, in order."""

    text: str
    rolled: tuple[str, ...] = ()


def blocks(line: Line) -> tuple[str, ...]:
    r"""The message as it is appended; more than one block only where it is very long.

    Further lines are indented, so that nobody can write a message that looks like another one.

    >>> blocks(Line("Ada", 0, "Hello\nworld"))
    ('\nFROM: Ada\nSENT AT: 1970-01-01T00:00:00.000Z\nMESSAGE: Hello\n  world\n',)
    """
    head = f"\nFROM: {one_line(line.sender, _LONGEST_NAME)}\nSENT AT: {iso(line.at_ms)}\nMESSAGE: "
    pieces = split_text(line.text.strip(), _LONGEST_TEXT)
    return tuple(head + "\n  ".join(piece.splitlines()) + "\n" for piece in pieces)


def merged(current: str | None, new: Sequence[str], limit: int = LIMIT) -> Merged:
    r"""`new` behind `current`; nothing when it is there already. No text yet counts as empty.

    The last block decides: all were written by one call, so where it is, the others are or were.

    >>> merged(None, ["\na\n"])
    Merged(text='\na\n', rolled=())
    >>> merged("\na\n", ["\nb\n"], limit=4)
    Merged(text='\nb\n', rolled=('\na\n',))
    """
    text = current or ""
    if not new or _plain(new[-1]) in _plain(text):
        return Merged(text)
    rolled: list[str] = []
    for block in new:
        if text and len(text) + len(block) > limit:
            rolled.append(text)
            text = ""
        text += block
    return Merged(text, tuple(rolled))


def note_bodies(title: str, text: str, limit: int = LIMIT) -> tuple[tuple[str, str], ...]:
    """Mark and HTML body of the notes that hold `text`, in order; the same text, the same marks.

    >>> note_bodies("Chat", "a < b")[0][1].startswith("<p>Chat (1 of 1)")
    True
    """
    parts = _packed(text.strip("\n").split("\n"), limit - _ROOM_FOR_MARK - len(title))
    told: list[tuple[str, str]] = []
    for number, part in enumerate(parts, start=1):
        mark = hashlib.sha256(f"{number}:{text}".encode()).hexdigest()[:16]
        head = f"<p>{html.escape(title)} ({number} of {len(parts)}) [{mark}]</p>"
        told.append((mark, head + part))
    return tuple(told)


def _packed(lines: Sequence[str], room: int) -> list[str]:
    parts: list[str] = []
    current = ""
    for line in lines:
        for piece in split_text(line, room // _WORST_ESCAPE):
            told = f"{html.escape(piece, quote=False)}<br>"
            if current and len(current) + len(told) > room:
                parts.append(current)
                current = ""
            current += told
    return [*parts, current] if current or not parts else parts


def _plain(text: str) -> str:
    """The words without the white space, which a form of HubSpot's may have changed."""
    return " ".join(text.split())


def iso(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds.

    >>> iso(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    told = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")
