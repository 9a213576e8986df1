"""Tables without headings as lines: signatures and layouts, which no chat shows as tables. Pure."""

from __future__ import annotations

import re

_TABLE = re.compile(r"<table>((?:(?!</?table>|<th[ >]).)*+)</table>", re.DOTALL)
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<td>(.*?)</td>", re.DOTALL)
_BREAK = re.compile(r"(?:\s*(?:</?(?:p|div)>|<br>)\s*)+")


def tables_as_lines(safe: str) -> str:
    """The sanitised HTML with a line for each row of such a table, its cells with bars between.

    Tables with headings stay tables.

    >>> tables_as_lines("<table><tbody><tr><td>a</td><td></td><td>b</td></tr></tbody></table>")
    '<p>a | b</p>'
    """
    before = ""
    while before != safe:  # the inner ones of nested tables come first
        before, safe = safe, _TABLE.sub(_lines, safe)
    return safe


def _lines(table: re.Match[str]) -> str:
    rows = (_line(_CELL.findall(row[1])) for row in _ROW.finditer(table[1]))
    return f"<p>{'<br>'.join(row for row in rows if row)}</p>"


def _line(cells: list[str]) -> str:
    """A cell that is alone in its row keeps its own lines."""
    plain = [_BREAK.sub("<br>", cell).removeprefix("<br>").removesuffix("<br>") for cell in cells]
    filled = [cell.strip() for cell in plain if cell.strip()]
    if len(filled) == 1:
        return filled[0]
    return " | ".join(cell.replace("<br>", " ") for cell in filled)
