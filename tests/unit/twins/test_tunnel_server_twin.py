from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hubspot_hitl.twins.tunnel_server import TunnelServer


@pytest.fixture
async def tunnel() -> AsyncIterator[TunnelServer]:
    server = TunnelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(("path", "code"), [("/a/b", 4000), ("/a.b", 4000)])
async def test_a_bad_id_is_refused_with_its_code(
    tunnel: TunnelServer, path: str, code: int
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(tunnel.socket_url + path) as socket,
    ):
        await socket.receive()

        assert socket.close_code == code


async def test_a_second_tail_is_refused(tunnel: TunnelServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{tunnel.socket_url}/a") as first,
        session.ws_connect(f"{tunnel.socket_url}/a") as second,
    ):
        await second.receive()

        assert (second.close_code, first.closed) == (4001, False)


@pytest.mark.parametrize("frame", ["x", "{}", '{"requestId":"r","status":"200"}'])
async def test_a_bad_response_closes_the_tunnel(tunnel: TunnelServer, frame: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{tunnel.socket_url}/a") as socket,
    ):
        await socket.send_str(frame)
        await socket.receive()

        assert socket.close_code == 4002


async def test_nobody_behind_an_id_is_404(tunnel: TunnelServer) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{tunnel.url}/a") as response:
        assert response.status == 404
