"""The condition of a routing rule: JSON Schema over facts, with dates and without surprises. Pure.

Two ways to write one. Short, a value for each fact, all of which must hold::

    {"contact.tier": "Enterprise", "deals.closedate": {"withinNextDays": 7}, "company.name": null}

or a whole JSON Schema over the object `{contact, company, deals, handoff, clock, queue}`. The short
form asks for the fact to be there (null: not to be there); in a schema, `required` does that.

Beside JSON Schema there are `withinNextDays`, `withinLastDays`, `before` and `after` for dates. A
comparison holds only for what it can compare: other than in JSON Schema, `minimum` fails on a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hubspot_hitl.crm.values import moment_of
from hubspot_hitl.json_values import is_list, is_number, is_object

ROOTS: Final = ("contact", "company", "deals", "handoff", "clock", "queue")
MAX_DEPTH: Final = 20
MAX_NODES: Final = 2_000
MAX_PATTERN: Final = 200

NUMBERS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
DAYS: Final = frozenset({"withinNextDays", "withinLastDays"})
MOMENTS: Final = frozenset({"before", "after"})
_SIZES: Final = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"}
)
_ONE: Final = frozenset({"not", "contains", "items", "if", "then", "else"})
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf"})
_PLAIN: Final = frozenset(
    {"type", "const", "enum", "pattern", "required", "properties", "title", "description"}
)
KEYWORDS: Final = NUMBERS | DAYS | MOMENTS | _SIZES | _ONE | _MANY | _PLAIN
MEANINGS: Final = (
    ("numbers, and nothing else", NUMBERS),
    ("dates and times; a number of days from 0 to 36500, counted from now", DAYS),
    ("dates and times; a date as `2026-05-31`, or a time", MOMENTS),
    ("texts and lists; whole numbers", _SIZES),
    ("one condition", _ONE),
    ("a list of conditions", _MANY),
    ("as in JSON Schema", _PLAIN),
)
"""The keywords by what they hold for."""
_NESTED: Final = re.compile(r"[+*}][^()]*\)[+*{]")
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule, and where; `warning` means it works, but perhaps not as meant."""

    place: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A fact that a condition looks at, with the schema it is held against.

    `member`: the schema is for one of a list of choices, not for the list.
    """

    root: str
    name: str
    place: str
    schema: Schema
    member: bool = False


def condition(when: Mapping[str, object], place: str) -> tuple[Schema, list[Problem]]:
    """The whole schema of a condition, and what is wrong with it."""
    dotted = [key for key in when if "." in key]
    if dotted and len(dotted) < len(when):
        other = next(key for key in when if "." not in key)
        return {}, [Problem(f"{place}.{other}", "facts (with a dot) and keywords do not mix")]
    left = [MAX_NODES]
    if not dotted:
        return when, list(_problems(when, place, 0, left))
    problems: list[Problem] = []
    schema = _expanded(when, place, problems)
    for key, wanted in when.items():
        if is_object(wanted):
            problems += _problems(wanted, f"{place}.{key}", 1, left)
    return schema, problems


def is_short(when: Mapping[str, object]) -> bool:
    """Whether a condition is written in the short form."""
    return any("." in key for key in when)


def _expanded(when: Mapping[str, object], place: str, problems: list[Problem]) -> Schema:
    """The short form written out; facts of one root belong to the same record."""
    roots: dict[str, list[Schema]] = {}
    for key, wanted in when.items():
        root, _, name = key.partition(".")
        if root not in ROOTS or not name:
            known = ", ".join(ROOTS)
            problems.append(Problem(f"{place}.{key}", f"a fact begins with one of {known}"))
            continue
        roots.setdefault(root, []).append(_fact(name, wanted))
    parts: list[Schema] = []
    for root, facts in roots.items():
        inner: Schema = {"allOf": facts}
        if root == "deals":
            inner = {"contains": inner}
        parts.append({"required": [root], "properties": {root: inner}})
    return {"allOf": parts}


def _fact(name: str, wanted: object) -> Schema:
    if wanted is None:
        return {"not": {"required": [name]}, "properties": {name: {}}}
    if is_object(wanted):
        held: Schema = wanted
    elif is_list(wanted):
        held = {"enum": list(wanted)}
    else:
        held = {"const": wanted}
    return {"required": [name], "properties": {name: held}}


def mentions(schema: Schema, place: str, *, short: bool = False) -> Iterator[Mention]:
    """Every fact a condition looks at; of a short one, at the place where it was written."""
    for one in _walk(schema, place, ()):
        yield replace(one, place=f"{place}.{one.root}.{one.name}") if short else one


def _walk(
    schema: object, place: str, path: tuple[str, ...], *, member: bool = False
) -> Iterator[Mention]:
    if not is_object(schema):
        return
    if len(path) == 2:
        yield Mention(path[0], path[1], place, schema, member)
        for key in ("contains", "items"):
            yield from _below(schema.get(key), f"{place}.{key}", path, member=True)
        for key in ("not", *_MANY):
            yield from _below(schema.get(key), f"{place}.{key}", path, member=member)
        return
    properties = schema.get("properties")
    if is_object(properties):
        for name, inner in properties.items():
            yield from _walk(inner, f"{place}.{name}", (*path, name))
    required = schema.get("required")
    if len(path) == 1 and is_list(required):
        for wanted in required:
            yield Mention(path[0], str(wanted), place, {})
    for keyword in (*_ONE, *_MANY):
        yield from _below(schema.get(keyword), f"{place}.{keyword}", path)


def _below(
    value: object, place: str, path: tuple[str, ...], *, member: bool = False
) -> Iterator[Mention]:
    if is_list(value):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{place}[{number}]", path, member=member)
    else:
        yield from _walk(value, place, path, member=member)


def _problems(schema: object, place: str, depth: int, left: list[int]) -> Iterator[Problem]:
    """What is wrong with a schema's own form. `left` counts the nodes that may still come."""
    left[0] -= 1
    if schema is False:
        yield Problem(place, "this can never hold: false fits nothing")
    if isinstance(schema, bool):
        return
    if not is_object(schema):
        yield Problem(place, "a schema is an object, true or false")
        return
    if depth > MAX_DEPTH or left[0] < 0:
        yield Problem(place, "the condition is too large or nested too deeply")
        return
    for key, value in schema.items():
        here = f"{place}.{key}"
        if key not in KEYWORDS:
            cure = "; conditions cannot refer to others" if key.startswith("$") else ""
            yield Problem(here, f"{key!r} is no keyword{cure}")
        elif key == "properties":
            yield from _properties(schema, value, here, depth, left)
        elif key in _MANY:
            if not is_list(value) or not value:
                yield Problem(here, "a list of conditions is expected")
            for number, inner in enumerate(value if is_list(value) else ()):
                yield from _problems(inner, f"{here}[{number}]", depth + 1, left)
        elif key in _ONE:
            yield from _problems(value, here, depth + 1, left)
        else:
            message = _wrong_value(key, value)
            if message:
                yield Problem(here, message)
    why = _contradiction(schema)
    if why:
        yield Problem(place, f"this can never hold: {why}")


