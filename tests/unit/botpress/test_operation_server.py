from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientResponse, ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs
from tests.unit.botpress.support import (
    SECRET,
    TRACE,
    QuickClock,
    Recorder,
    operation_headers,
)

from hubspot_hitl.botpress.operations import (
    ActionAnswer,
    ActionTriggered,
    Context,
    MessageCreated,
    WebhookAnswer,
)
from hubspot_hitl.botpress.server import Answered, OperationServer
from hubspot_hitl.botpress.signature import HEADER, sign
from hubspot_hitl.botpress.trace import current_trace
from hubspot_hitl.errors import ActionRefused, BadSettings, StoreUnavailable

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
async def serve(aiohttp_client: Any) -> Serve:
    async def start(
        recorder: Recorder,
        clock: QuickClock | None = None,
        *,
        secrets: tuple[str, ...] = (),
        answered: Answered | None = None,
        max_body: int = 2**20,
    ) -> Client:
        server = OperationServer(
            recorder.operations,
            clock=clock or QuickClock(),
            signing_secrets=secrets,
            answered=answered,
        )
        app = web.Application(client_max_size=max_body)
        app.router.add_route("*", "/{tail:.*}", server.handle)
        client: Client = await aiohttp_client(TestServer(app))
        return client

    return start


@contextlib.asynccontextmanager
async def served_at(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncGenerator[str]:
    """A real runner: aiohttp's test server would cancel a handler whose client has gone."""
    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def action(
    client: Client, body: bytes | io.BytesIO = b'{"type":"startHitl","input":{}}'
) -> ClientResponse:
    return await client.post("/", data=body, headers=operation_headers("action_triggered"))


async def test_an_action_answers_its_output_and_cost(serve: Serve) -> None:
    client = await serve(Recorder(output={"conversationId": "conv_1"}))
    response = await action(client)
    assert response.status == 200
    assert await response.json() == {"output": {"conversationId": "conv_1"}, "meta": {"cost": 0}}


async def test_an_action_may_state_its_cost_and_have_no_output(serve: Serve) -> None:
    client = await serve(Recorder(output=ActionAnswer(cost=0.5)))
    assert await (await action(client)).json() == {"meta": {"cost": 0.5}}


@pytest.mark.parametrize("path", ["/health", "/health?x=1", "/botpress/s3cret/health"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_health_is_ok_before_any_header_is_looked_at(
    serve: Serve, method: str, path: str
) -> None:
    client = await serve(Recorder(), secrets=(SECRET,))
    response = await client.request(method, path)
    assert (response.status, await response.text()) == (200, "ok")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_method_and_path_mean_nothing(serve: Serve, method: str) -> None:
    client = await serve(Recorder())
    response = await client.request(method, "/any/path", headers=operation_headers("ping"))
    assert (response.status, await response.json()) == (200, {})


async def test_a_webhook_answer_is_relayed_as_it_is(serve: Serve) -> None:
    recorder = Recorder(webhook=WebhookAnswer(302, {"Location": "https://x.example/é"}, "gone"))
    client = await serve(recorder)
    headers = operation_headers("webhook_received")
    response = await client.post(
        "/", json={"req": {"path": "/oauth"}}, headers=headers, allow_redirects=False
    )
    assert response.status == 302
    assert response.headers["location"] == "https://x.example/é"
    assert response.content_type == "text/plain"
    assert await response.text() == "gone"


async def test_framing_headers_of_a_webhook_answer_are_left_to_http(serve: Serve) -> None:
    wrong = {"Content-Length": "999", "Transfer-Encoding": "chunked", "x-foo": "bar"}
    client = await serve(Recorder(webhook=WebhookAnswer(200, wrong, "four")))
    headers = operation_headers("webhook_received")
    response = await client.post("/", json={"req": {}}, headers=headers)
    assert await response.text() == "four"
    assert response.headers["x-foo"] == "bar"


@pytest.mark.parametrize(
    ("status", "headers"), [(99, {}), (700, {}), (200, {"a": "b\r\nc: d"}), (200, {"a b": "c"})]
)
def test_a_webhook_answer_that_http_cannot_carry_is_refused(
    status: int, headers: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"status|HTTP"):
        WebhookAnswer(status, headers)


async def test_a_message_reaches_its_handler_with_the_context(serve: Serve) -> None:
    recorder = Recorder()
    client = await serve(recorder)
    body = {
        "type": "text",
        "conversation": {"id": "c", "channel": "hitl"},
        "message": {"id": "m"},
    }
    response = await client.post("/", json=body, headers=operation_headers("message_created"))
    assert (response.status, await response.json()) == (200, {})
    [(context, message)] = recorder.seen
    assert isinstance(message, MessageCreated)
    assert context.webhook_id == "wh_1"


async def test_names_outside_the_tables_are_refused_before_the_handler(serve: Serve) -> None:
    recorder = Recorder()
    client = await serve(recorder)
    response = await action(client, b'{"type":"nope"}')
    assert response.status == 400
    assert (await response.json())["message"] == "Action nope not found"
    assert recorder.seen == []


async def test_a_deliberate_refusal_is_400_and_read_word_for_word(serve: Serve) -> None:
    client = await serve(Recorder(failure=ActionRefused("No inbox.")))
    response = await action(client)
    assert (response.status, (await response.json())["message"]) == (400, "No inbox.")


async def test_a_store_that_is_away_is_503(serve: Serve) -> None:
    client = await serve(Recorder(failure=StoreUnavailable("The database is locked.")))
    response = await action(client)
    assert (response.status, response.headers["retry-after"]) == (503, "5")


async def test_an_output_that_is_not_json_is_500_and_the_server_lives(serve: Serve) -> None:
    recorder = Recorder(output={"x": object()})
    client = await serve(recorder)
    assert (await action(client)).status == 500
    recorder.output = {"x": "\ud83d"}
    assert (await action(client)).status == 200


async def test_after_answer_hook_runs_when_the_answer_is_out(serve: Serve) -> None:
    told: asyncio.Future[Mapping[str, object] | None] = asyncio.get_running_loop().create_future()
    release = asyncio.Event()

    async def answered(
        context: Context, _action: ActionTriggered, output: Mapping[str, object] | None
    ) -> None:
        assert context.webhook_id == "wh_1"
        await release.wait()
        told.set_result(output)

    client = await serve(Recorder(output={"a": 1}), answered=answered)
    response = await action(client)
    assert (await response.json())["output"] == {"a": 1}
    assert not told.done()
    release.set()
    assert await told == {"a": 1}


async def test_after_answer_hook_is_for_successful_actions_only(serve: Serve) -> None:
    told: list[str] = []

    async def answered(
        _context: Context, action_: ActionTriggered, _output: Mapping[str, object] | None
    ) -> None:
        told.append(action_.type)
        raise RuntimeError

    recorder = Recorder(failure=ActionRefused("no"))
    client = await serve(recorder, answered=answered)
    await action(client)
    await client.post("/", headers=operation_headers("ping"))
    recorder.failure = None
    with capture_logs() as logs:
        assert (await action(client)).status == 200
        await client.post("/", headers=operation_headers("ping"))
    assert told == ["startHitl"]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "after_answer_failed"
    ]


async def test_after_answer_hook_is_not_run_when_nobody_got_the_answer() -> None:
    told: list[str] = []
    requests: list[web.Request] = []

    async def answered(
        _context: Context, action_: ActionTriggered, _output: Mapping[str, object] | None
    ) -> None:
        told.append(action_.type)

    class Severing(Recorder):
        async def _action(self, context: Context, operation: ActionTriggered) -> None:
            assert requests[-1].transport is not None
            requests[-1].transport.abort()

    server = OperationServer(Severing().operations, clock=QuickClock(), answered=answered)

    async def handle(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        return await server.handle(request)

    headers = operation_headers("action_triggered")
    with capture_logs() as logs:
        async with served_at(handle) as url, ClientSession() as session:
            with pytest.raises(ClientConnectionError):
                await session.post(url, data=b'{"type":"startHitl"}', headers=headers)
            await session.post(url, headers=operation_headers("ping"))
    assert told == []
    assert [line.get("answer_lost") for line in logs if "ms" in line] == [True, None]


async def test_a_signed_operation_is_served_and_an_unsigned_one_is_401(serve: Serve) -> None:
    clock, recorder = QuickClock(), Recorder(output={"a": 1})
    client = await serve(recorder, clock, secrets=(SECRET,))
    body = b'{"type":"startHitl"}'
    headers = operation_headers("action_triggered")
    assert (await action(client, body)).status == 401
    signature = {HEADER: sign(body, [SECRET], clock.now_ms())}
    response = await client.post("/", data=body, headers=headers | signature)
    assert response.status == 200
    assert len(recorder.seen) == 1


async def test_a_signature_moved_to_another_bot_is_401(serve: Serve) -> None:
    clock, recorder = QuickClock(), Recorder()
    client = await serve(recorder, clock, secrets=(SECRET,))
    body = b'{"type":"startHitl"}'
    headers = operation_headers("action_triggered") | {HEADER: sign(body, [SECRET], clock.now_ms())}
    assert (await client.post("/", data=body, headers=headers)).status == 200
    assert (await client.post("/", data=body, headers=headers)).status == 200
    stolen = headers | {"x-bot-id": "bot_2"}
    assert (await client.post("/", data=body, headers=stolen)).status == 401
    assert len(recorder.seen) == 2


async def test_with_a_secret_only_a_post_is_served(serve: Serve) -> None:
    client = await serve(Recorder(), secrets=(SECRET,))
    assert (await client.get("/", headers=operation_headers("ping"))).status == 401


async def test_a_signature_fault_is_told_before_a_header_fault(serve: Serve) -> None:
    client = await serve(Recorder(), secrets=(SECRET,))
    assert (await client.post("/", data=b"{}")).status == 401


async def test_without_secrets_one_warning_is_logged(serve: Serve) -> None:
    client = await serve(Recorder())
    with capture_logs() as logs:
        await client.post("/", headers=operation_headers("ping"))
        await client.post("/", headers=operation_headers("ping"))
    warnings = [line for line in logs if line["event"] == "botpress_signatures_not_checked"]
    assert len(warnings) == 1


def test_a_secret_that_cannot_work_stops_the_start() -> None:
    with pytest.raises(BadSettings):
        OperationServer(Recorder().operations, clock=QuickClock(), signing_secrets=["no good!"])


async def test_each_operation_is_one_log_line_without_content(serve: Serve) -> None:
    client = await serve(Recorder(failure=KeyError("words of a user")), secrets=())
    await client.post("/", headers=operation_headers("ping"))
    with capture_logs() as logs:
        await action(client, b'{"type":"startHitl","input":{"title":"words of a user"}}')
    [line] = logs
    assert line["event"] == "operation_failed"
    assert (line["operation"], line["webhook_id"], line["status"]) == (
        "action_triggered",
        "wh_1",
        500,
    )
    assert line["error_code"] == "KeyError"
    assert "words" not in repr(line)
    assert "s3cret" not in repr(line)


async def test_the_trace_is_known_to_the_handler_and_forgotten_afterwards(serve: Serve) -> None:
    traces: list[str | None] = []

    class Tracing(Recorder):
        def _note(self, context: Context, operation: object) -> None:
            traces.append(current_trace.get().trace_id)

    client = await serve(Tracing())
    headers = operation_headers("action_triggered")
    for extra in ({"traceparent": TRACE}, {}):
        await client.post("/", data=b'{"type":"startHitl"}', headers=headers | extra)
    assert traces == [TRACE[3:35], None]


async def test_a_body_over_the_limit_is_an_invalid_payload(serve: Serve) -> None:
    client = await serve(Recorder(), max_body=1000)
    response = await action(client, io.BytesIO(b'{"type":"' + b"x" * 5_000_000 + b'"}'))
    assert response.status == 400
    assert (await response.json())["type"] == "InvalidPayload"
    assert (await action(client)).status == 200


async def test_a_body_that_is_not_what_its_encoding_says_is_an_invalid_payload(
    serve: Serve,
) -> None:
    client = await serve(Recorder())
    headers = operation_headers("action_triggered") | {"Content-Encoding": "gzip"}
    response = await client.post("/", data=b"not gzip", headers=headers)
    assert response.status == 400
    assert (await client.post("/", headers=operation_headers("ping"))).status == 200
