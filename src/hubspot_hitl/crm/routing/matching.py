"""Whether facts fit a condition, and why not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from hubspot_hitl.crm.routing.conditions import NUMBERS, Schema
from hubspot_hitl.crm.values import moment_of
from hubspot_hitl.json_values import is_list, is_number, is_object

if TYPE_CHECKING:  # slow to import, and only rules with conditions need it
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


def reasons(schema: Schema, facts: Mapping[str, object], now: datetime) -> list[str]:
    """Why the facts do not fit, at most five sentences that hold no fact; empty when they fit."""
    validator: Any = _validator(now)(dict(schema))
    found: list[str] = []
    errors: Iterator[ValidationError] = validator.iter_errors(dict(facts))
    for error in errors:
        found += _told(error)
        if len(found) >= 5:
            break
    return found[:5]


def _told(error: ValidationError) -> list[str]:
    """The innermost reason, named by the fact's place and the keyword."""
    inner = list(error.context or ())
    deepest = min(inner, key=lambda one: len(one.absolute_path)) if inner else error
    place = ".".join(str(part) for part in deepest.absolute_path) or "(facts)"
    wanted = cast("object", deepest.validator_value)
    if deepest.validator == "required" and is_list(wanted):
        there = cast("Mapping[str, object]", deepest.instance)
        missing = [str(name) for name in wanted if name not in there]
        return [f"{place}: {', '.join(missing)} is not there"]
    shown = "..." if is_object(wanted) else repr(wanted)[:100]
    return [f"{place}: {deepest.validator} {shown} does not hold"]


def _validator(now: datetime) -> type[Draft202012Validator]:
    """A validator class whose relative dates count from `now`."""
    from jsonschema import Draft202012Validator, validators
    from jsonschema.exceptions import ValidationError

    today = now.replace(hour=0, minute=0, second=0, microsecond=0)

    # jsonschema's own stubs leave it untyped.
    extend = cast("Callable[..., Any]", validators.extend)  # pyright: ignore[reportUnknownMemberType]

    def next_days(days: float, at: datetime, *, whole: bool) -> bool:
        return (today if whole else now) <= at <= (today if whole else now) + timedelta(days=days)

    def last_days(days: float, at: datetime, *, whole: bool) -> bool:
        return (today if whole else now) - timedelta(days=days) <= at <= now

    def dated(holds: Callable[..., bool]) -> Callable[..., Iterator[ValidationError]]:
        def check(
            _validator: object, wanted: Any, instance: object, _schema: object
        ) -> Iterator[ValidationError]:
            at = moment_of(instance) if isinstance(instance, str) else None
            whole = isinstance(instance, str) and "T" not in instance
            if at is None or not holds(wanted, at, whole=whole):
                yield ValidationError("the date does not fit")

        return check

    def before(wanted: str, at: datetime, *, whole: bool) -> bool:
        bound = moment_of(wanted)
        return bound is not None and at < bound

    def after(wanted: str, at: datetime, *, whole: bool) -> bool:
        bound = moment_of(wanted)
        return bound is not None and at > bound

    made: Any = extend(
        Draft202012Validator,
        {
            **{keyword: _number(keyword) for keyword in NUMBERS},
            "withinNextDays": dated(next_days),
            "withinLastDays": dated(last_days),
            "before": dated(before),
            "after": dated(after),
        },
    )
    return cast("type[Draft202012Validator]", made)


def _number(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    from jsonschema.exceptions import ValidationError

    def check(
        _validator: object, bound: Any, instance: object, _schema: object
    ) -> Iterator[ValidationError]:
        if not is_number(instance) or not _compares(keyword, float(instance), float(bound)):
            yield ValidationError("the number does not fit")

    return check


def _compares(keyword: str, value: float, bound: float) -> bool:
    match keyword:
        case "minimum":
            return value >= bound
        case "maximum":
            return value <= bound
        case "exclusiveMinimum":
            return value > bound
        case _:
            return value < bound
