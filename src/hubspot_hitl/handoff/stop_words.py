"""The words by which a user ends the chat, as the bot owner wrote them down. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LANGUAGE = re.compile(r"\s*([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\s*:", re.IGNORECASE)
_EDGES = " \t\r\n.!?…"
_LONGEST = 100


def is_stop_word(text: str, setting: str) -> bool:
    r"""Whether a message says nothing but one of the setting's words.

    Case, accents' spelling, blanks and marks at the ends do not matter. Lines may begin with a
    language, which groups words for the reader; words of all languages count, because a user may
    write in another language than the bot takes theirs to be.

    >>> setting = "stop, end chat\nfr: au revoir, fin"
    >>> [is_stop_word(t, setting) for t in ("End  chat!", "Au revoir", "Do not stop", "fr")]
    [True, True, False, False]
    """
    if len(text) > _LONGEST or not setting.strip():
        return False
    return _plain(text) in _words(setting)


@lru_cache(maxsize=256)
def _words(setting: str) -> frozenset[str]:
    lines = (_LANGUAGE.sub("", line, count=1) for line in setting.splitlines())
    found = {_plain(word) for line in lines for word in line.split(",")}
    return frozenset(found - {""})


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(_EDGES)
