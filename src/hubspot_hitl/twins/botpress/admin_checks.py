"""What the stand-in for Botpress's Admin API refuses of a definition.

Own rules, from Botpress's documented limits: they must not share code with ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.wire import Json

UPDATE_FIELDS: Final = frozenset(
    [
        "configuration",
        "configurations",
        "extraOperations",
        "sdkVersion",
        "channels",
        "maxExecutionTime",
        "identifier",
        "actions",
        "events",
        "states",
        "user",
        "entities",
        "interfaces",
        "attributes",
        "secrets",
        "code",
        "icon",
        "readme",
        "title",
        "description",
        "url",
        "public",
        "visibility",
        "layers",
    ]
)
CREATE_FIELDS: Final = UPDATE_FIELDS - {"maxExecutionTime"} | {"name", "version", "dev"}

_NAME = re.compile(r"([a-z0-9-]+)/[a-z][a-z0-9-]*")
_SEMVER = re.compile(r"\d+\.\d+\.\d+([-+].*)?")
_CAMEL = re.compile(r"[a-z][A-Za-z0-9]*")


def check_fields(body: Json, known: Collection[str]) -> None:
    """400 for a field that the endpoint does not have."""
    strange = sorted(body.keys() - set(known))
    if strange:
        raise ApiError.invalid(f"data must NOT have additional property {strange[0]!r}")


def check_name(name: object, handle: str | None) -> None:
    """400 unless the name is `<handle>/<name>` of this workspace."""
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise ApiError.invalid("The integration's name must begin with the workspace's handle")
    if found[1] != handle:
        raise ApiError(403, "Forbidden", f"The handle {found[1]!r} is not this workspace's")


def check_definition(body: Json, interface_ids: Collection[str]) -> None:
    """400 for what breaks a limit or a form."""
    if "version" not in body or not _SEMVER.fullmatch(str(body["version"])):
        raise ApiError.invalid("version must be a semantic version")
    url = body.get("url")
    if url is not None and not re.match(r"https?://[^/]+", str(url)):
        raise ApiError.invalid("url must be a URL")
    if body.get("visibility", "private") not in ("private", "unlisted", "public"):
        raise ApiError.invalid("visibility must be private, unlisted or public")
    for problem in _problems(body):
        raise ApiError.invalid(problem)
    for key in part(body, "interfaces"):
        interface = part(body, "interfaces", key)
        if interface.get("id") not in interface_ids:
            raise ApiError.reference("Interface", interface.get("id") or key)
        for kind in ("actions", "events", "channels"):
            for ours in part(interface, kind).values():
                if ours["name"] not in part(body, kind):
                    raise ApiError.invalid(f"interface {key!r} names an unknown {ours['name']!r}")


def part(body: Json, *path: str) -> Json:
    """The object at a path; an empty one when there is none.

    >>> part({"a": {"b": {"c": 1}}}, "a", "b"), part({"a": None}, "a")
    ({'c': 1}, {})
    """
    found = body
    for name in path:
        inner: Json | None = found.get(name)
        found = inner or {}
    return found


def _problems(body: Json) -> Iterator[str]:
    if len(body.get("title", "")) > 64:
        yield "title must NOT have more than 64 characters"
    if len(body.get("description", "")) > 256:
        yield "description must NOT have more than 256 characters"
    if len(part(body, "events")) > 20:
        yield "events must NOT have more than 20 properties"
    if len(part(body, "channels")) > 10:
        yield "channels must NOT have more than 10 properties"
    for kind in ("actions", "events", "channels", "states"):
        for name in part(body, kind):
            if not _CAMEL.fullmatch(name):
                yield f"{kind}.{name} must be camelCase"
    for name in part(body, "channels"):
        if len(part(body, "channels", name, "messages")) > 20:
            yield f"channels.{name}.messages must NOT have more than 20 properties"


def check_compatible(before: Json, after: Json) -> None:
    """400 BreakingChanges when bots that use the version would break."""
    for reason in _breaks(before, after):
        raise ApiError(400, "BreakingChanges", f"Breaking changes detected: {reason}")


def _breaks(before: Json, after: Json) -> Iterator[str]:
    for kind in ("actions", "events", "channels"):
        for name in part(before, kind).keys() - part(after, kind).keys():
            yield f"{kind}.{name} was removed"
    for name in _required(after) - _required(before):
        yield f"configuration.{name} became required"
    for name in part(before, "actions"):
        for gone in _output(before, name) - _output(after, name):
            yield f"actions.{name}.output.{gone} was removed"


def _required(body: Json) -> set[str]:
    return set(part(body, "configuration", "schema").get("required", []))


def _output(body: Json, action: str) -> set[str]:
    return set(part(body, "actions", action, "output", "schema", "properties"))
