"""Long text in numbered parts that never cut a character a reader sees as one. Pure.

Boundaries follow the extended grapheme clusters of https://unicode.org/reports/tr29/ as far as
Python's own character data reaches: combining marks, joiners, variation selectors, emoji with skin
tones and flags, Hangul syllables, Indic conjuncts.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Literal

_Kind = Literal[
    "control", "extend", "joiner", "virama", "prepend", "flag", "L", "V", "T", "LV", "LVT", "other"
]
_PREPEND = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd")
_SMALLEST_LIMIT = 32
_PREFERRED = ("\n\n", "\n", ". ", " ")


@lru_cache(maxsize=4096)
def _kind(char: str) -> _Kind:
    code = ord(char)
    if code < 0x300:
        return "control" if code < 0x20 or 0x7F <= code < 0xA0 else "other"
    if code == 0x200D:
        return "joiner"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return "flag"
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F or code == 0x200C:
        return "extend"
    if char in _PREPEND:
        return "prepend"
    hangul = _hangul(code)
    if hangul is not None:
        return hangul
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Mc"}:
        return "virama" if unicodedata.combining(char) == 9 else "extend"
    return "control" if category in {"Cc", "Cf", "Zl", "Zp"} else "other"


def _hangul(code: int) -> _Kind | None:
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return "T"
    if 0xAC00 <= code <= 0xD7A3:
        return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    return None


def _sticks(before: _Kind, after: _Kind, flags_before: int) -> bool:
    if before == "control" or after == "control":
        return False
    if after in {"extend", "joiner", "virama"} or before in {"joiner", "prepend"}:
        return True
    if before == "virama":
        return after == "other"
    if before == "L":
        return after in {"L", "V", "LV", "LVT"}
    if before in {"LV", "V"}:
        return after in {"V", "T"}
    if before in {"LVT", "T"}:
        return after == "T"
    return before == "flag" and after == "flag" and flags_before % 2 == 1


def grapheme_ends(text: str) -> list[int]:
    """The index behind each grapheme cluster, ascending; the last one is `len(text)`.

    >>> grapheme_ends("e\u0301🇫🇷🇩🇪")
    [2, 4, 6]
    """
    ends: list[int] = []
    before: _Kind | None = None
    flags = 0
    for index, char in enumerate(text):
        after = _kind(char)
        newline = char == "\n" and index > 0 and text[index - 1] == "\r"
        if before is not None and not newline and not _sticks(before, after, flags):
            ends.append(index)
        flags = flags + 1 if after == "flag" else 0
        before = after
    if text:
        ends.append(len(text))
    return ends


def split_text(text: str, limit: int) -> tuple[str, ...]:
    """The text in parts of at most `limit` code points, in order, nothing added but numbers.

    One part is the text itself; several carry `(1/3) ` in front, and without those numbers they
    join to the text exactly. Cuts fall behind a paragraph, line, sentence or word where one ends in
    the second half of a part, else between graphemes. A grapheme longer than a part is cut.
    Raises ValueError for a limit under 32.

    >>> split_text("one two three four five six seven", 32)
    ('(1/2) one two three four five ', '(2/2) six seven')
    """
    if limit < _SMALLEST_LIMIT:
        raise ValueError(f"limit {limit!r} leaves no room for a number: give at least 32")
    if len(text) <= limit:
        return (text,)
    ends = grapheme_ends(text)
    digits = 1
    while True:
        bodies = _bodies(text, ends, limit - len("(/) ") - 2 * digits)
        if len(str(len(bodies))) <= digits:
            break
        digits += 1
    total = len(bodies)
    return tuple(f"({number}/{total}) {body}" for number, body in enumerate(bodies, start=1))


def _bodies(text: str, ends: list[int], room: int) -> list[str]:
    bodies: list[str] = []
    start = 0
    while start < len(text):
        furthest = start + room
        if furthest >= len(text):
            bodies.append(text[start:])
            break
        at = bisect_right(ends, furthest)
        cut = ends[at - 1] if at and ends[at - 1] > start else furthest
        cut = _nicer(text, ends, start, cut)
        bodies.append(text[start:cut])
        start = cut
    return bodies


def _nicer(text: str, ends: list[int], start: int, cut: int) -> int:
    half = start + (cut - start) // 2
    for mark in _PREFERRED:
        found = text.rfind(mark, half, cut)
        if found < 0:
            continue
        behind = found + len(mark)
        at = bisect_right(ends, behind)
        if at and ends[at - 1] == behind and behind > start:
            return behind
    return cut
