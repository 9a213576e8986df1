"""Strangers' input at every door: the exact status, and the server lives on."""

from __future__ import annotations

import base64
import io
import json
import time

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.flows.conftest import House

from hubspot_hitl.hubspot.signature import signed_headers_v3

HUGE = b'{"type":"' + b"x" * 5_000_000 + b'"}'
LONG = base64.b64encode(json.dumps({"x": "y" * 27_000}).encode()).decode()
DEEP = b"[" * 100_000 + b"]" * 100_000


def operation_headers(house: House, operation: str, **changes: str | None) -> dict[str, str]:
    installation = house.stage.installation
    assert installation is not None
    configuration = base64.b64encode(json.dumps(installation.configuration).encode()).decode()
    headers: dict[str, str | None] = {
        "x-bot-id": installation.bot_id,
        "x-bot-user-id": "user_bot",
        "x-integration-id": installation.integration_id,
        "x-integration-alias": installation.alias,
        "x-webhook-id": installation.webhook_id,
        "x-bp-operation": operation,
        "x-bp-configuration": configuration,
        **changes,
    }
    return {name: value for name, value in headers.items() if value is not None}


def secret(house: House) -> str:
    return house.stage.hubspot.options.client_secret


def webhook_url(house: House) -> str:
    installation = house.stage.installation
    assert installation is not None
    return f"{house.url}/hubspot/webhooks/{installation.webhook_id}"


async def alive(house: House, http: aiohttp.ClientSession) -> bool:
    async with http.post(house.url, headers=operation_headers(house, "ping")) as answer:
        return answer.status == 200 and await answer.json() == {}


@pytest.mark.parametrize(
    ("operation", "body", "status"),
    [
        ("ping", b"", 200),
        ("ping", b"not json", 200),
        ("action_triggered", b"not json", 400),
        ("action_triggered", b"[]", 400),
        ("action_triggered", b"", 400),
        ("action_triggered", b"{}", 400),
        ("action_triggered", b'{"type":"nope","input":{}}', 400),
        ("action_triggered", b'{"type":"startHitl","input":{}}', 400),
        ("action_triggered", b'{"type":"startHitl","input":null}', 400),
        ("action_triggered", b'{"type":"stopHitl","input":{"conversationId":"conv_x"}}', 200),
        ("message_created", b'{"type":"text"}', 400),
        ("webhook_received", b"{}", 400),
        ("webhook_received", b'{"req":{"method":"POST","path":"/","headers":{}}}', 401),
        ("webhook_received", b'{"req":{"method":"GET","path":"/x","headers":{}}}', 404),
        ("unknown_thing", b"{}", 400),
        ("action_triggered", HUGE, 400),
        ("action_triggered", DEEP, 400),
        ("action_triggered", b"\xff\xfe{", 400),
    ],
)
async def test_a_wrong_operation_body_has_its_exact_status(
    house: House, http: aiohttp.ClientSession, operation: str, body: bytes, status: int
) -> None:
    headers = operation_headers(house, operation)
    async with http.post(house.url, data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status == status, await answer.text()
    assert await alive(house, http)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"x-bot-id": None}, 500),
        ({"x-bp-operation": None}, 500),
        ({"x-bp-configuration": None}, 500),
        ({"x-bp-configuration": "%%%"}, 500),
        ({"x-bp-configuration": base64.b64encode(b"[1]").decode()}, 500),
        ({"x-bot-user-id": None}, 200),
        ({"x-bp-configuration": base64.b64encode(b'{"appId":"7"}').decode().rstrip("=")}, 200),
        (
            {
                "x-bp-configuration": base64.b64encode(
                    json.dumps({"x": "y" * 27_000}).encode()
                ).decode()
            },
            200,
        ),
    ],
)
async def test_a_wrong_header_has_its_exact_status(
    house: House, http: aiohttp.ClientSession, changes: dict[str, str | None], status: int
) -> None:
    headers = operation_headers(house, "ping", **changes)
    async with http.post(house.url, data=b"{}", headers=headers) as answer:
        assert answer.status == status
        if status == 500:
            assert set(await answer.json()) == {"error"}
    assert await alive(house, http)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"X-HubSpot-Signature-v3": None}, 401),
        ({"X-HubSpot-Request-Timestamp": None}, 401),
        ({"X-HubSpot-Signature-v3": "c2hvcnQ="}, 401),
        ({"X-HubSpot-Signature-v3": "é" * 44}, 401),
        ({"X-HubSpot-Request-Timestamp": "NaN"}, 401),
        ({"X-HubSpot-Request-Timestamp": "1"}, 401),
        ({"X-HubSpot-Request-Timestamp": "99999999999999"}, 401),
    ],
)
async def test_a_webhook_is_as_good_as_its_signature(
    house: House, http: aiohttp.ClientSession, changes: dict[str, str | None], status: int
) -> None:
    url = webhook_url(house)
    right = signed_headers_v3("POST", url, b"[]", int(time.time() * 1000), secret(house))
    headers = {k.lower(): v for k, v in right.items()}
    headers.update({k.lower(): v or "" for k, v in changes.items()})
    for name in [name for name, value in changes.items() if value is None]:
        del headers[name.lower()]
    async with http.post(url, data=b"[]", headers=headers) as answer:
        assert answer.status == status
    assert await alive(house, http)


