"""Whatever arrives has the status of the facts, and the server lives."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.botpress.support import SECRET, QuickClock, Recorder, operation_headers

from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.botpress.signature import HEADER, sign
from hubspot_hitl.botpress.wire import OPERATIONS, BadEnvelope, configuration_of, operation_of
from hubspot_hitl.errors import InvalidPayload

BODY = b'{"type":"startHitl"}'
HEADER_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=80)
EASY = settings(max_examples=40, deadline=None)


class Asked:
    """A running server and what it answers."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def __call__(
        self, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, object]]:
        async with self._session.post(self._url, headers=headers, data=body or None) as response:
            return response.status, json.loads(await response.read())


@contextlib.asynccontextmanager
async def running(*secrets: str, clock: QuickClock | None = None) -> AsyncGenerator[Asked]:
    server = OperationServer(
        Recorder().operations, clock=clock or QuickClock(), signing_secrets=secrets
    )
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    async with TestServer(app) as started, aiohttp.ClientSession() as session:
        yield Asked(str(started.make_url("/")), session)


@EASY
@given(value=HEADER_TEXT | st.binary(max_size=60).map(lambda raw: raw.hex()))
async def test_any_configuration_header_is_200_or_500(value: str) -> None:
    try:
        configuration_of(value)
        expected = 200
    except BadEnvelope:
        expected = 500
    async with running() as ask:
        status, answer = await ask(operation_headers("ping", x_bp_configuration=value), b"")
        assert status == expected
        assert list(answer) == ([] if expected == 200 else ["error"])
        assert (await ask(operation_headers("ping"), b""))[0] == 200


@EASY
@given(
    name=st.sampled_from(["x-bot-id", "x-integration-id", "x-integration-alias", "x-webhook-id"]),
    value=HEADER_TEXT,
)
async def test_any_id_header_is_200_or_500(name: str, value: str) -> None:
    seen = value.strip(" \t")
    expected = 200 if seen and seen.isascii() else 500
    async with running() as ask:
        status, answer = await ask({**operation_headers("ping"), name: value}, b"")
        assert status == expected
        assert expected == 200 or str(answer["error"]).split()[0] in {"Missing", "Invalid"}


@EASY
@given(
    name=st.sampled_from(sorted(OPERATIONS)),
    body=st.binary(min_size=1, max_size=200)
    | st.integers(1, 200_000).map(lambda depth: b"[" * depth)
    | st.dictionaries(st.sampled_from(["type", "req", "message"]), st.none() | st.text()).map(
        lambda value: json.dumps(value).encode()
    ),
)
async def test_any_body_is_200_or_an_invalid_payload(name: str, body: bytes) -> None:
    expected = "InvalidPayload"
    with contextlib.suppress(InvalidPayload):
        operation = operation_of(name, body)
        refused = getattr(operation, "type", "startHitl") != "startHitl"
        expected = "InvalidPayload" if refused and name == "action_triggered" else "served"
    async with running() as ask:
        status, answer = await ask(operation_headers(name), body)
        assert (status, answer.get("type", "served")) == (
            200 if expected == "served" else 400,
            expected,
        )
        assert (await ask(operation_headers("ping"), b""))[0] == 200


@EASY
@given(value=HEADER_TEXT | st.integers().map(lambda stamp: f"{stamp},{'A' * 43}"))
async def test_any_wrong_signature_is_401_and_a_right_one_is_served_after_it(value: str) -> None:
    clock = QuickClock()
    headers = operation_headers("action_triggered")
    async with running(SECRET, clock=clock) as ask:
        status, answer = await ask({**headers, HEADER: value}, BODY)
        assert (status, answer["code"]) == (401, 401)
        right = {HEADER: sign(BODY, [SECRET], clock.now_ms())}
        assert (await ask(headers | right, BODY))[0] == 200
