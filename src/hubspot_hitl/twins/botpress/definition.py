"""What an integration's definition allows: tags, events, states, channels, payload schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema
import orjson

from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.wire import Json

MOST_PAYLOAD_BYTES = 128 * 1024
MOST_TAG_CHARACTERS = 500


class Definition:
    """The published definition, or None for a twin that allows every name."""

    def __init__(self, body: Json | None, check_payloads: bool = True) -> None:
        self._body = body
        self._check = check_payloads
        self._validators: dict[tuple[str, ...], jsonschema.Draft7Validator | None] = {}

    def user_tags(self, tags: Mapping[str, object]) -> None:
        """All tags are declared for users."""
        self._tags(tags, "user")

    def conversation_tags(self, channel: str, tags: Mapping[str, object]) -> None:
        """The channel exists and all tags are declared for its conversations."""
        self._channel(channel)
        self._tags(tags, "channels", channel, "conversation")

    def message_tags(self, channel: str, tags: Mapping[str, object]) -> None:
        """All tags are declared for the channel's messages."""
        self._tags(tags, "channels", channel, "message")

    def message(self, channel: str, kind: str, payload: object) -> None:
        """The channel knows the message type and the payload fits its schema."""
        _size(payload)
        if self._body is None:
            return
        if kind not in self._at("channels", channel, "messages"):
            raise ApiError.invalid(f"Message type {kind!r} is not defined in channel {channel!r}")
        self._payload(payload, "channels", channel, "messages", kind)

    def event(self, kind: str, payload: object) -> None:
        """The event is declared and its payload fits."""
        _size(payload)
        if self._body is None:
            return
        if kind not in self._at("events"):
            raise ApiError.invalid(f"Event type {kind!r} is not defined")
        self._payload(payload, "events", kind)

    def state(self, scope: str, name: str, payload: object) -> None:
        """The state is declared for this scope and its payload is not too large."""
        _size(payload)
        if self._body is None:
            return
        found = self._at("states").get(name)
        if found is None or found.get("type") != scope:
            raise ApiError.invalid(f"State {name!r} of type {scope!r} is not defined")
        if payload is not None:
            self._payload(payload, "states", name)

    def _channel(self, channel: str) -> None:
        if self._body is not None and channel not in self._at("channels"):
            raise ApiError.invalid(f"Channel {channel!r} is not defined")

    def _at(self, *path: str) -> Json:
        found: Json = self._body or {}
        for name in path:
            found = found.get(name) or {}
        return found

    def _tags(self, tags: Mapping[str, object], *path: str) -> None:
        allowed = None if self._body is None else self._at(*path, "tags")
        for key, value in tags.items():
            if allowed is not None and key not in allowed:
                raise ApiError.invalid(f"Tag {key!r} is not defined for {path[-1]}s")
            if value is not None and not isinstance(value, str):
                raise ApiError.invalid(f"Tag {key!r} must be a string")
            if isinstance(value, str) and len(value) > MOST_TAG_CHARACTERS:
                raise ApiError.invalid(f"Tag {key!r} is longer than {MOST_TAG_CHARACTERS}")

    def _payload(self, payload: Any, *path: str) -> None:
        if not self._check:
            return
        if path not in self._validators:
            schema = self._at(*path).get("schema")
            self._validators[path] = None if schema is None else jsonschema.Draft7Validator(schema)
        validator = self._validators[path]
        if validator is None:
            return
        fits: bool = validator.is_valid(payload)  # pyright: ignore[reportUnknownMemberType] stubs
        if not fits:
            raise ApiError(
                400, "InvalidDataFormat", f"The payload does not fit the schema of {path[-1]!r}"
            )


def _size(payload: object) -> None:
    if payload is not None and not isinstance(payload, dict):
        raise ApiError.invalid("payload must be an object")
    if len(orjson.dumps(payload)) > MOST_PAYLOAD_BYTES:
        raise ApiError(413, "PayloadTooLarge", "The payload is larger than 128 KB")
