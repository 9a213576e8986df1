"""JSON in and out of the twins.

A twin keeps what was sent to it in the shape in which it was sent, so its records are plain JSON
objects of the vendor's making; this is the one place that says so in types.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from aiohttp import web

Json = dict[str, Any]
"""A JSON object as a vendor would send or store it; its shape is checked where it enters."""


class Refusal(Exception, ABC):
    """An error that is the answer to a call."""

    @abstractmethod
    def response(self) -> web.Response:
        """What the caller gets."""


def answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def no_content() -> web.Response:
    """A 204 without a body."""
    return web.Response(status=204)


def parse_object(raw: bytes) -> Json | None:
    """The JSON object in `raw`, or None when it is none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return object_of(value)


def object_of(value: object) -> Json | None:
    """A JSON value as an object, or None when it is none."""
    return cast(Json, value) if isinstance(value, dict) else None


def list_of(value: object) -> list[Any] | None:
    """A JSON value as a list, or None when it is none."""
    if not isinstance(value, list):
        return None
    return cast(list[Any], value)  # type: ignore[redundant-cast]  # pyright needs it


def iso(at_s: float) -> str:
    """Epoch seconds as ISO 8601 with milliseconds.

    >>> iso(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: object) -> float | None:
    """Epoch seconds of an ISO 8601 date and time, or None when it is none.

    >>> parse_iso("1970-01-01T00:00:01Z")
    1.0
    """
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
