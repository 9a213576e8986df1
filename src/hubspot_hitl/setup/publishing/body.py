"""What is sent to publish: the definition, completed, and the body of an update. Pure.

Botpress keeps what an update does not name, so what this version no longer has is sent as null
(botpress/botpress, packages/cli/src/api/integration-body.ts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.integration.definition import Definition, with_interface_id

Visibility = Literal["private", "unlisted", "public"]

UPDATE_FIELDS: Final = (
    "title",
    "description",
    "icon",
    "readme",
    "configuration",
    "configurations",
    "identifier",
    "states",
    "events",
    "actions",
    "channels",
    "user",
    "entities",
    "interfaces",
    "attributes",
    "extraOperations",
    "sdkVersion",
    "url",
    "visibility",
)
"""What an update may carry: name, version and `dev` belong to the creation."""

_MAPS: Final = ("configurations", "states", "events", "actions", "entities", "interfaces")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def full_name(handle: str | None, name: str) -> str:
    """`<handle>/<name>`, as Botpress wants it outside its own workspaces.

    Raises BadSettings for another workspace's prefix and for a workspace without a handle.

    >>> full_name("acme", "hubspot-hitl")
    'acme/hubspot-hitl'
    """
    prefix, slash, bare = name.rpartition("/")
    if not handle:
        raise BadSettings(
            "the workspace has no handle, and integration names begin with it: choose one in the"
            " workspace's settings in the Botpress dashboard"
        )
    if slash and prefix != handle:
        raise BadSettings(
            f"--name {name!r} begins with another workspace's handle; this one's is {handle!r}"
        )
    return f"{handle}/{bare}"


def checked_url(url: str) -> str:
    """The address that Botpress will call. Raises BadSettings for what it could not use safely."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadSettings("--url must be an absolute https address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise BadSettings("--url must begin with https: operations carry the bot owner's secrets")
    # Whether Botpress would keep them is not documented, and a password must not stand in a URL.
    if parts.query or parts.fragment or parts.username or parts.password:
        raise BadSettings("--url must have no query, fragment or user name; use a secret path")
    return url.rstrip("/")


def create_body(
    definition: Definition, *, name: str, url: str, visibility: Visibility, interface_id: str
) -> Definition:
    """The body of a creation."""
    return {
        **with_interface_id(definition, interface_id),
        "name": name,
        "url": url,
        "visibility": visibility,
    }


def update_body(body: Definition, published: Mapping[str, JsonValue]) -> Definition:
    """The body that turns `published` into `body`: removed things are null.

    >>> update_body({"states": {}}, {"states": {"old": {"type": "user"}}})
    {'states': {'old': None}}
    """
    update: Definition = {key: body[key] for key in UPDATE_FIELDS if key in body}
    for key in (*_MAPS, "attributes"):
        if key in update:
            update[key] = _with_nulls(update[key], published.get(key))
    for key in ("actions", "events"):
        update |= _attributes(key, update, published)
    if "channels" in update:
        update["channels"] = _channels(update["channels"], published.get("channels"))
    if "user" in update:
        update["user"] = _tags(update["user"], published.get("user"))
    if "identifier" in update:
        update["identifier"] = _with_nulls(update["identifier"], published.get("identifier"))
    if "extraOperations" in update:
        gone = _object(published.get("extraOperations")).keys() - _object(update["extraOperations"])
        off: Definition = {name: {"enabled": False} for name in sorted(gone)}
        update["extraOperations"] = {**off, **_object(update["extraOperations"])}
    return update


def _object(value: JsonValue | None) -> Definition:
    return value if isinstance(value, dict) else {}


def _with_nulls(ours: JsonValue, theirs: JsonValue | None) -> Definition:
    """Our entries, and null for each of theirs that we do not have."""
    known = _object(ours)
    gone: Definition = {
        name: None
        for name, value in _object(theirs).items()
        if value is not None and name not in known
    }
    return {**known, **gone}


def _attributes(key: str, update: Definition, published: Mapping[str, JsonValue]) -> Definition:
    """The actions or events of `update`, with null for attributes they lost."""
    if key not in update:
        return {}
    theirs = _object(published.get(key))
    items: Definition = {}
    for name, item in _object(update[key]).items():
        before = _object(theirs.get(name)).get("attributes")
        fields = _object(item)
        if item is None or not before:
            items[name] = item
        else:
            items[name] = {**fields, "attributes": _with_nulls(fields.get("attributes"), before)}
    return {key: items}


def _channels(ours: JsonValue, theirs: JsonValue | None) -> Definition:
    channels = _with_nulls(ours, theirs)
    for name, channel in channels.items():
        before = _object(_object(theirs).get(name))
        if channel is None or not before:
            continue
        after = dict(_object(channel))
        after["messages"] = _with_nulls(after.get("messages"), before.get("messages"))
        for part in ("conversation", "message"):
            after[part] = _tags(after.get(part), before.get(part))
        channels[name] = after
    return channels


def _tags(ours: JsonValue | None, theirs: JsonValue | None) -> Definition:
    holder = _object(ours)
    return {**holder, "tags": _with_nulls(holder.get("tags"), _object(theirs).get("tags"))}
