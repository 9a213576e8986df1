from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from tests.fakes import FakeClock
from tests.unit.botpress.support import Recorder, operation_headers

from hubspot_hitl.botpress.frames import Answer, RequestFrame
from hubspot_hitl.botpress.operations import ActionTriggered
from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.botpress.tunnel import (
    HELLO_EVERY_S,
    Forward,
    LocalServer,
    TunnelTail,
    public_address,
)
from hubspot_hitl.errors import BadSettings, CallerError
from hubspot_hitl.twins.host import Host
from hubspot_hitl.twins.tunnel_server import TunnelServer

ID = "tunnel-1"


@pytest.fixture
async def tunnel() -> AsyncIterator[TunnelServer]:
    server = TunnelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _echo(request: RequestFrame) -> Answer:
    return Answer(200, {}, f"{request.method} {request.path} {request.body}")


@asynccontextmanager
async def _held(
    tunnel: TunnelServer, session: aiohttp.ClientSession, forward: Forward, clock: FakeClock
) -> AsyncGenerator[asyncio.Task[None]]:
    tail = TunnelTail(
        session, tunnel_url=tunnel.socket_url, tunnel_id=ID, forward=forward, clock=clock
    )
    task = asyncio.create_task(tail.run())
    try:
        await tunnel.held(ID)
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, CallerError):
            await task


async def _ask(session: aiohttp.ClientSession, tunnel: TunnelServer, path: str = "") -> str:
    async with session.post(f"{tunnel.url}/{ID}{path}", data="body") as response:
        return await response.text()


@asynccontextmanager
async def _local(handler: object) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)  # type: ignore[arg-type]  # any handler
    host = Host()
    try:
        yield await host.start(app, "127.0.0.1", 0)
    finally:
        await host.stop()


async def test_an_operation_makes_the_round_trip(
    tunnel: TunnelServer, session: aiohttp.ClientSession
) -> None:
    recorder = Recorder(output={"conversationId": "conv_1"})
    operations = OperationServer(recorder.operations, clock=FakeClock())
    async with (
        _local(operations.handle) as url,
        _held(tunnel, session, LocalServer(session, url), FakeClock()),
        session.post(
            f"{tunnel.url}/{ID}",
            json={"type": "startHitl", "input": {"title": "Hé 😀"}},
            headers=operation_headers("action_triggered"),
        ) as response,
    ):
        assert response.status == 200
        assert (await response.json())["output"] == {"conversationId": "conv_1"}

    context, operation = recorder.seen[0]
    assert isinstance(operation, ActionTriggered)
    assert operation.input == {"title": "Hé 😀"}
    assert context.bot_id == "bot_1"


async def test_only_operations_and_probes_are_reachable(session: aiohttp.ClientSession) -> None:
    async def path_of(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with _local(path_of) as url:
        forward = LocalServer(session, url)
        answers = [
            await forward(RequestFrame(id="1", method="GET", path=path))
            for path in ("/console/sessions", "/../metrics", "/tunnel-1/health", "")
        ]

    assert [answer.body for answer in answers] == ["/", "/", "/health", "/"]


async def test_many_requests_are_answered_at_a_time(
    tunnel: TunnelServer, session: aiohttp.ClientSession
) -> None:
    everyone = asyncio.Barrier(5)

    async def together(request: RequestFrame) -> Answer:
        await everyone.wait()
        return await _echo(request)

    async with _held(tunnel, session, together, FakeClock()):
        answers = await asyncio.gather(*(_ask(session, tunnel, f"/{n}") for n in range(5)))

    assert answers == [f"POST /{n} body" for n in range(5)]


async def test_it_comes_back_after_a_drop(
    tunnel: TunnelServer, session: aiohttp.ClientSession
) -> None:
    clock = FakeClock()
    async with _held(tunnel, session, _echo, clock):
        await tunnel.drop(ID)
        back = asyncio.create_task(tunnel.held(ID, connection=2))
        while not back.done():
            await clock.advance(1)

        assert await _ask(session, tunnel) == "POST / body"


async def test_it_waits_longer_each_time_nobody_listens(session: aiohttp.ClientSession) -> None:
    clock, waits = FakeClock(), list[float]()

    async def note(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            raise asyncio.CancelledError

    clock.sleep = note  # type: ignore[method-assign]  # this clock only listens
    tail = TunnelTail(
        session,
        tunnel_url="ws://127.0.0.1:9",
        tunnel_id=ID,
        forward=_echo,
        clock=clock,
        jitter=lambda: 0.5,
    )

    with pytest.raises(asyncio.CancelledError):
        await tail.run()

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_an_id_in_use_ends_it(tunnel: TunnelServer, session: aiohttp.ClientSession) -> None:
    async with _held(tunnel, session, _echo, FakeClock()):
        second = TunnelTail(
            session,
            tunnel_url=tunnel.socket_url,
            tunnel_id=ID,
            forward=_echo,
            clock=FakeClock(),
        )

        with pytest.raises(CallerError, match="in use"):
            await second.run()

        assert await _ask(session, tunnel) == "POST / body"


async def test_it_says_hello(tunnel: TunnelServer, session: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with _held(tunnel, session, _echo, clock):
        heard = asyncio.create_task(tunnel.heard(ID, 2))
        while not heard.done():
            await clock.advance(HELLO_EVERY_S)


async def test_a_failing_request_is_502_and_the_next_one_is_served(
    tunnel: TunnelServer, session: aiohttp.ClientSession
) -> None:
    async def moody(request: RequestFrame) -> Answer:
        if request.path == "/bad":
            raise RuntimeError("surprise")
        return await _echo(request)

    async with _held(tunnel, session, moody, FakeClock()):
        async with session.get(f"{tunnel.url}/{ID}/bad") as response:
            assert response.status == 502
            assert "surprise" not in await response.text()
        assert await _ask(session, tunnel) == "POST / body"


async def test_an_unreadable_frame_does_not_end_the_tunnel(
    tunnel: TunnelServer, session: aiohttp.ClientSession
) -> None:
    async with _held(tunnel, session, _echo, FakeClock()):
        await tunnel.send(ID, "no frame")
        await tunnel.send(ID, '{"id":"r","method":1}')

        assert await _ask(session, tunnel) == "POST / body"


async def test_a_server_that_is_away_is_502(session: aiohttp.ClientSession) -> None:
    forward = LocalServer(session, "http://127.0.0.1:9")

    answer = await forward(RequestFrame(id="1", method="POST", path="/", body="{}"))

    assert answer.status == 502


async def test_an_answer_that_is_not_text_is_502(session: aiohttp.ClientSession) -> None:
    async def binary(_request: web.Request) -> web.Response:
        return web.Response(body=b"\xff\xfe")

    async with _local(binary) as url:
        answer = await LocalServer(session, url)(RequestFrame(id="1", method="GET", path="/"))

    assert answer.status == 502


async def test_an_id_that_no_address_could_hold_is_refused(
    session: aiohttp.ClientSession,
) -> None:
    with pytest.raises(BadSettings, match="tunnel id"):
        TunnelTail(session, tunnel_url="ws://x", tunnel_id="a/b", forward=_echo, clock=FakeClock())


def test_the_public_address_is_the_same_host() -> None:
    assert public_address("ws://127.0.0.1:1/", "a") == "http://127.0.0.1:1/a"
