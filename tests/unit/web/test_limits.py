"""Floods, slow senders and large bodies meet a bound, and honest callers come through."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hubspot_hitl.web.limits import Limits, limiter

Client = TestClient[web.Request, web.Application]
HOOK = "/hubspot/webhooks/one"


@asynccontextmanager
async def guarded(
    limits: Limits, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> AsyncGenerator[Client]:
    app = web.Application(middlewares=[limiter(limits)], client_max_size=1000)
    app.add_routes([web.route("*", "/{path:.*}", handler)])
    async with TestClient(TestServer(app)) as client:
        yield client


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


class Gate:
    """A handler that waits until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.entered = asyncio.Semaphore(0)

    async def serve(self, _request: web.Request) -> web.Response:
        self.entered.release()
        await self.opened.wait()
        return web.Response()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [(HOOK, {}, 429), ("/botpress", {"x-webhook-id": "one"}, 503)],
)
async def test_one_installation_cannot_take_every_place(
    path: str, headers: dict[str, str], status: int
) -> None:
    gate = Gate()
    async with guarded(Limits(per_installation=2), gate.serve) as client:
        held = [asyncio.create_task(client.post(path, headers=headers)) for _ in range(2)]
        for _ in held:
            await gate.entered.acquire()
        refused = await client.post(path, headers=headers)
        assert (refused.status, refused.headers["Retry-After"]) == (status, "1")
        other = asyncio.create_task(client.post("/hubspot/webhooks/other"))
        await gate.entered.acquire()
        gate.opened.set()
        assert [(await one).status for one in (*held, other)] == [200, 200, 200]
        assert (await client.post(path, headers=headers)).status == 200


async def test_when_all_places_are_taken_probes_still_answer() -> None:
    gate = Gate()
    async with guarded(Limits(at_once=1), gate.serve) as client:
        held = asyncio.create_task(client.post(HOOK))
        await gate.entered.acquire()
        refused = await client.post("/oauth/hubspot/refresh")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (await refused.json())["error"] == "server_busy"
        probe = asyncio.create_task(client.get("/livez"))
        await gate.entered.acquire()
        gate.opened.set()
        assert ((await held).status, (await probe).status) == (200, 200)


async def test_a_body_is_read_once_and_handed_on() -> None:
    async with guarded(Limits(), echo) as client:
        answer = await client.post(HOOK, data=b"x" * 1000)
        assert await answer.read() == b"x" * 1000


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused_and_the_connection_closed(announced: bool) -> None:
    data = b"x" * 1001 if announced else _chunks(b"x" * 1001)
    async with guarded(Limits(), echo) as client:
        answer = await client.post(HOOK, data=data)
        assert (answer.status, answer.headers["Connection"]) == (413, "close")


@pytest.mark.parametrize(
    "path",
    ["/oauth/hubspot/token", "/v1/UserAgent/Start", "/registrations", "/console/login", "/health"],
)
async def test_routes_of_people_and_probes_take_small_bodies_only(path: str) -> None:
    async with guarded(Limits(small_body_bytes=10), echo) as client:
        assert (await client.post(path, data=b"x" * 11)).status == 413
        assert (await client.post(path, data=_chunks(b"x" * 11))).status == 413
        assert (await client.post(path, data=b"x" * 10)).status == 200
        assert (await client.post(HOOK, data=b"x" * 11)).status == 200


@pytest.mark.parametrize("path", [HOOK, "/console/login", "/livez"])
async def test_a_body_that_does_not_come_takes_no_place(path: str) -> None:
    async with guarded(Limits(body_s=0.01, at_once=1), echo) as client:
        slow = await client.post(path, data=_never())
        assert (slow.status, (await slow.json())["error"]) == (408, "body_too_slow")
        assert (await client.post(path, data=io.BytesIO(b"x"))).status == 200


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _never() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()
