"""The recorded answers of the vendor's own SDK, asked of our server on a real socket."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hubspot_hitl.botpress.answers import UNEXPECTED
from hubspot_hitl.botpress.dispatch import Operations
from hubspot_hitl.botpress.operations import (
    ActionAnswer,
    ActionTriggered,
    Context,
    MessageCreated,
    Register,
    Unregister,
    WebhookAnswer,
    WebhookReceived,
)
from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import ActionRefused, VendorNotFound

TRANSCRIPT = Path(__file__).parents[2].parent / "shared" / "contracts" / "sdk-server-transcript.txt"
ERROR_ID = re.compile(r"err_\d{14}x[0-9A-F]{8}")
# These sentences are the parser's and the SDK's own; ours say the same in other words.
FREE_TEXT = re.compile(r"is not valid JSON|^An unexpected error|Unexpected end of JSON")
GOOD = base64.b64encode(b'{"token":"good"}').decode()
BAD = base64.b64encode(b'{"token":"bad"}').decode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded request and its answer."""

    title: str
    operation: str | None
    sent: str
    status: int
    headers: Mapping[str, str]
    answer: str


def exchanges() -> list[Exchange]:
    """Every block of the transcript; a title without an answer belongs to the next block."""
    if not TRANSCRIPT.exists():
        return []
    found: list[Exchange] = []
    prefix = ""
    for block in re.split(r"^>>> ", TRANSCRIPT.read_text(), flags=re.M)[1:]:
        title, _, rest = block.partition("\n")
        if not rest.strip():
            prefix = f"{title.strip()}: "
            continue
        head, _, answer = rest.partition("\n\n")
        status_line, *lines = head.splitlines()
        request = re.fullmatch(r"op=(\S+) body=(.*) extra=.*", title)
        found.append(
            Exchange(
                prefix + title.strip(),
                request[1] if request else None,
                request[2] if request else "",
                int(status_line.split()[1]),
                dict(line.split(": ", 1) for line in lines),
                answer.strip(),
            )
        )
        prefix = ""
    return found


EXCHANGES = exchanges()
OPERATIONS = [each for each in EXCHANGES if each.operation]
pytestmark = pytest.mark.skipif(
    not EXCHANGES, reason="../shared/contracts/sdk-server-transcript.txt is not there"
)


async def register(context: Context, _operation: Register) -> None:
    if context.configuration["token"] == "bad":
        raise ActionRefused("Invalid HubSpot token")


async def unregister(_context: Context, _operation: Unregister) -> None:
    return None


async def action(
    _context: Context, operation: ActionTriggered
) -> Mapping[str, object] | ActionAnswer | None:
    user: dict[str, object] = {"id": "user_1", "tags": {}, "createdAt": "x", "updatedAt": "x"}
    match operation.type:
        case "ok":
            assert operation.input == {"a": 1}
            return ActionAnswer({"hello": "world"}, cost=0.25)
        case "rt":
            raise ActionRefused("Shown to user")
        case "plain":
            raise RuntimeError("hidden")
        case "api404":
            raise VendorNotFound("User not found", vendor="botpress", operation="getUser")
        case "call":
            return {"user": user, "meta": {"created": True}}
        case "event":
            return {"event": {"id": "evt_1"}}
        case _:
            return None


async def webhook(_context: Context, operation: WebhookReceived) -> WebhookAnswer | None:
    match operation.req.path:
        case "/abc":
            assert operation.req.body == '{"x":1}'
            assert operation.req.headers["x-hubspot-signature-v3"] == "s"
            return WebhookAnswer(418, {"content-type": "text/plain", "x-foo": "bar"}, "teapot")
        case "/boom":
            raise RuntimeError("hidden")
        case "/rt":
            raise ActionRefused("custom")
        case _:
            return None


