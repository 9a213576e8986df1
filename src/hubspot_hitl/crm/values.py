"""A property's text and its typed value, as JSON has them: numbers are numbers. Pure.

Dates are ISO texts (`2026-05-31`), times ISO texts in UTC, choices of many are lists. HubSpot
writes dates and times either so or as epoch milliseconds; both are read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hubspot_hitl.ports.crm_records import Property, Values

Json = bool | int | float | str | list[str]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MANY = frozenset({"checkbox"})


def typed(definition: Property | None, text: str | None) -> Json | None:
    """The value of a property as JSON; None when it has none or breaks its own type.

    >>> typed(Property("amount", "Amount", "number", "number"), "1200.50")
    1200.5
    >>> typed(Property("closedate", "Close", "date", "date"), "1780185600000")
    '2026-05-31'
    """
    if text is None or text == "":
        return None
    if definition is None:
        return text
    match definition.type:
        case "number":
            return _number(text)
        case "bool":
            return {"true": True, "false": False}.get(text.strip().lower())
        case "date":
            moment = moment_of(text)
            return None if moment is None else moment.date().isoformat()
        case "datetime":
            moment = moment_of(text)
            return None if moment is None else moment.isoformat().replace("+00:00", "Z")
        case "enumeration" if definition.field_type in MANY:
            return [one.strip() for one in text.split(";") if one.strip()]
        case _:
            return text


def typed_values(definitions: Mapping[str, Property], values: Values) -> dict[str, Json]:
    """The properties of a record that have a value, typed."""
    found = {name: typed(definitions.get(name), text) for name, text in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def moment_of(text: str) -> datetime | None:
    """The time in UTC that a date, a time or epoch milliseconds stand for.

    >>> moment_of("2026-05-31").isoformat()
    '2026-05-31T00:00:00+00:00'
    """
    raw = text.strip()
    try:
        if raw.lstrip("-").isdigit() and len(raw) > 8:
            return _EPOCH + timedelta(milliseconds=int(raw))
        moment = datetime.fromisoformat(raw)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _number(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
