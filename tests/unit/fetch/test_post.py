"""Posting to subscribers, against real servers on this machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hubspot_hitl.errors import HookFailed, HookRefused
from hubspot_hitl.fetch.post import open_hooks

BODY = b'{"type":"handoff.ended"}'


async def post(url: str, headers: dict[str, str] | None = None) -> int:
    async with open_hooks(allow_private=True) as hooks:
        return await hooks.post(url, BODY, headers or {})


@asynccontextmanager
async def subscriber(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook?key=hidden"))


async def test_the_body_arrives_as_it_was_signed() -> None:
    seen: list[tuple[bytes, str | None, str | None]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((await request.read(), request.content_type, request.headers.get("X-Sign")))
        return web.Response(status=202)

    async with subscriber(take) as url:
        assert await post(url, {"X-Sign": "abc", "Content-Type": "text/plain"}) == 202
    assert seen == [(BODY, "application/json", "abc")]


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        (500, None, None),
        (429, "7", 7.0),
        (503, "999999", 3600.0),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (503, "-1", None),
        (404, "", None),
        (302, None, None),  # a redirect may lead inwards: it is not followed
    ],
)
async def test_every_answer_but_2xx_is_a_failure_that_says_when_to_come_again(
    status: int, header: str | None, wait_s: float | None
) -> None:
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"Location": "/elsewhere"} | ({"Retry-After": header} if header else {})
        return web.Response(status=status, headers=headers, text="their own words")

    async with subscriber(refuse) as url:
        with pytest.raises(HookFailed) as failed:
            await post(url)
    assert (failed.value.status, failed.value.retry_after_s) == (status, wait_s)
    assert asked == ["/hook"]
    assert "their own words" not in str(failed.value)


async def test_a_connection_that_breaks_is_a_failure_without_the_address() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(HookFailed) as failed:
            await post(f"http://127.0.0.1:{port}/?key=hidden")
    assert "hidden" not in str(failed.value)


async def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held and not listening
        with pytest.raises(HookFailed, match="cannot be reached"):
            await post(f"http://127.0.0.1:{held.getsockname()[1]}/")


@pytest.mark.parametrize("url", ["http://", "ftp://example.com/", "not an address"])
async def test_an_unreadable_address_is_refused(url: str) -> None:
    with pytest.raises(HookRefused):
        await post(url)


async def test_a_header_that_would_end_early_is_refused() -> None:
    async def take(_: web.Request) -> web.Response:
        return web.Response()

    async with subscriber(take) as url:
        with pytest.raises(HookRefused):
            await post(url, {"X-Key": "a\r\nX-Other: b"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"])
async def test_an_address_of_the_inside_is_refused(url: str) -> None:
    async with open_hooks() as hooks:
        with pytest.raises(HookRefused):
            await hooks.post(url, BODY, {})


async def test_a_certificate_that_nobody_vouches_for_is_a_failure(tmp_path: Path) -> None:
    async def take(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app, scheme="https") as server:
        await server.start_server(ssl=self_signed(tmp_path))
        with pytest.raises(HookFailed, match="cannot be reached"):
            await post(str(server.make_url("/")))


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    pem.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(encoding)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
