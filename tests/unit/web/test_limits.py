"""Floods, slow senders and large bodies meet a bound, and honest callers come through."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from hubspot_hitl.botpress.signature import OPERATION_HEADER
from hubspot_hitl.web.limits import Limits, limiter
from hubspot_hitl.web.routes import ROUTES

Client = TestClient[web.Request, web.Application]
HOOK = "/hubspot/webhooks/one"
PATHS = {one.path for one in ROUTES}


@asynccontextmanager
async def guarded(
    limits: Limits,
    serve: Callable[[web.Request], Awaitable[web.Response]],
    mount: str | None = None,
) -> AsyncGenerator[Client]:
    """The paths of the real server, each with the same handler, which also serves operations."""

    @web.middleware
    async def at_any_path(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (serve if OPERATION_HEADER in request.headers else handler)(request)

    app = web.Application(middlewares=[limiter(limits), at_any_path], client_max_size=1000)
    app.add_routes([web.route("*", path, serve) for path in PATHS])
    if mount is not None:
        outer = web.Application()
        outer.add_subapp(mount, app)
        app = outer
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


@pytest.mark.parametrize("mount", ["", "/hitl", "/v1/console"])
async def test_when_all_places_are_taken_probes_still_answer(mount: str) -> None:
    gate = Gate()
    async with guarded(Limits(at_once=1), gate.serve, mount or None) as client:
        held = asyncio.create_task(client.post(mount + HOOK))
        await gate.entered.acquire()
        refused = await client.post(mount + "/oauth/hubspot/refresh")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (await refused.json())["error"] == "server_busy"
        probe = asyncio.create_task(client.get(mount + "/livez"))
        await gate.entered.acquire()
        gate.opened.set()
        assert ((await held).status, (await probe).status) == (200, 200)


@pytest.mark.parametrize("path", ["/metricsmore", "/console-2/x", "/health/er", "/livezz"])
async def test_an_operation_at_nobodys_path_takes_a_place_however_the_path_begins(
    path: str,
) -> None:
    gate = Gate()
    async with guarded(Limits(at_once=1), gate.serve) as client:
        held = asyncio.create_task(client.post(path, headers={OPERATION_HEADER: "ping"}))
        await gate.entered.acquire()
        assert (await client.post(HOOK)).status == 503
        gate.opened.set()
        assert (await held).status == 200


async def test_a_webhook_is_counted_for_its_address_and_not_for_who_it_says_to_be() -> None:
    gate = Gate()
    async with guarded(Limits(per_installation=1), gate.serve) as client:
        held = asyncio.create_task(client.post(HOOK, headers={"x-webhook-id": "two"}))
        await gate.entered.acquire()
        assert (await client.post(HOOK, headers={"x-webhook-id": "three"})).status == 429
        other = asyncio.create_task(client.post("/botpress", headers={"x-webhook-id": "two"}))
        await gate.entered.acquire()
        gate.opened.set()
        assert [(await one).status for one in (held, other)] == [200, 200]


async def test_large_bodies_are_read_where_operations_come_and_nowhere_else() -> None:
    limits, large = Limits(small_body_bytes=10), b"x" * 11
    for mount in ("", "/v1"):
        async with guarded(limits, echo, mount or None) as client:
            operation = {OPERATION_HEADER: "ping"}
            answer = await client.post(f"{mount}/metricsmore", data=large, headers=operation)
            assert answer.status == 200
            assert (await client.post(f"{mount}/botpress", data=large)).status == 200
            assert (await client.post(f"{mount}/metricsmore", data=large)).status == 413
            assert (await client.post(f"{mount}/oauth/hubspot/test", data=large)).status == 413


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
