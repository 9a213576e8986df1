from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hubspot_hitl.errors import FileUnavailable, FileUnreachable
from hubspot_hitl.fetch.web import Limits, open_fetch
from hubspot_hitl.ports.fetch import Fetch

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Answers every request with one handler; gives the address of a picture."""
    servers: list[TestServer] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_get("/{tail:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/cat.png"))

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def fetch() -> AsyncIterator[Fetch]:
    limits = Limits(max_bytes=100_000, timeout_s=5, idle_s=0.2)
    async with open_fetch(limits, allow_private=True) as opened:
        yield opened


def answering(response: Callable[[], web.Response]) -> Callable[..., Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        return response()

    return handler


async def why_not(fetch: Fetch, url: str) -> str:
    with pytest.raises(FileUnavailable) as refusal:
        async with fetch.file(url):
            pass
    return refusal.value.message


async def test_a_file_is_fetched_with_its_true_type_and_name(fetch: Fetch, serve: Serve) -> None:
    headers = {"Content-Disposition": 'attachment; filename="me.gif"'}
    url = await serve(answering(lambda: web.Response(body=PNG, headers=headers)))

    async with fetch.file(url) as file:
        assert (file.name, file.content_type, file.size) == ("me.png", "image/png", len(PNG))
        assert file.path.read_bytes() == PNG
    assert not file.path.exists()


async def test_a_file_larger_than_it_says_is_refused_on_the_way(fetch: Fetch, serve: Serve) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 50_000)
        return response

    assert "larger" in await why_not(fetch, await serve(endless))


async def test_a_compression_bomb_is_stopped_at_the_limit(fetch: Fetch, serve: Serve) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    headers = {"Content-Encoding": "gzip"}
    url = await serve(answering(lambda: web.Response(body=bomb, headers=headers)))

    assert "larger" in await why_not(fetch, url)


async def test_a_file_that_its_host_packed_unasked_is_unpacked(fetch: Fetch, serve: Serve) -> None:
    headers = {"Content-Encoding": "gzip"}
    packed = gzip.compress(PNG)
    url = await serve(answering(lambda: web.Response(body=packed, headers=headers)))

    async with fetch.file(url) as file:
        assert file.path.read_bytes() == PNG


async def test_a_host_that_drips_bytes_is_given_up(fetch: Fetch, serve: Serve) -> None:
    over = asyncio.Event()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await over.wait()
        return response

    url = await serve(dripping)
    with pytest.raises(FileUnreachable):
        async with fetch.file(url):
            pass
    over.set()


async def test_an_empty_file_is_refused(fetch: Fetch, serve: Serve) -> None:
    url = await serve(answering(web.Response))

    assert await why_not(fetch, url) == "it is empty"


async def test_a_web_page_that_poses_as_a_picture_is_refused(fetch: Fetch, serve: Serve) -> None:
    page = b"<!doctype html><title>Sign in</title>"
    url = await serve(answering(lambda: web.Response(body=page, content_type="image/png")))

    assert "web page" in await why_not(fetch, url)


async def test_a_vanished_file_is_refused_and_an_ailing_host_may_be_asked_again(
    fetch: Fetch, serve: Serve
) -> None:
    gone = await serve(answering(lambda: web.Response(status=404)))
    ailing = await serve(answering(lambda: web.Response(status=503)))

    assert "any more" in await why_not(fetch, gone)
    with pytest.raises(FileUnreachable):
        async with fetch.file(ailing):
            pass


async def test_redirects_are_followed_but_not_for_ever(fetch: Fetch, serve: Serve) -> None:
    good = await serve(answering(lambda: web.Response(body=PNG)))
    once = await serve(answering(lambda: web.Response(status=302, headers={"Location": good})))
    loop = await serve(answering(lambda: web.Response(status=302, headers={"Location": "/again"})))

    async with fetch.file(once) as file:
        assert file.size == len(PNG)
    assert "too many" in await why_not(fetch, loop)


async def test_this_machine_is_never_asked() -> None:
    async with open_fetch(Limits()) as guarded:
        assert await why_not(guarded, "http://127.0.0.1:1/") == "its address is not a public one"
        assert await why_not(guarded, "http://localhost:1/") == "its address is not a public one"


async def test_every_hop_is_judged(fetch: Fetch, serve: Serve) -> None:
    headers = {"Location": "file:///etc/passwd"}
    url = await serve(answering(lambda: web.Response(status=302, headers=headers)))

    assert await why_not(fetch, url) == "its address is not a web address"
