"""Text that every store, vendor and terminal accepts, from any JSON value. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TypeGuard

_FORBIDDEN = re.compile("[\x00\ud800-\udfff\ufdd0-\ufdef]")
_NOT_IN_A_NAME = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
# fillers and blanks that Unicode counts as letters, symbols and marks
_NO_INK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe0e\ufe0f")
_WITH_INK = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_NO_NAMES = frozenset({"", "none", "undefined", "null", "nan", "n/a", "[object object]"})
NAME_LIMIT = 200
"""Botpress refuses longer user names (API: createUser)."""


def clean(text: str) -> str:
    r"""The text with line ends unified and unstorable characters replaced.

    NUL (PostgreSQL), lone surrogates (UTF-8) and the noncharacters that this package uses as
    placeholders become U+FFFD.

    >>> clean("a\r\nb\x00")
    'a\nb\ufffd'
    """
    return _FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def is_blank(text: str) -> bool:
    r"""Whether a reader would see nothing: spaces, line ends, signs without any width or ink.

    >>> is_blank(" \u200b\ufeff\u2060\u3164 "), is_blank("\u200d!")
    (True, False)
    """
    return all(
        char.isspace()
        or char in _NO_INK
        or (unicodedata.category(char) in {"Cc", "Cf"} and char not in _WITH_INK)
        for char in text
    )


def text_of(value: object) -> str:
    """A scalar JSON value as clean text; empty for null, booleans, objects and arrays."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return str(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        return ""


def one_line(value: object, limit: int = NAME_LIMIT) -> str:
    """A scalar as one trimmed line of at most `limit` characters, without control characters."""
    text = text_of(value)
    if len(text) > 50 * limit:
        text = text[: 50 * limit]
    kept = "".join(" " if unicodedata.category(char) in _NOT_IN_A_NAME else char for char in text)
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def person_name(*candidates: object, fallback: str = "Visitor") -> str:
    """The first candidate that is a name, on one line, at most 200 characters.

    Words that programs write when a name is missing are no names.

    >>> person_name(None, "undefined", " Ada  Lovelace ")
    'Ada Lovelace'
    >>> person_name("None")
    'Visitor'
    """
    for candidate in candidates:
        name = one_line(candidate)
        if name.casefold() not in _NO_NAMES:
            return name
    return fallback


def is_web_address(value: object) -> TypeGuard[str]:
    """Whether the value is an absolute http(s) address without spaces, of a sane length."""
    return (
        isinstance(value, str)
        and len(value) <= 8_192
        and re.fullmatch(
            r"https?://[^\s/?#<>\"\x00-\x20\ud800-\udfff][^\s<>\"\x00-\x20\ud800-\udfff]*",
            value,
            re.I,
        )
        is not None
    )
