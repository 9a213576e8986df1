"""Lines for a person at a terminal, which may hold what strangers wrote."""

from __future__ import annotations

from typing import Final
from unicodedata import category

from rich.console import Console
from rich.text import Text

SHOWN: Final = "\N{REPLACEMENT CHARACTER}"
_WIDE_GAPS: Final = "\t\n\r\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"


def print_lines(*lines: Text) -> None:
    """Print each as one line: one that is folded can be neither copied nor searched.

    A stranger's words may hold codes that a terminal obeys, and marks that turn text round: each
    is shown as one replacement character.
    """
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        line.plain = harmless(line.plain)  # of the same length, so that styles stay in place
        console.print(line)


def harmless(text: str) -> str:
    r"""The text without what a terminal would obey, of the same length.

    >>> harmless("a\x1b[2J\nb")
    'a�[2J b'
    """
    return "".join(map(_shown, text)) if not text.isascii() or not text.isprintable() else text


def _shown(character: str) -> str:
    if character in _WIDE_GAPS:
        return " "
    return SHOWN if category(character) in ("Cc", "Cf", "Cs") else character
