"""Marks by which a comment of ours is known again. Pure.

HubSpot's comments have no idempotency id, so each of ours carries what it is about. People need not
see that: the mark is a row of joiners and non-joiners in front of the text, where nothing cuts it
off. Both are letters' companions in several scripts, so a store of texts has reason to keep them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_BYTES: Final = 5
_SIGNS: Final = {ord("0"): "\u200c", ord("1"): "\u200d"}


def marked(text: str, mark: str, *, visibly: bool = False) -> str:
    r"""The text with its mark: unseen in front, or as words at the end.

    >>> marked("Hello", "a1:help", visibly=True)
    'Hello [a1:help]'
    >>> has_mark(marked("Hello", "a1:help"), "a1:help"), has_mark("Hello", "a1:help")
    (True, False)
    """
    return f"{text} {_words(mark)}" if visibly else f"{_unseen(mark)}{text}"


def has_mark(comment: str, mark: str) -> bool:
    """Whether a comment carries the mark, in either form; words count at the very end only."""
    return _unseen(mark) in comment or comment.rstrip().endswith(_words(mark))


def _words(mark: str) -> str:
    return f"[{mark}]"


def _unseen(mark: str) -> str:
    number = int.from_bytes(sha256(mark.encode()).digest()[:_BYTES])
    # the last sign is a non-joiner: the text's first letter must not join what is not there
    return f"{number:0{8 * _BYTES}b}0".translate(_SIGNS)
