"""Serves the demo page on loopback: one HTML file, its script and style, verbs and a live stream.

Only this machine's browser may use it: a foreign `Host` (DNS rebinding) and a foreign `Origin` are
refused, and nothing is ever loaded from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.host import Host
from hubspot_hitl.twins.hubspot.control import VERBS
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.pages.feed import Feed
from hubspot_hitl.twins.pages.page import DemoPage, Upload
from hubspot_hitl.twins.wire import Json, answer, parse_object

MOST_BODY_BYTES = 20 * 1024 * 1024
LONGEST_TEXT = 20_000
TICK_S = 10.0
_ASSETS = {
    "demo.css": "text/css",
    "demo.js": "text/javascript",
}
_VERBS = frozenset(
    {"assign", "unassign", "reply", "comment", "close", "reopen", "archive", "restore"}
)


class BadRequestError(Exception):
    """A call of the page that cannot be understood."""


class PageServer:
    """The demo page on a port. `url` has no trailing slash."""

    def __init__(self, page: DemoPage) -> None:
        self._page = page
        self._host = Host()
        self._folder = files("hubspot_hitl.twins.pages") / "assets"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and follow the twins; port 0 takes a free one. Returns the address."""
        self._page.start()
        self._page.url = await self._host.start(self.application(), host, port)
        return self._page.url

    async def stop(self) -> None:
        """Stop listening and give up what is under way."""
        await self._host.stop()
        await self._page.stop()

    def application(self) -> web.Application:
        """A new aiohttp application over the page."""
        app = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/assets/{name}", self._asset),
                web.get("/files/{key}", self._user_file),
                web.get("/inbox-files/{portal}/{file}", self._inbox_file),
                web.get("/api/state", self._state),
                web.get("/events", self._events),
                web.post("/api/chats", self._open),
                web.post("/api/chats/{chat}/say", self._say),
                web.post("/api/chats/{chat}/upload", self._upload),
                web.post("/api/chats/{chat}/handoff", self._handoff),
                web.post("/api/chats/{chat}/stop", self._stop),
                web.post("/api/threads/{thread}/upload", self._attach),
                web.post("/api/threads/{thread}/{verb}", self._act),
                web.post("/api/switches/{name}", self._switch),
                web.post("/api/crash", self._crash),
                web.post("/api/play", self._play),
            ]
        )
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse other hosts and sites; put the page's policy on every answer."""
        name = urlsplit(f"//{request.host}").hostname
        origin = request.headers.get("Origin")
        # The integration fetches the user's files from here; everything else is the browser's.
        if name not in {"127.0.0.1", "localhost", "::1"}:
            return _refused(403, "open the page by the address that the demo printed")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return _refused(403, "calls come from the page itself only")
        try:
            response = await handler(request)
        except KeyError as error:
            return _refused(404, f"not known: {error}")
        except (BadRequestError, TypeError, ValueError) as error:
            return _refused(400, str(error))
        except ApiError as error:
            return error.response()
        if not response.prepared:
            response.headers.setdefault("Content-Security-Policy", self._policy())
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cache-Control"] = "no-store"
        return response

    def _policy(self) -> str:
        twins = f"{self._page.stage.hubspot.url} {self._page.stage.botpress.url}"
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            f" img-src 'self' data: {twins}; media-src 'self' {twins};"
            " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    # -- what is read

    async def _index(self, request: web.Request) -> web.Response:
        return self._file("demo.html", "text/html")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return self._file(name, _ASSETS[name])

    def _file(self, name: str, content_type: str) -> web.Response:
        body = (self._folder / name).read_bytes()
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    async def _state(self, request: web.Request) -> web.Response:
        return answer(self._page.state(request.query.get("chat")))

    async def _user_file(self, request: web.Request) -> web.Response:
        upload = self._page.uploads[request.match_info["key"]]
        return _download(upload.content, upload.content_type)

    async def _inbox_file(self, request: web.Request) -> web.Response:
        portal = self._page.stage.hubspot.world.portals[request.match_info["portal"]]
        stored = portal.files[request.match_info["file"]]
        return _download(stored.content, stored.content_type)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The timeline as server-sent events; `Last-Event-ID` or `?after=` says where to go on."""
        last = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        feed = self._page.feed
        with feed.follow() as queue:
            earlier = feed.after(last)  # nothing can come between these two: each entry goes once
            await response.prepare(request)
            with contextlib.suppress(ConnectionResetError):
                await response.write(b"retry: 1000\n\n")
                for entry in earlier:
                    await response.write(_event(feed, entry))
                while True:
                    await response.write(await _next(feed, queue))
        return response

    # -- the user's side

    async def _open(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = body.get("name")
        return answer({"id": self._page.open_chat(_text(name) if name else None).id})

    async def _say(self, request: web.Request) -> web.Response:
        text = _text((await _body(request)).get("text"))
        return answer({"id": self._page.stage.botpress.plugin.say(self._chat(request), text)})

    async def _upload(self, request: web.Request) -> web.Response:
        upload = Upload(
            request.query.get("name", "file")[:200], await request.read(), request.content_type
        )
        return answer({"id": self._page.upload(self._chat(request), upload)})

    async def _handoff(self, request: web.Request) -> web.Response:
        self._page.begin_handoff(self._chat(request))
        return answer({"ok": True}, 202)

    async def _stop(self, request: web.Request) -> web.Response:
        await self._page.stage.botpress.plugin.stop_hitl(self._chat(request))
        return answer({"ok": True})

    # -- the agent's side

    async def _act(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        if verb not in _VERBS:
            raise KeyError(verb)
        body = await _body(request)
        if verb in ("reply", "comment"):
            body["text"] = _text(body.get("text"))
        agents = self._page.stage.hubspot.agents
        return answer({"id": VERBS[verb](agents, request.match_info["thread"], body)})

    async def _attach(self, request: web.Request) -> web.Response:
        """The agent sends a file: the body's bytes, named in the query."""
        agents, thread = self._page.stage.hubspot.agents, request.match_info["thread"]
        kind = request.content_type.partition("/")[0]
        usage = {"image": "IMAGE", "audio": "AUDIO"}.get(kind, "OTHER")
        name = request.query.get("name", "file")[:200]
        item = agents.attach(thread, name, await request.read(), request.content_type, usage)
        return answer({"id": agents.reply(thread, request.query["agent"], "", None, [item])})

    # -- faults and the play

    async def _switch(self, request: web.Request) -> web.Response:
        on = (await _body(request)).get("on")
        if not isinstance(on, bool):
            raise BadRequestError("on is true or false")
        self._page.switches.put(request.match_info["name"], on)
        return answer(self._page.switches.as_json())

    async def _crash(self, request: web.Request) -> web.Response:
        self._page.begin_crash()
        return answer({"ok": True}, 202)

    async def _play(self, request: web.Request) -> web.Response:
        chat = self._page.begin_play()
        return answer({"chat": chat.id if chat else None}, 202 if chat else 409)

    def _chat(self, request: web.Request) -> Chat:
        return self._page.chat(request.match_info["chat"])


def _event(feed: Feed, entry: Json) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (feed.mark(entry).encode(), orjson.dumps(entry))


async def _next(feed: Feed, queue: asyncio.Queue[Json]) -> bytes:
    """The next event, or a comment that keeps the connection from looking dead."""
    try:
        return _event(feed, await asyncio.wait_for(queue.get(), TICK_S))
    except TimeoutError:
        return b": still here\n\n"


def _download(content: bytes, content_type: str) -> web.Response:
    """A stranger's file: shown inside the page or saved, never run."""
    return web.Response(
        body=content,
        headers={
            "Content-Type": content_type,
            "Content-Disposition": "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _refused(status: int, why: str) -> web.Response:
    return answer({"error": why}, status)


async def _body(request: web.Request) -> Json:
    if request.content_type != "application/json":
        raise BadRequestError("JSON is expected")  # a cross-site form cannot send that
    found = parse_object(await request.read() or b"{}")
    if found is None:
        raise BadRequestError("a JSON object is expected")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
        raise BadRequestError(f"a text of 1 to {LONGEST_TEXT} characters is expected")
    return value
