"""One named test for each known kind of attack on a server like this one.

Elsewhere: SSRF in tests/unit/fetch, forged requests across sites and the log-in's redirect in
test_console.py, open redirects of consent in test_oauth.py, leaking secrets in test_secrets.py,
floods and slow bodies in tests/unit/web/test_limits.py.
"""

from __future__ import annotations

import ast
import asyncio
import gzip
import io
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
import structlog
from tests.flows.conftest import House
from tests.flows.test_bad_input import alive, operation_headers, secret, webhook_url

import hubspot_hitl
from hubspot_hitl.hubspot.signature import signed_headers_v3
from hubspot_hitl.logs import configure_logging

SOURCE = Path(hubspot_hitl.__file__).parent


def hook(house: House, thread_id: str, message_id: str, text: str = "again") -> bytes:
    options = house.stage.hubspot.options
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    message = {
        "id": message_id,
        "type": "MESSAGE",
        "conversationsThreadId": thread_id,
        "createdAt": now,
        "text": text,
        "senders": [{"actorId": "A-1"}],
    }
    event = {
        "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
        "portalId": options.portal_id,
        "channelId": "1",
        "eventTimestamp": now,
        "message": message,
    }
    return json.dumps(event).encode()


async def post(
    http: aiohttp.ClientSession, house: House, body: bytes, *, at_ms: int | None = None
) -> int:
    url = webhook_url(house)
    stamp = at_ms or int(time.time() * 1000)
    headers = signed_headers_v3("POST", url, body, stamp, secret(house))
    async with http.post(url, data=body, headers=headers) as answer:
        return answer.status


def deliveries(house: House) -> int:
    with closing(sqlite3.connect(house.folder / "house.db")) as database:
        return int(database.execute("SELECT count(*) FROM deliveries").fetchone()[0])


async def raw(house: House, request: bytes) -> bytes:
    """What comes back for these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1]))
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(65_536), 60)
    finally:
        writer.close()


async def test_a_replayed_webhook_changes_nothing(
    house: House, http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await house.handoff()
    body = hook(house, thread_id, "replayed-1")
    stamp = int(time.time() * 1000)
    assert [await post(http, house, body, at_ms=stamp) for _ in range(3)] == [200, 200, 200]
    await house.until(chat, thread_id, agent=1)
    await house.stage.hubspot.settled()
    assert house.stage.heard_by_user(chat) == ["again"]


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_recorded_webhook_is_refused_after_five_minutes(
    house: House, http: aiohttp.ClientSession, minutes: int
) -> None:
    stamp = int(time.time() * 1000) + minutes * 60_000
    assert await post(http, house, hook(house, "1", "m"), at_ms=stamp) == 401


@pytest.mark.parametrize(
    "path",
    [
        "/console/static/../../../../etc/passwd",
        "/console/static/%2e%2e%2f%2e%2e%2fsettings.py",
        "/console/static/..%5c..%5csettings.py",
        "/botpress/../console/",
        "//etc/passwd",
        "/hubspot/webhooks/..%2f..%2flivez",
    ],
)
async def test_no_path_leads_out_of_the_routes(house: House, path: str) -> None:
    answer = await raw(
        house, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 404, 405}
    assert b"root:" not in answer
    assert b"HITL_" not in answer


@pytest.mark.parametrize(
    "value", ["x\r\nSet-Cookie: stolen=1", "x\nSet-Cookie: stolen=1", "x\r\n\r\n<script>"]
)
async def test_no_input_puts_a_header_into_an_answer(house: House, value: str) -> None:
    lines = ["POST / HTTP/1.1", "Host: x", f"x-bp-operation: {value}", "Connection: close"]
    answer = await raw(house, ("\r\n".join(lines) + "\r\n\r\n").encode())
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"set-cookie" not in head
    assert b"text/html" not in head  # what is repeated is repeated as plain text


async def test_a_request_with_two_lengths_is_refused(house: House) -> None:
    answer = await raw(
        house,
        b"POST /hubspot/webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert answer.split(b" ", 2)[1] == b"400"
    assert b'"alive"' not in answer


async def test_no_input_forges_a_log_line(house: House, http: aiohttp.ClientSession) -> None:
    stream = io.StringIO()
    configure_logging(format_="json", level="debug", stream=stream)
    forged = '"} {"event": "forged", "level": "info'
    headers = operation_headers(house, "ping", **{"x-bot-id": "b\tc", "x-webhook-id": forged})
    body = json.dumps({"type": "a\n" + forged, "input": {}}).encode()
    async with http.post(house.url, data=body, headers=headers) as answer:
        await answer.read()
    headers = operation_headers(house, "action_triggered")
    async with http.post(house.url, data=body, headers=headers) as answer:
        assert answer.status == 400
    structlog.reset_defaults()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events
    assert "forged" not in events


@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        (b"X-Tok{en: marked-stranger", b"400", "BadHttpMessage"),
        (b"Expect: marked-stranger\xff", b"500", "UnicodeEncodeError"),
    ],
)
async def test_bytes_that_are_no_request_make_one_short_log_line(
    house: House, header: bytes, status: bytes, error: str
) -> None:
    stream = io.StringIO()
    configure_logging(format_="json", level="info", stream=stream)
    answer = await raw(
        house, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    )
    structlog.reset_defaults()
    assert answer.split(b" ", 2)[1] == status
    (line,) = stream.getvalue().splitlines()
    assert (json.loads(line)["event"], json.loads(line)["level"]) == (
        f"not_http ({error})",
        "warning",
    )
    assert "marked-stranger" not in line


async def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(
    house: House, http: aiohttp.ClientSession
) -> None:
    bomb = gzip.compress(b"[" + b" " * 64_000_000 + b"]")
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    for url in (house.url, webhook_url(house)):
        async with http.post(url, data=bomb, headers=headers) as answer:
            assert answer.status in {400, 413}
    assert await alive(house, http)


async def test_a_webhook_for_one_installation_does_nothing_in_another(
    house: House, http: aiohttp.ClientSession
) -> None:
    _, thread_id = await house.handoff()
    body = hook(house, thread_id, "strange-1")
    url = f"{house.url}/hubspot/webhooks/not-{webhook_url(house).rsplit('/', 1)[1]}"
    headers = signed_headers_v3("POST", url, body, int(time.time() * 1000), secret(house))
    async with http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 404


async def test_unsigned_floods_write_nothing_down(
    house: House, http: aiohttp.ClientSession
) -> None:
    before = deliveries(house)
    url = webhook_url(house)
    body = hook(house, "1", "m")

    async def attempt() -> int:
        async with http.post(url, data=body) as answer:
            return answer.status

    assert set(await asyncio.gather(*(attempt() for _ in range(200)))) == {401}
    assert deliveries(house) == before


# What decides over a stranger's proof, and so must not tell by its time how near it was.
PROOFS = (
    "botpress/signature.py",
    "hubspot/signature.py",
    "web/access.py",
    "web/botpress.py",
    "web/console/access.py",
)


@pytest.mark.parametrize("path", PROOFS)
def test_proofs_are_compared_in_constant_time(path: str) -> None:
    tree = ast.parse((SOURCE / path).read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "compare_digest" in names
    telling = {"given", "expected", "hash_", "digest", "signature", "token"}
    compared = [
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        for name in (node.left, *node.comparators)
        if isinstance(name, ast.Name)
    ]
    assert not telling & set(compared)
