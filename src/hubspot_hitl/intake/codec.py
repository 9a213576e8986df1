"""Thread messages as JSON, for the body of a delivery. Pure; the two functions are inverses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Final

from pydantic import TypeAdapter

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.json_values import is_object
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import Delivery

_NAMES: Final = tuple(field.name for field in fields(ThreadMessage))


@cache
def _adapter() -> TypeAdapter[ThreadMessage]:
    return TypeAdapter(ThreadMessage)  # at first use: a server starts sooner


def message_to_json(message: ThreadMessage) -> dict[str, object]:
    """The message as a JSON object, without the fields that are None."""
    body: dict[str, object] = {
        name: value for name in _NAMES if (value := getattr(message, name)) is not None
    }
    body["attachments"] = tuple(asdict(one) for one in message.attachments)
    return body


def message_of(it: Delivery) -> ThreadMessage:
    """The message that a delivery carries. Raises InvalidPayload when it carries none."""
    body = it.body.get("message")
    if not is_object(body):
        raise InvalidPayload(f"delivery {it.seq} of kind {it.kind!r} carries no message")
    return message_from_json(body)


def message_from_json(body: Mapping[str, object]) -> ThreadMessage:
    """The message that `message_to_json` wrote.

    >>> message = ThreadMessage(id="1", type="MESSAGE", created_ms=5, text="hi")
    >>> message_from_json(message_to_json(message)) == message
    True
    """
    return _adapter().validate_python(body)