def _properties(
    schema: Schema, value: object, place: str, depth: int, left: list[int]
) -> Iterator[Problem]:
    if not is_object(value):
        yield Problem(place, "an object of conditions is expected")
        return
    required = schema.get("required")
    names = list(required) if is_list(required) else []
    for name, inner in value.items():
        if depth == 0 and name not in ROOTS:
            yield Problem(f"{place}.{name}", f"the facts are {', '.join(ROOTS)}")
        if name not in names and inner != {} and "not" not in schema:
            yield Problem(
                f"{place}.{name}",
                "holds also when the fact is missing; put it into 'required' if it must be there",
                warning=True,
            )
        yield from _problems(inner, f"{place}.{name}", depth + 1, left)


def _wrong_value(key: str, value: object) -> str | None:
    """What is wrong with a keyword's own value, None when nothing."""
    if key in NUMBERS and not is_number(value):
        return "a number is expected"
    if key in DAYS and (not is_number(value) or not 0 <= float(value) <= 36_500):
        return "a number of days from 0 to 36500 is expected"
    if key in _SIZES and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        return "a whole number is expected"
    if key in MOMENTS and (not isinstance(value, str) or moment_of(value) is None):
        return "a date such as 2026-05-31 is expected"
    if key == "enum" and (not is_list(value) or not value):
        return "a list of values is expected, and not an empty one"
    if key == "required" and not (is_list(value) and all(isinstance(one, str) for one in value)):
        return "a list of names is expected"
    if key == "type":
        kinds = value if is_list(value) else [value]
        if not kinds or any(kind not in _TYPES for kind in kinds):
            return f"one of {', '.join(sorted(_TYPES))} is expected"
    return _wrong_pattern(value) if key == "pattern" else None


def _wrong_pattern(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > MAX_PATTERN:
        return f"a regular expression of at most {MAX_PATTERN} characters is expected"
    if _NESTED.search(value):
        return "a repetition inside a repetition may take for ever; write it without"
    try:
        re.compile(value)
    except re.error as error:
        return f"this is no regular expression: {error.msg}"
    return None


def _contradiction(schema: Schema) -> str | None:
    """Why a condition can never hold, as far as that is plain to see; None when it may."""
    least = [schema.get("minimum"), schema.get("exclusiveMinimum")]
    most = [schema.get("maximum"), schema.get("exclusiveMaximum")]
    lows = [float(one) for one in least if is_number(one)]
    highs = [float(one) for one in most if is_number(one)]
    if lows and highs:
        strict = is_number(least[1]) or is_number(most[1])
        if max(lows) > min(highs) or (strict and max(lows) == min(highs)):
            return "the least is greater than the most"
    for low, high in (("minLength", "maxLength"), ("minItems", "maxItems")):
        least_, most_ = schema.get(low), schema.get(high)
        if is_number(least_) and is_number(most_) and least_ > most_:
            return f"{low} is greater than {high}"
    after, before = schema.get("after"), schema.get("before")
    if isinstance(after, str) and isinstance(before, str):
        begin, end = moment_of(after), moment_of(before)
        if begin is not None and end is not None and begin >= end:
            return "it is to be after a date and before an earlier one"
    if "const" in schema and is_list(schema.get("enum")) and schema["const"] not in _items(schema):
        return "the value is none of the list"
    return "it is wanted and not wanted" if schema.get("not") in ({}, True) else None


def _items(schema: Schema) -> Sequence[object]:
    listed = schema.get("enum")
    return listed if is_list(listed) else ()
