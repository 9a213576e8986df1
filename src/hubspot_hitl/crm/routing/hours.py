"""Business hours: when an inbox is open, with zones, holidays and one setting per inbox. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.wire import problems_of

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_DAYS: Final = 370
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("this zone is not known; use a name as Europe/Berlin") from None
    return name


def _span(text: str) -> str:
    begin, _, end = text.partition("-")
    try:
        if _clock(begin) < _clock(end, end=True):
            return text
    except ValueError:
        pass
    raise ValueError("write times as 09:00-17:30; over midnight, use two days")


def _clock(text: str, *, end: bool = False) -> int:
    """Minutes of the day; only an end may be 24:00."""
    if end and text.strip() == "24:00":
        return 24 * 60
    moment = time.fromisoformat(text.strip())
    return moment.hour * 60 + moment.minute


class Hours(BaseModel):
    """The hours of one inbox: spans per day of the week, in a zone; closed on holidays."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    weekly: Mapping[Day, tuple[Annotated[str, AfterValidator(_span)], ...]] = Field(
        default_factory=dict[Day, tuple[str, ...]]
    )
    holidays: tuple[date, ...] = ()
    always: bool = False

    def local(self, now_ms: int) -> datetime:
        """The time on the clock of this inbox."""
        return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(self.zone))

    def holiday(self, now_ms: int) -> bool:
        """Whether today is one."""
        return self.local(now_ms).date() in self.holidays

    def open(self, now_ms: int) -> bool:
        """Whether somebody should be there now."""
        if self.always:
            return True
        now = self.local(now_ms)
        if now.date() in self.holidays:
            return False
        minute = now.hour * 60 + now.minute
        day: Day = DAYS[now.weekday()]
        for span in self.weekly.get(day, ()):
            begin, _, end = span.partition("-")
            if _clock(begin) <= minute < _clock(end, end=True):
                return True
        return False

    def opens(self, now_ms: int) -> datetime | None:
        """When a closed inbox opens next, by its own clock; None when it is open or never opens."""
        if self.open(now_ms):
            return None
        now = self.local(now_ms)
        for ahead in range(MOST_DAYS):
            day = now.date() + timedelta(days=ahead)
            if day in self.holidays:
                continue
            for span in sorted(self.weekly.get(DAYS[day.weekday()], ()), key=_begin):
                midnight = datetime.combine(day, time(), ZoneInfo(self.zone))
                at = midnight.replace(hour=_begin(span) // 60, minute=_begin(span) % 60)
                if at > now:
                    return at
        return None


def _begin(span: str) -> int:
    return _clock(span.partition("-")[0])


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    default: Hours | None = None
    inboxes: Mapping[str, Hours] = Field(default_factory=dict[str, Hours])


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """The hours of all inboxes. Without any, nothing is said about who is there."""

    default: Hours | None = None
    inboxes: Mapping[str, Hours] = field(default_factory=dict[str, Hours])

    def of(self, inbox_id: str) -> Hours | None:
        """The hours of an inbox; None when none are set."""
        return self.inboxes.get(inbox_id, self.default)


@lru_cache(maxsize=256)
def hours_of(text: str) -> BusinessHours:
    """The business hours in a JSON text; none in an empty one. Raises BadConfiguration.

    >>> hours = hours_of('{"default": {"weekly": {"monday": ["09:00-17:00"]}}}')
    >>> hours.of("126").open(1_780_311_600_000)  # Monday 2026-06-01, 11:00 UTC
    True
    """
    if not text.strip():
        return BusinessHours()
    try:
        wire = _Wire.model_validate(json.loads(text))
    except ValidationError as error:
        raise BadConfiguration(f"The business hours cannot be used. {problems_of(error)}") from None
    except (ValueError, RecursionError):
        raise BadConfiguration(
            "The business hours cannot be used: this is not valid JSON."
        ) from None
    return BusinessHours(wire.default, wire.inboxes)
