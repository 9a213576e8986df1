"""The floor: aiohttp, one signature check, the one call that cannot be avoided, an answer.

It writes nothing down, keeps no order and repeats nothing: what it costs, every bridge costs.
Run as `python -m benchmarks.floor PORT VENDOR_PORT`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import sys
from collections.abc import AsyncIterator

import aiohttp
import orjson
import uvloop
from aiohttp import web

from benchmarks.traffic import FLOOR_SECRET

_SESSION = web.AppKey("session", aiohttp.ClientSession)
_VENDOR = web.AppKey("vendor", str)


async def message(request: web.Request) -> web.Response:
    """Check, pass on, answer."""
    body = await request.read()
    stamp = request.headers["x-timestamp"]
    source = f"POST{request.path}".encode() + body + stamp.encode()
    expected = base64.b64encode(hmac.digest(FLOOR_SECRET, source, "sha256"))
    if not hmac.compare_digest(expected, request.headers["x-signature"].encode()):
        return web.Response(status=401)
    key = orjson.loads(body)["message"]["id"]
    async with request.app[_SESSION].post(
        request.app[_VENDOR], data=orjson.dumps({"key": key}), headers={"authorization": "Bearer x"}
    ) as answer:
        await answer.read()
    return web.json_response({})


async def health(_: web.Request) -> web.Response:
    """Answer `ok`."""
    return web.Response(text="ok")


async def _life(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        app[_SESSION] = session
        yield


async def serve(port: int, vendor_port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app[_VENDOR] = f"http://127.0.0.1:{vendor_port}/floor"
    app.cleanup_ctx.append(_life)
    app.add_routes([web.post("/message", message), web.get("/health", health)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
