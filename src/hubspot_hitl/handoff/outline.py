"""Any JSON value as lines that an agent can read. Pure; never raises."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.handoff.plain_text import is_blank, one_line, text_of
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.json_values import is_list, is_object

_DEEPEST: Final = 6
_MOST_LINES: Final = 100


def outline(value: object, words: Words) -> list[str]:
    """The value's scalars as `path: text` lines, whatever the shape; at most 101 lines.

    >>> outline({"votes": [{"n": 1}], "open": True}, Words())
    ['votes 1 > n: 1', 'open: yes']
    """
    lines = _lines(value, "", 0, words)
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"({words(TextKey.LABEL_MORE)})"]


def _lines(value: object, name: str, depth: int, words: Words) -> list[str]:
    if depth > _DEEPEST:
        return [f"{name}: ({words(TextKey.LABEL_DEEPER)})"]
    lines: list[str] = []
    if is_object(value):
        for key, inner in value.items():
            label = one_line(key, 60)
            lines += _lines(inner, f"{name} > {label}" if name else label, depth + 1, words)
            if len(lines) > _MOST_LINES:
                break
        return lines
    if is_list(value):
        for number, inner in enumerate(value, start=1):
            lines += _lines(inner, f"{name} {number}".strip(), depth + 1, words)
            if len(lines) > _MOST_LINES:
                break
        return lines
    if isinstance(value, bool):
        shown = words(TextKey.LABEL_YES if value else TextKey.LABEL_NO)
    else:
        shown = text_of(value).strip()
    if is_blank(shown):
        return []
    return [f"{name}: {shown}" if name else shown]
