"""What must not be read in a log line: secrets, message texts, addresses of people.

Three nets, one behind the other: a field's name (`token`, `text`, ...), the shape of a value
(`Bearer ...`, the query of a URL, ...) and the exact values that `remember_secret` was told. Pure
apart from that process-wide memory.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

MASK = "[redacted]"
_PREFIX_CHARS = 8
# Looking for shapes costs more than linear time in the worst case, and strangers write the text.
_LONGEST = 32_000

_NAMES = frozenset(
    [
        "code",
        "text",
        "richtext",
        "body",
        "payload",
        "content",
        "title",
        "description",
        "history",
        "comment",
        "cookie",
        "setcookie",
        "password",
        "passphrase",
        "authorization",
        "proxyauthorization",
        "hapikey",
        "apikey",
        "developerapikey",
        "token",
        "secret",
        "credentials",
        "configuration",
        "email",
        "phone",
        "phonenumber",
        "query",
        "querystring",
    ]
)
_NAME_ENDINGS = ("token", "secret", "password", "apikey", "authorization", "cookie")

_SENSITIVE = (
    r"hapikey|api[_-]?key|(?:access|refresh|id|session|csrf)?[_-]?token|(?:client[_-]?)?secret"
    r"|password|passwd|authorization|developer[_-]?api[_-]?key"
)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {MASK}"),
    (re.compile(r"(https?://)[^\s/@\"'<>]*@"), rf"\1{MASK}@"),
    (re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^\s:/@\"']*:)[^\s@/\"']+@"), rf"\1{MASK}@"),
    (re.compile(r"((?:https?|wss?)://[^\s?#\"'<>]{1,2000})[?#][^\s\"'<>]+"), rf"\1?{MASK}"),
    (re.compile(rf"(?i)\b({_SENSITIVE})=[^\s&\"',;)]+"), rf"\1={MASK}"),
    (re.compile(r"(?<=[?&])(code|state)=[^\s&\"',;)]+"), rf"\1={MASK}"),
    (
        re.compile(rf"(?i)\b({_SENSITIVE})([\"']?\s*:\s*[\"']?)(?!\s|bearer|basic)[^\s\"',;}}]+"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\bpat-[a-z]{2}\d+-[0-9A-Fa-f-]{8,}"), MASK),
    (re.compile(r"\bbp_[a-z]+_[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]++@[\w-]+(?:\.[\w-]+)+"), "[email]"),
    # pydantic and SQLAlchemy repeat the offending values in their messages
    (re.compile(r"input_value=.{0,2000}?(?=, input_type=)", re.DOTALL), f"input_value={MASK}"),
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), f"[parameters: {MASK}]"),
)
# Every shape has one of these; most values have none, and one search is cheaper than twelve.
_SUSPECT = re.compile(r"[=:@/?\[]|pat-|bp_|eyJ|(?i:bearer|basic)")
_LAST_WORD = re.compile(r"(?<!\S)\S*\Z")
# A line break in a value could forge a log line; an escape sequence could rule a terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROLS_IN_TRACEBACKS = {k: v for k, v in _CONTROLS.items() if k not in (9, 10)}


class KnownSecrets:
    """Exact values to mask, at most `limit`; the ones told longest ago are forgotten first.

    Each is known in its plain, URL-quoted, JSON-escaped and `repr` form. Values under 8 characters
    are not taken: masking them would blot out ordinary words.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._by_prefix: dict[str, list[str]] = {}

    def remember(self, value: str) -> None:
        """Mask `value` from now on."""
        value = value.strip()
        if len(value) < _PREFIX_CHARS:
            return
        if value in self._known:
            self._known.move_to_end(value)
            return
        forms = tuple(dict.fromkeys(_forms(value)))
        self._known[value] = forms
        for form in forms:
            same_prefix = self._by_prefix.setdefault(form[:_PREFIX_CHARS], [])
            same_prefix.append(form)
            same_prefix.sort(key=len, reverse=True)
        if len(self._known) > self._limit:
            self._forget(self._known.popitem(last=False)[1])

    def _forget(self, forms: Iterable[str]) -> None:
        for form in forms:
            same_prefix = self._by_prefix[form[:_PREFIX_CHARS]]
            same_prefix.remove(form)
            if not same_prefix:
                del self._by_prefix[form[:_PREFIX_CHARS]]

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._by_prefix.clear()

    def mask(self, text: str) -> str:
        """`text` with every known value replaced, the longest at each place.

        Costs one look-up per character, whatever the number of secrets.
        """
        by_prefix = self._by_prefix
        if not by_prefix or len(text) < _PREFIX_CHARS:
            return text
        parts: list[str] = []
        kept = at = 0
        while at <= len(text) - _PREFIX_CHARS:
            forms = by_prefix.get(text[at : at + _PREFIX_CHARS])
            hit = (
                next((form for form in forms if text.startswith(form, at)), None) if forms else None
            )
            if hit is None:
                at += 1
                continue
            parts += (text[kept:at], MASK)
            at = kept = at + len(hit)
        return "".join((*parts, text[kept:])) if parts else text


def _forms(value: str) -> tuple[str, ...]:
    return (
        value,
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        value.translate(_CONTROLS),
    )


_secrets = KnownSecrets()


def remember_secret(value: str | SecretStr | None) -> None:
    """Mask this exact value in every log line from now on. None and short values do nothing."""
    if value is not None:
        _secrets.remember(value.get_secret_value() if isinstance(value, SecretStr) else value)


def forget_secrets() -> None:
    """Forget every remembered secret (tests)."""
    _secrets.clear()


def redact_text(text: str) -> str:
    """`text` without secrets, addresses and queries of URLs.

    >>> redact_text("GET https://api.hubapi.com/x?hapikey=abc failed for ann@example.com")
    'GET https://api.hubapi.com/x?[redacted] failed for [email]'
    """
    text = _secrets.mask(text)
    if len(text) > _LONGEST:  # only now: half a secret would not be known
        text = f"{_LAST_WORD.sub('', text[:_LONGEST])} [{len(text)} characters in all]"
    if not _SUSPECT.search(text):
        return text
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


@lru_cache(maxsize=4096)
def is_sensitive_name(name: str) -> bool:
    """Whether a field of this name is masked whatever it holds.

    >>> is_sensitive_name("refreshToken"), is_sensitive_name("error_code")
    (True, False)
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _NAMES or plain.endswith(_NAME_ENDINGS)


def redact(value: object, *, name: str = "", depth: int = 0) -> object:
    """`value` as plain JSON material with everything sensitive masked."""
    if value is None or isinstance(value, bool):
        return value
    if name and is_sensitive_name(name):
        return MASK
    if isinstance(value, (int, float)):
        return value if _secrets.mask(str(value)) == str(value) else MASK
    if depth > 6:
        return "[too deep]"
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {
            _clean(str(key), name=""): redact(item, name=str(key), depth=depth + 1)
            for key, item in items
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        members = cast("Iterable[object]", value)
        return [redact(item, depth=depth + 1) for item in members]
    if isinstance(value, (str, bytes)):
        text = value if isinstance(value, str) else f"{len(value)} bytes"
        return _clean(text, name=name)
    return _clean(repr(value), name=name)


def _clean(text: str, *, name: str) -> str:
    text = redact_text(text)
    if text.isprintable():
        return text
    controls = _CONTROLS_IN_TRACEBACKS if name in {"exception", "stack"} else _CONTROLS
    # lone surrogates cannot be written to a UTF-8 stream
    return text.translate(controls).encode(errors="backslashreplace").decode()
