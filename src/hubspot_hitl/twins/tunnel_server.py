"""A stand-in for Botpress's development tunnel: the head, on a local port.

Requests to `http://.../<id>` go as frames to the WebSocket that holds `ws://.../<id>`. Close codes
and frames: @bpinternal/tunnel. What the real service answers when nobody holds an id is unknown;
here it is 404.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Final

import orjson
from aiohttp import WSMsgType, web

from hubspot_hitl.twins.host import Host
from hubspot_hitl.twins.wire import Json, parse_object

_ID = re.compile(r"[\w|-]+", re.ASCII)
_BAD_ID: Final = 4000
_ID_IN_USE: Final = 4001
_BAD_RESPONSE: Final = 4002
_ANSWER_TIMEOUT_S: Final = 30.0


class TunnelServer:
    """Many tunnels on one port. `hellos` counts the ones heard, by tunnel."""

    def __init__(self) -> None:
        self.url = ""
        self.hellos: dict[str, int] = {}
        self.connections = 0
        self._host = Host()
        self._tails: dict[str, web.WebSocketResponse] = {}
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._changed = asyncio.Condition()
        self._ids = itertools.count(1)

    @property
    def socket_url(self) -> str:
        """Where tails connect, without the tunnel's id."""
        return self.url.replace("http", "ws", 1)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the public address, without the tunnel's id."""
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/{id}{tail:(/.*)?}", self._enter)
        self.url = await self._host.start(app, host, port)
        return self.url

    async def stop(self) -> None:
        """Stop listening and drop every tunnel."""
        for tunnel_id in list(self._tails):
            await self.drop(tunnel_id)
        await self._host.stop()

    async def held(self, tunnel_id: str, connection: int = 1) -> None:
        """Return when somebody holds the tunnel, on at least the `connection`th connection."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: tunnel_id in self._tails and self.connections >= connection
            )

    async def heard(self, tunnel_id: str, hellos: int) -> None:
        """Return when the tunnel has said hello so often."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.hellos.get(tunnel_id, 0) >= hellos)

    async def drop(self, tunnel_id: str, code: int = 1001) -> None:
        """Close the tunnel's connection."""
        await self._tails[tunnel_id].close(code=code)

    async def send(self, tunnel_id: str, text: str) -> None:
        """Send a frame as it is."""
        await self._tails[tunnel_id].send_str(text)

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._hold(request)
        return await self._ask(request)

    async def _hold(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=32 * 1024 * 1024)
        await socket.prepare(request)
        tunnel_id = request.match_info["id"]
        if not _ID.fullmatch(tunnel_id) or request.match_info["tail"]:
            await socket.close(code=_BAD_ID, message=b"invalid url")
            return socket
        if tunnel_id in self._tails:
            await socket.close(code=_ID_IN_USE, message=b"tunnel id conflict")
            return socket
        self.connections += 1
        await self._note(tunnel_id, socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT and not await self._hear(tunnel_id, message.data):
                    await socket.close(code=_BAD_RESPONSE, message=b"invalid response payload")
        finally:
            await self._note(tunnel_id, None)
        return socket

    async def _note(self, tunnel_id: str, socket: web.WebSocketResponse | None) -> None:
        async with self._changed:
            if socket is None:
                self._tails.pop(tunnel_id, None)
            else:
                self._tails[tunnel_id] = socket
            self._changed.notify_all()

    async def _hear(self, tunnel_id: str, text: str) -> bool:
        """Take a frame of a tail; False when it is none."""
        frame = parse_object(text.encode())
        if frame is None:
            return False
        if frame.get("type") == "hello":
            async with self._changed:
                self.hellos[tunnel_id] = self.hellos.get(tunnel_id, 0) + 1
                self._changed.notify_all()
            return True
        id_, status, body = frame.get("requestId"), frame.get("status"), frame.get("body", "")
        if not isinstance(id_, str) or type(status) is not int or not isinstance(body, str):
            return False
        waiting = self._waiting.pop(id_, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(frame)
        return True

    async def _ask(self, request: web.Request) -> web.Response:
        tail = self._tails.get(request.match_info["id"])
        if tail is None:
            return web.Response(status=404, text="nobody holds this tunnel")
        id_ = f"req_{next(self._ids)}"
        frame: Json = {
            "type": "request",
            "id": id_,
            "method": request.method,
            "path": request.match_info["tail"] or "/",
            "query": request.query_string,
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
        if request.body_exists:
            frame["body"] = await request.text()
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = waiting
        try:
            await tail.send_str(orjson.dumps(frame).decode())
            said = await asyncio.wait_for(waiting, _ANSWER_TIMEOUT_S)
        except TimeoutError:
            return web.Response(status=504, text="the tail gave no answer")
        except ConnectionError:
            return web.Response(status=502, text="the tail is gone")
        finally:
            self._waiting.pop(id_, None)
        return web.Response(
            status=said["status"], headers=said.get("headers") or {}, text=said.get("body")
        )
