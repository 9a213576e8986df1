"""What the tests of a conversation share: houses with settings, files on a web server, looks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.hubspot.records import StoredFile
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.twins.wire import Json

PNG = b"\x89PNG\r\n\x1a\n" + b"." * 64
MP3 = b"ID3" + b"." * 64
MP4 = b"\x00\x00\x00\x18ftypisom" + b"." * 64
PDF = b"%PDF-1.7\n" + b"." * 64


@dataclass(slots=True)
class WebSite:
    """A web server of a user's files; `files` maps a path to content, a missing one is a 404.

    The path `drip` gives a byte and no more until `over` is set.
    """

    files: dict[str, bytes]
    server: TestServer
    headers: Mapping[str, str]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, name: str) -> str:
        return str(self.server.make_url(f"/{name}"))


class WrongClock(SystemClock):
    """A machine's clock that somebody set."""

    def __init__(self, ahead_ms: int) -> None:
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


async def open_site() -> WebSite:
    files = {"cat.png": PNG, "talk.mp3": MP3, "film.mp4": MP4, "plan.pdf": PDF}

    over = asyncio.Event()

    async def give(request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] == "drip":
            response = web.StreamResponse(headers={"Content-Type": "image/png"})
            await response.prepare(request)
            await response.write(PNG[:1])
            await over.wait()
            return response
        content = files.get(request.match_info["name"])
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="application/octet-stream")

    app = web.Application()
    app.router.add_get("/{name}", give)
    server = TestServer(app)
    await server.start_server()
    return WebSite(files, server, {}, over)


async def furnished(house: House, **configuration: Any) -> House:
    """The house open, with the given configuration, and registered."""
    house.changes.setdefault("fetch_allow_private", True)
    await house.open()
    await house.stage.install(house.url, **configuration)
    return house


def entries(house: House, thread_id: str, kind: str = "MESSAGE") -> list[Json]:
    return [e for e in house.stage.hubspot.transcript(thread_id) if e["type"] == kind]


def comments(house: House, thread_id: str) -> list[str]:
    return [str(e["text"]) for e in entries(house, thread_id, "COMMENT")]


def agent(house: House, number: int = 0) -> str:
    return house.stage.hubspot.agents.list()[number].actor_id


def said(chat: Chat) -> list[Json]:
    """What agents said, as the user's side got it."""
    return [line for line in chat.lines if line["author"] == "agent"]


def stored(house: House, attachment: Json) -> StoredFile:
    portal = house.stage.hubspot.world.portals[house.stage.hubspot.options.portal_id]
    return portal.files[attachment["fileId"]]


async def arrived(house: House, thread_id: str, count: int = 1) -> list[Json]:
    """The first messages behind the opening."""
    assert await reached(lambda: len(entries(house, thread_id)) > count, WITHIN_S)
    return entries(house, thread_id)[1 : count + 1]


async def commented(house: House, thread_id: str, words: str) -> str:
    """The comment that holds these words."""
    assert await reached(
        lambda: any(words in text for text in comments(house, thread_id)), WITHIN_S
    ), comments(house, thread_id)
    return next(text for text in comments(house, thread_id) if words in text)
