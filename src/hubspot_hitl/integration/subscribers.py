"""Who is told what happens to handoffs: read from the text the bot owner saved. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.wire import problems_of
from hubspot_hitl.json_values import is_list, is_object

MOST: Final = 10
_WHERE: Final = "Events webhook (eventsWebhook)"
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4000}")
_OURS: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)
_PREFIX: Final = "whsec_"
_TELL_NOTHING: Final = frozenset({"accept", "accept-language", "user-agent"})
_KEY_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One address, the headers sent along, and the key that signs, if any."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    key: bytes | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """A short name that tells nothing of the address, which may hold a key."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def confidential(self) -> tuple[str, ...]:
        """What of it nobody else may read, for the log's redaction: long words that tell a key."""
        told = " ".join(v for n, v in self.headers.items() if n.lower() not in _TELL_NOTHING)
        words = [*told.split(), *urlsplit(self.url).path.split("/")]
        long = (word for word in words if len(word) >= _KEY_CHARS)
        return (self.url, *long, *([self.secret] if self.secret else []))


class _Wire(BaseModel):
    """Unknown keys are refused: a misspelt secret would sign nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    url: Annotated[str, Field(min_length=1, max_length=8_000)]
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    secret: Annotated[str, Field(max_length=1_000)] | None = None


@lru_cache(maxsize=256)
def subscribers_of(text: str) -> tuple[Subscriber, ...]:
    """The subscribers in a text, none in an empty one.

    Raises BadConfiguration, which names the place and repeats no value.

    >>> [one.url for one in subscribers_of('{"url": "https://example.com/hook"}')]
    ['https://example.com/hook']
    """
    if not text.strip():
        return ()
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError):
        raise BadConfiguration(f"{_WHERE} is not valid JSON.") from None
    items = raw if is_list(raw) else [raw]
    if len(items) > MOST:
        raise BadConfiguration(f"{_WHERE} has more than {MOST} subscribers.")
    found: dict[str, Subscriber] = {}
    for number, item in enumerate(items):
        if is_object(item) and not item.get("url"):
            continue  # without a URL nothing is sent
        one = _subscriber(item, f"{_WHERE}[{number}]")
        found.setdefault(one.url, one)
    return tuple(found.values())


def confidential(text: str) -> tuple[str, ...]:
    """What of a text of subscribers nobody else may read; nothing of one that cannot be read."""
    try:
        return tuple(word for one in subscribers_of(text) for word in one.confidential)
    except (BadConfiguration, ValueError):
        return ()


def _subscriber(item: object, place: str) -> Subscriber:
    try:
        wire = _Wire.model_validate(item)
    except ValidationError as error:
        raise BadConfiguration(f"{place}: {problems_of(error)}.") from None
    if not re.match(r"https?://[^\s/]", wire.url):
        raise BadConfiguration(f"{place}.url must be an absolute http or https address.")
    for name, value in wire.headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise BadConfiguration(f"{place}.headers: {name[:64]!r} cannot be set.")
        if not _VALUE.fullmatch(value):
            raise BadConfiguration(f"{place}.headers: the value of {name[:64]!r} cannot be sent.")
    key = _key(wire.secret, place) if wire.secret else None
    return Subscriber(wire.url, wire.headers, key, wire.secret)


def _key(secret: str, place: str) -> bytes:
    """The bytes that sign: a `whsec_` secret is base64, any other is taken as it is."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadConfiguration(f"{place}.secret begins with {_PREFIX} but is not base64.") from None
