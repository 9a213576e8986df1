"""From headers and a body to one typed operation, without I/O.

Order and answers are those of the vendor's SDK (``packages/sdk/src/serve.ts`` and
``integration/server/context.ts`` of repository ``botpress/botpress``): first the headers, whose
faults are answered 500 in a shape of their own, then the operation's name, then the body.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

from pydantic import ValidationError

from hubspot_hitl.botpress.jsontext import loads
from hubspot_hitl.botpress.objects import Wire, first_problems
from hubspot_hitl.botpress.operations import (
    ActionTriggered,
    Context,
    ConversationUpdated,
    CreateConversation,
    CreateUser,
    MessageCreated,
    MessageUpdated,
    Operation,
    Ping,
    Register,
    Unregister,
    WebhookReceived,
)
from hubspot_hitl.botpress.trace import trace_of
from hubspot_hitl.errors import CallerError, InvalidPayload
from hubspot_hitl.json_values import is_object

OPERATIONS: Final[Mapping[str, type[Wire]]] = MappingProxyType(
    {
        "ping": Ping,
        "register": Register,
        "unregister": Unregister,
        "webhook_received": WebhookReceived,
        "action_triggered": ActionTriggered,
        "message_created": MessageCreated,
        "message_updated": MessageUpdated,
        "conversation_updated": ConversationUpdated,
        "create_user": CreateUser,
        "create_conversation": CreateConversation,
    }
)
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_PRINTABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_REQUIRED: Final = (
    ("x-bot-id", "bot"),
    ("x-integration-id", "integration"),
    ("x-integration-alias", "integration alias"),
    ("x-webhook-id", "webhook"),
    ("x-bp-operation", "operation"),
)


class BadEnvelope(CallerError):
    """A header every operation needs is missing or unreadable; answered 500 as the SDK does."""

    code = "bad_envelope"


def parse(method: str, headers: Mapping[str, str], body: bytes) -> tuple[Context, Operation]:
    """The operation in a request, and who asks for it.

    `headers` may have names in any case. Raises BadEnvelope for faulty headers and InvalidPayload
    for an unknown operation or a body that does not fit; nothing else.
    """
    context = context_of(headers)
    return context, operation_of(context.operation, body if method in _BODY_METHODS else b"")


def context_of(headers: Mapping[str, str]) -> Context:
    """Who asks. Raises BadEnvelope. A missing bot user id is accepted: older clouds send none."""
    known = {name.lower(): value for name, value in headers.items()}
    bot_id, integration_id, alias, webhook_id, operation = (
        _required(known, name, label) for name, label in _REQUIRED
    )
    trace = trace_of(known.get("traceparent"), known.get("tracestate"))
    return Context(
        bot_id=bot_id,
        integration_id=integration_id,
        alias=alias,
        webhook_id=webhook_id,
        operation=operation,
        configuration=configuration_of(known.get("x-bp-configuration")),
        configuration_type=_optional(known, "x-bp-configuration-type", "configuration type"),
        bot_user_id=_optional(known, "x-bot-user-id", "bot user"),
        traceparent=trace.traceparent,
        tracestate=trace.tracestate,
    )


def configuration_of(header: str | None) -> dict[str, object]:
    """The installation's configuration in the header's base64; padding and alphabet are free.

    >>> configuration_of("eyJhcHBJZCI6ICI3In0")
    {'appId': '7'}
    """
    if not header:
        raise BadEnvelope("Missing configuration header")
    try:
        text = "".join(header.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        value = loads(raw)
    except (binascii.Error, ValueError):
        # The parser's text is left out: it could quote the configuration, which holds secrets.
        raise BadEnvelope("Configuration header is not base64 of JSON") from None
    if not is_object(value):
        raise BadEnvelope("Configuration header is not a JSON object")
    return dict(value)


def operation_of(name: str, body: bytes) -> Operation:
    """The operation `name` with the fields of `body`. Raises InvalidPayload."""
    model = OPERATIONS.get(name)
    if model is None:
        raise InvalidPayload(f"Unknown operation {name[:100]}")
    if model is Ping:
        return Ping()
    if not body:
        raise InvalidPayload("Missing body")
    try:
        value = loads(body)
    except ValueError as error:
        raise InvalidPayload(f"The body is not valid JSON: {error}") from None
    if not is_object(value):
        raise InvalidPayload("The body is not a JSON object")
    if model is ActionTriggered and not value.get("type"):
        raise InvalidPayload("Missing action type")
    try:
        return cast("Operation", model.model_validate(value))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidPayload(
            f"The body of {name} does not fit: {first_problems(list(problems))}"
        ) from None


def _required(headers: Mapping[str, str], name: str, label: str) -> str:
    value = _optional(headers, name, label)
    if value is None:
        raise BadEnvelope(f"Missing {label} header")
    return value


def _optional(headers: Mapping[str, str], name: str, label: str) -> str | None:
    value = headers.get(name)
    if not value:
        return None
    if not _PRINTABLE.fullmatch(value):
        # Ids travel on in our own request headers and rows; what is not ASCII would fail there.
        raise BadEnvelope(f"Invalid {label} header")
    return value