async def message(_context: Context, operation: MessageCreated) -> None:
    if operation.type == "image":
        raise ActionRefused("nope")
    assert operation.conversation.tags == {"id": "t1"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    operations = Operations(
        register=register,
        unregister=unregister,
        webhook_received=webhook,
        action=action,
        message_created=message,
        action_names={"ok", "undef", "rt", "plain", "api404", "call", "event"},
        channels={"hitl": {"text", "image"}},
    )
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", OperationServer(operations, clock=SystemClock()).handle)
    runner = web.AppRunner(app, max_field_size=65536, max_line_size=65536)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def headers_of(operation: str | None, configuration: str = GOOD) -> dict[str, str]:
    headers = {
        "x-bot-id": "bot_1",
        "x-bot-user-id": "bot_user",
        "x-integration-id": "int_1",
        "x-integration-alias": "hubspot-hitl",
        "x-webhook-id": "wh_1",
        "x-bp-configuration": configuration,
    }
    return headers if operation is None else {**headers, "x-bp-operation": operation}


def configuration_for(exchange: Exchange) -> str:
    if exchange.title.startswith("bad base64"):
        return "%%%"
    return BAD if "Invalid HubSpot token" in exchange.answer else GOOD


async def ask(
    url: str, method: str, headers: Mapping[str, str], body: str = ""
) -> tuple[int, Mapping[str, str], str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, data=body.encode() or None) as response,
    ):
        return response.status, response.headers, await response.text()


def expect_same_body(ours: str, theirs: str) -> None:
    if not theirs.startswith("{"):
        assert ours == theirs
        return
    got, wanted = json.loads(ours), json.loads(theirs)
    if "id" in wanted:
        assert ERROR_ID.fullmatch(got.pop("id"))
        assert ERROR_ID.fullmatch(wanted.pop("id"))
    for key in ("message", "error"):
        if key in wanted and FREE_TEXT.search(wanted[key]):
            assert got[key]
            got[key] = wanted[key]
    assert got == wanted


def test_the_transcript_is_read_whole() -> None:
    assert len(OPERATIONS) == TRANSCRIPT.read_text().count(">>> op=")
    assert {each.operation for each in OPERATIONS} >= {
        *("ping", "register", "unregister", "webhook_received", "action_triggered"),
        *("message_created", "message_updated", "conversation_updated"),
        *("create_user", "create_conversation"),
    }


@pytest.mark.parametrize("exchange", OPERATIONS, ids=lambda each: each.title[:60])
async def test_our_answer_is_the_sdks_answer(url: str, exchange: Exchange) -> None:
    headers = headers_of(exchange.operation, configuration_for(exchange))
    status, got_headers, body = await ask(url, "POST", headers, exchange.sent)
    assert status == exchange.status
    assert {name: got_headers[name] for name in exchange.headers} == exchange.headers
    expect_same_body(body, exchange.answer)


async def test_errors_that_were_not_meant_hide_their_cause(url: str) -> None:
    _, _, body = await ask(url, "POST", headers_of("action_triggered"), '{"type":"plain"}')
    assert json.loads(body)["message"] == UNEXPECTED


@pytest.mark.parametrize("query", ["", "?x=1"])
async def test_health_answers_as_the_sdk(url: str, query: str) -> None:
    status, _, body = await ask(f"{url}/health{query}", "GET", {})
    assert (status, body) == (200, "ok")


async def test_a_missing_operation_header_answers_as_the_sdk(url: str) -> None:
    [recorded] = [each for each in EXCHANGES if each.title == "missing x-bp-operation"]
    status, _, body = await ask(url, "POST", headers_of(None), "{}")
    assert (status, json.loads(body)) == (recorded.status, json.loads(recorded.answer))


async def test_a_get_on_any_path_answers_as_the_sdk(url: str) -> None:
    [recorded] = [each for each in EXCHANGES if each.title.startswith("GET with ping headers")]
    status, _, body = await ask(f"{url}/any/path", "GET", headers_of("ping"))
    assert (status, body) == (recorded.status, recorded.answer)


async def test_a_missing_bot_user_is_served_unlike_the_sdk_for_older_clouds(url: str) -> None:
    headers = headers_of("ping")
    del headers["x-bot-user-id"]
    assert (await ask(url, "POST", headers, "{}"))[0] == 200
