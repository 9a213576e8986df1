"""Commands that agents write as internal comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hubspot_hitl.handoff.plain_text import clean, one_line

Word = Literal["bot", "end", "transfer", "wait", "reask", "who", "help", "unknown"]

_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,4})\s*(s|sec|m|min|h|d)?", re.IGNORECASE)
_UNIT_MS: Mapping[str, int] = MappingProxyType(
    {"s": 1_000, "sec": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
)
DEFAULT_WAIT_MS = 10 * 60_000
LONGEST_WAIT_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Command:
    """What an agent wants. `argument` is trimmed and may be empty."""

    word: Word
    argument: str = ""


def command_of(comment: str) -> Command | None:
    """The command that a comment is, None for an ordinary note.

    Only the first line counts, and only if it begins with a slash and a word: a path such as
    `/a/b` is a note.

    >>> command_of("/transfer Second line ")
    Command(word='transfer', argument='Second line')
    >>> command_of("please use /help") is None, command_of("/home/x") is None
    (True, True)
    """
    lines = clean(comment).replace("\u00a0", " ").strip().splitlines()
    found = _COMMAND.fullmatch(lines[0].strip()) if lines else None
    if found is None:
        return None
    argument = one_line(found[2] or "", 500)
    match found[1].lower():
        case "bot" | "end" | "transfer" | "wait" | "reask" | "who" | "help" as word:
            return Command(word, argument)
        case word:
            return Command("unknown", one_line(word, 40))


def wait_ms_of(argument: str) -> int | None:
    """The time in `/wait 10m`: minutes when no unit is given, ten minutes when nothing is.

    None when it is no time, or none between a second and a week.

    >>> wait_ms_of("10m"), wait_ms_of("2 h"), wait_ms_of(""), wait_ms_of("soon")
    (600000, 7200000, 600000, None)
    """
    if not argument:
        return DEFAULT_WAIT_MS
    found = _TIME.fullmatch(argument)
    if found is None:
        return None
    wait_ms = int(found[1]) * _UNIT_MS[(found[2] or "m").lower()]
    return wait_ms if 0 < wait_ms <= LONGEST_WAIT_MS else None
