"""The HTTP side of the operations: read, verify, parse, call one handler, answer exactly.

First step of the main path for everything Botpress sends. It decides nothing about handoffs; what
an operation does is given to it as :class:`Operations`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web

from hubspot_hitl.botpress.answers import Answer, error_answer
from hubspot_hitl.botpress.dispatch import Operations, run
from hubspot_hitl.botpress.operations import ActionTriggered, Context, Operation
from hubspot_hitl.botpress.signature import (
    HEADER,
    ReplayMemory,
    ReplayPolicy,
    key_of,
    verify,
)
from hubspot_hitl.botpress.trace import current_trace, trace_of
from hubspot_hitl.botpress.wire import parse
from hubspot_hitl.errors import BadSignature, HitlError, InvalidPayload
from hubspot_hitl.ports.botpress import JsonObject
from hubspot_hitl.ports.clock import Clock

log = structlog.get_logger(__name__)

Answered = Callable[[Context, ActionTriggered, JsonObject | None], Awaitable[None]]
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True)
class _Served:
    """One request on its way to one log line."""

    name: str
    context: Context | None = None
    operation: Operation | None = None
    repeated: bool = False
    unread: bool = True
    output: JsonObject | None = None
    fields: dict[str, object] = field(default_factory=dict[str, object])


class OperationServer:
    """Answers operations on whatever routes it is mounted; method and path mean nothing to it.

    With `signing_secrets` every request must be signed by one of them; without, `unsigned` says of
    each whether it is taken all the same, and a warning is logged once. `answered` is called when
    the answer of an action has been handed to the socket: the HITL plugin ignores what reaches it
    before that moment. It is not called when the answer could not be written. Response headers
    must be set by `on_response_prepare` signals: when a middleware sees the response, it has been
    sent.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        clock: Clock,
        signing_secrets: Sequence[str] = (),
        replay_policy: ReplayPolicy = "idempotent",
        unsigned: Callable[[web.Request], bool] | None = None,
        answered: Answered | None = None,
    ) -> None:
        for secret in signing_secrets:
            key_of(secret)
        self._operations = operations
        self._clock = clock
        self._secrets = tuple(signing_secrets)
        self._replays = ReplayMemory(clock, policy=replay_policy)
        self._unsigned = unsigned
        self._answered = answered
        self._warned = False

    async def health(self, request: web.Request) -> web.Response:
        """200 `ok`, before any header is looked at."""
        return web.Response(text="ok")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one operation, or `/health` under any prefix."""
        if request.path.rstrip("/").endswith("/health"):
            return await self.health(request)
        began = self._clock.monotonic()
        headers = {name.lower(): value for name, value in request.headers.items()}
        served = _Served(headers.get("x-bp-operation", "")[:100])
        trace = trace_of(headers.get("traceparent"), headers.get("tracestate"))
        token = current_trace.set(trace)
        try:
            answer = await self._serve(request, headers, served)
            response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
            if served.unread:
                # What is left of the body on this connection is no next request.
                response.force_close()
            sent = await self._send(request, response)
            seconds = self._clock.monotonic() - began
            _log(served, answer, sent, trace.trace_id, round(seconds * 1000, 1))
            if sent and answer.status == 200:
                await self._tell(served)
            return response
        finally:
            current_trace.reset(token)

    async def _serve(
        self, request: web.Request, headers: dict[str, str], served: _Served
    ) -> Answer:
        try:
            body = await _body(request)
            served.unread = False
            served.repeated = not self._authentic(request, headers, body)
            served.context, served.operation = parse(request.method, headers, body)
            answer, served.output = await run(self._operations, served.context, served.operation)
        except Exception as error:  # the edge: every failure becomes an answer and a log line
            answer = error_answer(error, self._clock.now_ms(), operation=served.name)
            served.fields = _failure_fields(error, answer)
        return answer

    def _authentic(self, request: web.Request, headers: dict[str, str], body: bytes) -> bool:
        """Whether the request is new. Raises BadSignature."""
        if not self._secrets:
            if self._unsigned is not None and not self._unsigned(request):
                raise BadSignature(
                    "Unsigned operations are not accepted from this address: set"
                    " HITL_BOTPRESS_SIGNING_SECRETS or HITL_BOTPRESS_PATH_SECRET."
                )
            if not self._warned:
                self._warned = True
                log.warning(
                    "botpress_signatures_not_checked",
                    cure="Set HITL_BOTPRESS_SIGNING_SECRETS to the integration's signing secret.",
                )
            return True
        if request.method != "POST":
            raise BadSignature("Only a POST carries a valid signature.")
        header = headers.get(HEADER)
        verify(header, body, self._secrets, self._clock.now_ms())
        return self._replays.admit(header, body, headers)

    async def _send(self, request: web.Request, response: web.Response) -> bool:
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return False
        return True

    async def _tell(self, served: _Served) -> None:
        if self._answered is None or served.context is None:
            return
        if not isinstance(served.operation, ActionTriggered):
            return
        try:
            await self._answered(served.context, served.operation, served.output)
        except Exception as error:  # the answer is out: there is nobody left to tell but the log
            log.error(
                "after_answer_failed",
                operation=served.name,
                webhook_id=served.context.webhook_id,
                **_error_fields(error),
            )


async def _body(request: web.Request) -> bytes:
    if request.method not in _BODY_METHODS:
        return b""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise InvalidPayload(f"The body is larger than {request.client_max_size} bytes") from error
    except (web.RequestPayloadError, OSError) as error:
        raise InvalidPayload("The body could not be read to its end") from error


def _log(served: _Served, answer: Answer, sent: bool, trace_id: str | None, ms: float) -> None:
    fields: dict[str, object] = {
        "operation": served.name or None,
        "webhook_id": served.context.webhook_id if served.context else None,
        "status": answer.status,
        "ms": ms,
        **served.fields,
    }
    if trace_id:
        fields["trace_id"] = trace_id
    if served.repeated:
        fields["repeated"] = True
    if not sent:
        fields["answer_lost"] = True
    if served.fields:
        level = log.error if answer.status >= 500 else log.warning
        level("operation_failed", **fields)
    else:
        log.info("operation_served", **fields)


def _failure_fields(error: Exception, answer: Answer) -> dict[str, object]:
    return {**_error_fields(error), "error_id": answer.error_id}


def _error_fields(error: Exception) -> dict[str, object]:
    if isinstance(error, HitlError):
        return {"error_code": error.code, "error": error.message}
    # Foreign exceptions may quote what they choked on, so their text stays out of the log.
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"error_code": type(error).__name__, "where": frames[-6:]}
