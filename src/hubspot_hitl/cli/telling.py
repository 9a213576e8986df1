"""What commands say. It may hold what strangers wrote, and a terminal must not obey that.

Nothing else prints, but the tables of `lines`: a linter's rule sees to it.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

import typer

SHOWN: Final = "\N{REPLACEMENT CHARACTER}"
_LINE_END: Final = re.compile(r"(\r?\n)")
_JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # emoji and scripts need them
_WIDE_GAPS: Final = "\t\n\r\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"


def tell(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text: to standard error if `err`, without a last line end unless `nl`."""
    typer.echo(shown_lines(str(message)), err=err, nl=nl)


def harmless(text: str) -> str:
    r"""The text without what a terminal would obey, of the same length.

    >>> harmless("a\x1b[2J\nb")
    'a�[2J b'
    """
    return "".join(map(_shown, text)) if not text.isascii() or not text.isprintable() else text


def shown_lines(text: str) -> str:
    """The same of a text of several lines, whose ends stay."""
    return "".join(
        part if _LINE_END.fullmatch(part) else harmless(part) for part in _LINE_END.split(text)
    )


def _shown(character: str) -> str:
    if character in _WIDE_GAPS:
        return " "
    if character in _JOINERS:
        return character
    return SHOWN if category(character) in ("Cc", "Cf", "Cs") else character
