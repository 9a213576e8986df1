"""The recorded requests of the vendor's own client, compared with those that ours sends."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.trace import current_trace, trace_of
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime

RECORDED = Path(__file__).parents[2].parent / "shared" / "contracts" / "sdk-client-requests.txt"
RELEVANT = (
    *("x-bot-id", "x-integration-id", "x-integration-alias"),
    *("authorization", "traceparent", "tracestate", "content-type", "content-length"),
)
ANYTHING: dict[str, object] = {
    "user": {"id": "user_1"},
    "message": {"id": "msg_1"},
    "event": {"id": "evt_1"},
    "state": {"payload": {}},
    "meta": {"created": True},
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went over the wire, reduced to what the vendor could look at."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


def recorded() -> list[Sent]:
    if not RECORDED.exists():
        return []
    found: list[Sent] = []
    for block in RECORDED.read_text().strip().split("\n\n"):
        first, *lines = block.splitlines()
        method, path = first.split(" ")
        fields = dict(re.split(r": ?", line.strip(), maxsplit=1) for line in lines)
        body = fields.pop("body")
        found.append(Sent(method, path, {k: v for k, v in fields.items() if k in RELEVANT}, body))
    return found


REQUESTS = recorded()
pytestmark = pytest.mark.skipif(
    not REQUESTS, reason="../shared/contracts/sdk-client-requests.txt is not there"
)

Verb = Callable[[BotRuntime], Awaitable[object]]
VERBS: list[Verb] = [
    lambda bot: bot.get_user("missing"),
    lambda bot: bot.get_or_create_user({"a": "b"}, discriminate_by=[], name="Bob"),
    lambda bot: bot.create_event(
        "hitlStopped", {"conversationId": "conv_1"}, conversation_id="conv_1"
    ),
    lambda bot: bot.update_message("msg_1", {"id": "hs_1"}),
    lambda bot: bot.get_user("user_x"),
    lambda bot: bot.get_state("integration", "int_1", "channelInfo"),
    lambda bot: bot.get_or_create_user(
        {"phoneNumber": "None"}, discriminate_by=[], name="Bob", picture_url="None"
    ),
    lambda bot: bot.set_state("user", "user_1", "userInfo", {"name": "Bob", "phoneNumber": "None"}),
]


@dataclass
class Tape:
    """A server that notes every request and is content with it."""

    url: str = ""
    sent: list[Sent] = field(default_factory=list[Sent])

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        kept = {name: value for name, value in headers.items() if name in RELEVANT}
        body = (await request.read()).decode()
        self.sent.append(Sent(request.method, request.raw_path, kept, body))
        return web.json_response(ANYTHING)


@pytest.fixture
async def tape() -> AsyncIterator[Tape]:
    tape = Tape()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", tape.handle)
    async with TestServer(app) as server:
        tape.url = str(server.make_url("/"))
        yield tape


@pytest.mark.parametrize("number", range(len(VERBS)))
async def test_our_request_is_the_sdks_request(tape: Tape, number: int) -> None:
    wanted = REQUESTS[number]
    token = current_trace.set(trace_of(wanted.headers.get("traceparent"), None))
    async with aiohttp.ClientSession() as session:
        runtimes = BotpressRuntimes(
            session,
            base_url=tape.url,
            token=wanted.headers["authorization"].removeprefix("Bearer "),
            clock=SystemClock(),
        )
        installation = Installation("wh_1", "bot_1", "int_1", "hubspot-hitl", Configuration())
        await VERBS[number](runtimes.of(installation))
    current_trace.reset(token)
    assert tape.sent == [wanted]
    assert not wanted.body or json.loads(wanted.body)


def test_every_recorded_request_has_its_verb() -> None:
    assert len(REQUESTS) == len(VERBS)
