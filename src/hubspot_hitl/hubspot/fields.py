"""Reading of JSON whose shape a vendor promises but nobody checked. Pure.

`Fields` wraps one JSON object; each method returns a value of the asked type or says that it is
not there. HubSpot writes the same id as a number in one place and as a string in another, and the
same time as ISO 8601 or as epoch milliseconds: both are accepted everywhere.

>>> Fields.of({"id": 12, "at": "2026-06-01T12:00:00.000Z"}).id("id")
'12'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import orjson

from hubspot_hitl.json_values import is_list, is_object

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MS: Final = 253_402_300_799_999  # the last millisecond of the year 9999


class ShapeError(ValueError):
    """JSON that is not what was expected; the message names the field, never its value."""


def parse_json(body: bytes) -> object:
    """The JSON value in `body`. Raises :class:`ShapeError`; deep nesting is refused, not fatal."""
    try:
        return cast("object", orjson.loads(body))
    except (ValueError, RecursionError):
        raise ShapeError("the body is not JSON") from None


def time_ms(value: object) -> int | None:
    """Epoch milliseconds of a number, a number in a string, or an ISO 8601 time; else None.

    >>> time_ms("1970-01-01T00:00:01Z"), time_ms(1000), time_ms("1000"), time_ms("soon")
    (1000, 1000, 1000, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value <= _MAX_MS else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    if value.isascii() and value.isdigit():
        return time_ms(int(value))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return time_ms((moment - _EPOCH) // timedelta(milliseconds=1))


def iso_time(epoch_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as HubSpot writes it.

    >>> iso_time(1_760_000_000_123)
    '2025-10-09T08:53:20.123Z'
    """
    moment = _EPOCH + timedelta(milliseconds=epoch_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Fields:
    """One JSON object, read field by field."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw

    @classmethod
    def of(cls, value: object, what: str = "the body") -> Fields:
        """Wrap a JSON object. Raises :class:`ShapeError` when `value` is none."""
        if not is_object(value):
            raise ShapeError(f"{what} is not a JSON object")
        return cls(value)

    def raw(self, name: str) -> object:
        """The value as it came, None when absent."""
        return self._raw.get(name)

    def text(self, name: str) -> str | None:
        """A string; None when absent or not a string."""
        value = self._raw.get(name)
        return value if isinstance(value, str) else None

    def word(self, name: str) -> str | None:
        """A member of one of HubSpot's lists of words, in capitals as HubSpot writes them."""
        value = self.text(name)
        return value.upper() if value is not None else None

    def id(self, name: str) -> str | None:
        """An id as a string, whether it came as a string or a whole number; None when empty."""
        value = self._raw.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return (value.strip() or None) if isinstance(value, str) else None

    def require_id(self, name: str) -> str:
        """An id that must be there. Raises :class:`ShapeError`."""
        value = self.id(name)
        if value is None:
            raise ShapeError(f"the field {name!r} is missing or is not an id")
        return value

    def time_ms(self, name: str) -> int | None:
        """A time in epoch milliseconds; None when absent or not a time."""
        return time_ms(self._raw.get(name))

    def number(self, name: str) -> float | None:
        """A number; None when absent or not a number."""
        value = self._raw.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean, also spelled `"true"` or `"FALSE"`."""
        value = self._raw.get(name)
        if isinstance(value, str):
            return value.strip().lower() == "true" if value.strip() else default
        return value if isinstance(value, bool) else default

    def child(self, name: str) -> Fields:
        """A nested object; an empty one when absent or of another kind."""
        value = self._raw.get(name)
        return Fields(value if is_object(value) else {})

    def children(self, name: str) -> list[Fields]:
        """The objects of an array; members of another kind are left out."""
        return [Fields(item) for item in self.items(name) if is_object(item)]

    def items(self, name: str) -> Sequence[object]:
        """The members of an array; empty when absent or of another kind."""
        value = self._raw.get(name)
        return value if is_list(value) else ()

    def ids(self, name: str) -> tuple[str, ...]:
        """The ids of an array of strings or numbers; members of another kind are left out."""
        found = (Fields({"id": item}).id("id") for item in self.items(name))
        return tuple(item for item in found if item is not None)

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """A nested object as it came; None when absent or of another kind."""
        value = self._raw.get(name)
        return value if is_object(value) else None
