"""The name of a fetched file: from `Content-Disposition`, the title or the address. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, unquote_to_bytes, urlsplit

LONGEST = 120
NAMELESS = "file"
# RFC 5987 and 6266: `filename*=UTF-8''caf%C3%A9.png` goes before `filename="caf.png"`.
_EXTENDED = re.compile(r";\s*filename\*\s*=\s*([\w!#$&+.^`|~-]*)'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r';\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PLAIN = re.compile(r";\s*filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)
_CHARSETS = {"utf-8": "utf-8", "iso-8859-1": "iso-8859-1", "": "utf-8"}


def file_name(disposition: str | None, url: str, title: str | None = None) -> str:
    """A name that is safe anywhere.

    >>> file_name("attachment; filename*=UTF-8''caf%C3%A9.png", "https://example.com/x")
    'café.png'
    >>> file_name('attachment; filename="../../etc/passwd"', "https://example.com/x")
    'passwd'
    >>> file_name(None, "https://example.com/a/cat%20one.png?sig=1")
    'cat one.png'
    """
    for name in (_disposed(disposition or ""), _titled(title), _last_part(url)):
        safe = sanitised(name)
        if safe:
            return safe
    return NAMELESS


def _disposed(header: str) -> str:
    header = f";{header}" if header.lstrip().lower().startswith("filename") else header
    found = _EXTENDED.search(header)
    if found is not None:
        charset = _CHARSETS.get(found[1].lower())
        if charset is not None:
            return unquote_to_bytes(found[2]).decode(charset, "replace")
    found = _QUOTED.search(header)
    if found is not None:
        return re.sub(r"\\(.)", r"\1", found[1]) if "/" not in found[1] else found[1]
    found = _PLAIN.search(header)
    return found[1] if found is not None else ""


def _titled(title: str | None) -> str:
    """The title, if it looks like a file's name."""
    text = (title or "").strip()
    return text if re.fullmatch(r"[^\n]{1,100}\.\w{1,5}", text) else ""


def _last_part(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return unquote(path.rpartition("/")[2])


def sanitised(name: str) -> str:
    """One path segment without control, formatting or reserved characters; may be empty."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(
        char for char in last if unicodedata.category(char)[0] != "C" and char not in '<>:"|?*'
    )
    shown = " ".join(shown.split()).strip(". ")
    if len(shown) <= LONGEST:
        return shown
    stem, dot, ending = shown.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"
    return shown[:LONGEST]