@pytest.mark.parametrize("body", [b"", b"x", b"7", b'{"type":1}', DEEP, HUGE], ids=len)
async def test_a_signed_webhook_of_a_wrong_shape_is_no_crash(
    house: House, http: aiohttp.ClientSession, body: bytes
) -> None:
    url = webhook_url(house)
    headers = signed_headers_v3("POST", url, body, int(time.time() * 1000), secret(house))
    async with http.post(url, data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status in (200, 400)
    assert await alive(house, http)


async def test_a_webhook_for_nobody_is_not_found(house: House, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{house.url}/hubspot/webhooks/nobody", data=b"[]") as answer:
        assert answer.status == 404
    async with http.post(f"{house.url}/hubspot/webhooks", data=b"[]") as answer:
        assert answer.status == 401


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=st.binary(max_size=300), operation=st.sampled_from(["action_triggered", "ping", "x"]))
async def test_any_bytes_leave_the_server_alive(house: House, body: bytes, operation: str) -> None:
    async with aiohttp.ClientSession() as http:
        headers = operation_headers(house, operation)
        async with http.post(house.url, data=io.BytesIO(body), headers=headers) as answer:
            assert answer.status in (200, 400)


@pytest.mark.parametrize(
    ("path", "operation", "status"),
    [("/any/path", "ping", 200), ("/any/path", None, 404), ("/hubspot/webhooks/x", "ping", 405)],
)
async def test_an_operation_is_served_at_any_path_that_is_nobodys(
    house: House, http: aiohttp.ClientSession, path: str, operation: str | None, status: int
) -> None:
    headers = operation_headers(house, "ping", **{"x-bp-operation": operation})
    async with http.get(f"{house.url}{path}", headers=headers) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"},
        {"X-Forwarded-For": "unknown"},
        {"X-Real-IP": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Origin": "http://127.0.0.1:8080"},
    ],
)
async def test_without_any_secret_a_strangers_operation_changes_nothing(
    house: House, http: aiohttp.ClientSession, header: dict[str, str]
) -> None:
    stolen = base64.b64encode(b'{"inboxId": "1", "refreshToken": "of a stranger"}').decode()
    headers = operation_headers(house, "register", **{"x-bp-configuration": stolen})
    body = json.dumps({"webhookUrl": "https://stranger.example/hook"}).encode()
    async with http.post(house.url, data=body, headers={**headers, **header}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, 401)
    _, thread_id = await house.handoff()
    assert thread_id


@pytest.mark.parametrize(("unsigned", "status"), [("private", 200), ("loopback", 401)])
async def test_private_networks_are_taken_without_any_secret_unless_this_machine_alone_is_wanted(
    house: House, http: aiohttp.ClientSession, unsigned: str, status: int
) -> None:
    await house.close()
    house.changes["botpress_unsigned"] = unsigned
    await house.open()
    headers = {**operation_headers(house, "ping"), "X-Forwarded-For": "10.1.2.3"}
    async with http.post(house.url, data=b"{}", headers=headers) as answer:
        assert answer.status == status


async def test_strangers_are_taken_without_any_secret_where_somebody_wants_it(
    house: House, http: aiohttp.ClientSession
) -> None:
    await house.close()

    house.changes["botpress_unsigned"] = "anywhere"
    with capture_logs() as lines:
        await house.open()
    headers = {**operation_headers(house, "ping"), "X-Forwarded-For": "203.0.113.7"}
    async with http.post(house.url, data=b"{}", headers=headers) as answer:
        assert answer.status == 200
    (warned,) = [line for line in lines if line["event"] == "operations_without_proof"]
    assert (warned["taken_from"], warned["log_level"]) == ("anywhere", "warning")


async def test_with_a_path_secret_only_the_secret_path_serves(
    house: House, http: aiohttp.ClientSession
) -> None:
    await house.close()

    house.changes["botpress_path_secret"] = SecretStr("s3cret-path")
    await house.open()
    headers = operation_headers(house, "ping")
    headers["X-Forwarded-For"] = "203.0.113.7"  # the path is the proof, whoever brings it
    paths = {"/": 404, "/else": 404, "/botpress/wrong": 404, "/botpress/s3cret-path": 200}
    for path, status in paths.items():
        async with http.post(f"{house.url}{path}", headers=headers) as answer:
            assert answer.status == status


async def test_with_a_signing_secret_unsigned_operations_are_refused(
    house: House, http: aiohttp.ClientSession
) -> None:
    await house.close()

    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    house.changes["botpress_signing_secrets"] = (SecretStr(key),)
    await house.open()
    async with http.post(house.url, data=b"{}", headers=operation_headers(house, "ping")) as answer:
        assert answer.status == 401
    installation = house.stage.installation
    assert installation is not None
    installation.signing_secrets = (key,)
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "signed")
    await house.until(chat, thread_id, user=1)
