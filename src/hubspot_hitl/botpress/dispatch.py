"""From a typed operation to the one callable that serves it, and to the body of its answer.

Names that do not exist are refused here, with the SDK's wording, when the tables are given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from hubspot_hitl.botpress.answers import Answer
from hubspot_hitl.botpress.jsontext import dumps
from hubspot_hitl.botpress.operations import (
    ActionAnswer,
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
    WebhookAnswer,
    WebhookReceived,
)
from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.ports.botpress import JsonObject

_FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


async def _nothing(_context: Context, _operation: object) -> None:
    """Serve an operation by doing nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the integration does for each operation.

    Handlers raise errors of :mod:`hubspot_hitl.errors`; anything else is answered 500 with a fixed
    text. `action` returns the output, None for none, or an ActionAnswer with a cost.
    `action_names`, and `channels` as channel -> message types, let unknown names be refused before
    a handler is called; None leaves that to the handler.
    """

    register: Callable[[Context, Register], Awaitable[None]]
    unregister: Callable[[Context, Unregister], Awaitable[None]]
    webhook_received: Callable[[Context, WebhookReceived], Awaitable[WebhookAnswer | None]]
    action: Callable[[Context, ActionTriggered], Awaitable[JsonObject | ActionAnswer | None]]
    message_created: Callable[[Context, MessageCreated], Awaitable[None]]
    message_updated: Callable[[Context, MessageUpdated], Awaitable[None]] = _nothing
    conversation_updated: Callable[[Context, ConversationUpdated], Awaitable[None]] = _nothing
    ping: Callable[[Context, Ping], Awaitable[None]] = _nothing
    action_names: Collection[str] | None = None
    channels: Mapping[str, Collection[str]] | None = None


async def run(
    operations: Operations, context: Context, operation: Operation
) -> tuple[Answer, JsonObject | None]:
    """Serve `operation`; returns the answer, and the output when it was an action."""
    match operation:
        case ActionTriggered():
            return await _run_action(operations, context, operation)
        case WebhookReceived():
            answer = await operations.webhook_received(context, operation)
            return _webhook_answer(answer or WebhookAnswer()), None
        case MessageCreated():
            _check_message(operations, operation)
            await operations.message_created(context, operation)
        case Register():
            await operations.register(context, operation)
        case Unregister():
            await operations.unregister(context, operation)
        case MessageUpdated():
            await operations.message_updated(context, operation)
        case ConversationUpdated():
            await operations.conversation_updated(context, operation)
        case Ping():
            await operations.ping(context, operation)
        case CreateUser() | CreateConversation():
            pass  # deprecated by Botpress; the SDK answers {} when they are not implemented
    return Answer(200), None


async def _run_action(
    operations: Operations, context: Context, action: ActionTriggered
) -> tuple[Answer, JsonObject | None]:
    if operations.action_names is not None and action.type not in operations.action_names:
        raise InvalidPayload(f"Action {action.type[:100]} not found")
    result = await operations.action(context, action)
    answer = result if isinstance(result, ActionAnswer) else ActionAnswer(result)
    body: dict[str, object] = {"meta": {"cost": answer.cost}}
    if answer.output is not None:
        body = {"output": answer.output, **body}
    return Answer(200, dumps(body)), answer.output


def _check_message(operations: Operations, message: MessageCreated) -> None:
    if operations.channels is None:
        return
    channel, type_ = message.conversation.channel[:100], message.type[:100]
    if channel not in operations.channels:
        raise InvalidPayload(f"Channel {channel} not found")
    if type_ not in operations.channels[channel]:
        raise InvalidPayload(f"Message of type {type_} not found in channel {channel}")


def _webhook_answer(answer: WebhookAnswer) -> Answer:
    headers = {
        name: value for name, value in answer.headers.items() if name.lower() not in _FRAMING
    }
    if answer.body is None:
        body, fallback = b"{}", "application/json"
    else:
        body, fallback = answer.body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    if not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = fallback
    return Answer(answer.status, body, headers)
