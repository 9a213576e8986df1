"""What Botpress would refuse of a definition, found before publishing. Pure.

Limits: Botpress's "Quotas and limits" page and the Admin API's field lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hubspot_hitl.json_values import is_list, is_object

MAX_TITLE = 64
MAX_DESCRIPTION = 256
MAX_EVENTS = 20
MAX_CHANNELS = 10
MAX_MESSAGES = 20
REQUIRED = ("name", "version", "title", "configuration", "actions", "events", "channels")

_CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?")
_NAME = re.compile(r"(?:[a-z0-9-]+/)?[a-z][a-z0-9-]*")
_CAMEL_NAMED = frozenset({"actions", "events", "channels", "messages", "states"})


def definition_problems(definition: Mapping[str, object]) -> list[str]:
    """Everything Botpress would refuse, one sentence each with its place; empty when publishable.

    >>> definition_problems({"name": "Not ours"})[0]
    "'version' is missing"
    """
    problems = [f"{key!r} is missing" for key in REQUIRED if key not in definition]
    name, version = definition.get("name"), definition.get("version")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        problems.append(f"name {name!r} must be lower case letters, digits and dashes")
    if isinstance(version, str) and not _VERSION.fullmatch(version):
        problems.append(f"version {version!r} must have the form 1.2.3")
    problems += _counts(definition)
    problems += _texts(definition, "")
    return problems


def _counts(definition: Mapping[str, object]) -> Iterator[str]:
    events, channels = definition.get("events"), definition.get("channels")
    if is_object(events) and len(events) > MAX_EVENTS:
        yield f"events: {len(events)} of at most {MAX_EVENTS}"
    if not is_object(channels):
        return
    if len(channels) > MAX_CHANNELS:
        yield f"channels: {len(channels)} of at most {MAX_CHANNELS}"
    for name, channel in channels.items():
        messages = channel.get("messages") if is_object(channel) else None
        if is_object(messages) and len(messages) > MAX_MESSAGES:
            yield f"channels.{name}.messages: {len(messages)} of at most {MAX_MESSAGES}"


def _texts(node: Mapping[str, object], place: str) -> Iterator[str]:
    """Lengths of titles and descriptions, forms of names, and validity of every schema."""
    for key, value in node.items():
        here = f"{place}.{key}" if place else key
        if key == "schema" and is_object(value):
            yield from _schema_problems(value, here)
        elif key in {"title", "description"} and isinstance(value, str):
            limit = MAX_TITLE if key == "title" else MAX_DESCRIPTION
            if len(value) > limit:
                yield f"{here} has {len(value)} of at most {limit} characters"
        elif key != "interfaces" and is_object(value):
            if key in _CAMEL_NAMED:
                yield from (
                    f"{here}.{name} must be in camelCase"
                    for name in value
                    if not _CAMEL.fullmatch(name)
                )
            yield from _texts(value, here)


def _schema_problems(schema: Mapping[str, object], place: str) -> Iterator[str]:
    from jsonschema import Draft7Validator  # only publishing needs it
    from jsonschema.exceptions import SchemaError

    try:
        Draft7Validator.check_schema(dict(schema))
    except SchemaError as error:
        yield f"{place} is no JSON Schema of draft-07: {error.message[:200]}"
    yield from _open_objects(schema, place)


def _open_objects(node: object, place: str) -> Iterator[str]:
    """Objects that would accept undeclared fields."""
    if is_object(node):
        if node.get("type") == "object" and "additionalProperties" not in node:
            yield f"{place} must say additionalProperties"
        for key, value in node.items():
            yield from _open_objects(value, f"{place}.{key}")
    elif is_list(node):
        for position, value in enumerate(node):
            yield from _open_objects(value, f"{place}[{position}]")
