"""Both vendors as a process of their own, as fast as can be: `python -m benchmarks.vendors PORT`.

They answer what the main path asks, after a set time, and write down when each message arrived.
What they answer is the shape the twins answer; that it is right is the twins' business. A thread's
history shows what the load is about to say in it, as HubSpot's would.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from typing import cast
from urllib.parse import parse_qs

import orjson
import uvloop

_PUBLISH = re.compile(rb'"integrationIdempotencyId"\s*:\s*"([^"]+)"')
_TAG = re.compile(rb'"tags"\s*:\s*\{[^}]*"id"\s*:\s*"([^"]+)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


class World:
    """What arrived when, and how long an answer takes."""

    def __init__(self) -> None:
        self.seen_ns: dict[str, int] = {}
        self.calls: Counter[str] = Counter()
        self.repeated = 0
        self.hubspot_s = 0.0
        self.botpress_s = 0.0
        self.number = 0
        self.threads: dict[str, list[dict[str, object]]] = {}
        self.said: dict[str, int] = {}

    def history(self, thread_id: str) -> list[dict[str, object]]:
        """A thread's messages, newest first: those that arrived, and the one now on its way."""
        messages = self.threads.get(thread_id, [])
        said = self.said.get(thread_id, 0)
        while said < len(messages) and messages[said]["id"] in self.seen_ns:
            said += 1
        self.said[thread_id] = said
        return messages[max(0, said - 49) : said + 1][::-1]

    def arrived(self, key: str) -> None:
        """A message is here; a second time is counted, not timed."""
        if key in self.seen_ns:
            self.repeated += 1
        self.seen_ns.setdefault(key, time.monotonic_ns())

    def answer(self, method: str, target: str, body: bytes) -> tuple[float, int, bytes]:
        """Seconds to wait, status, body."""
        path, _, query = target.partition("?")
        if path.startswith("/_bench/"):
            return 0.0, 200, self._control(path, query, body)
        if path == "/floor":
            self.calls["floor"] += 1
            self.arrived(str(orjson.loads(body)["key"]))
            return self.hubspot_s, 200, b"{}"
        if path.startswith("/v1/"):
            return (self.botpress_s, *self._botpress(method, path, body))
        return (self.hubspot_s, *self._hubspot(method, path, body))

    def _botpress(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith("/messages/get-or-create"):
            self.calls["botpress create message"] += 1
            found = _TAG.search(body)
            if found:
                self.arrived(found.group(1).decode())
            self.number += 1
            return 200, b'{"message":{"id":"msg_%d"},"meta":{"created":true}}' % self.number
        if method == "PUT" and "/messages/" in path:
            self.calls["botpress tag message"] += 1
            return 200, b'{"message":{"id":"x"}}'
        self.calls[f"botpress {method} {_kind(path)}"] += 1
        if path.endswith("/events"):
            return 200, b'{"event":{"id":"evt_1"},"events":[],"meta":{}}'
        return 200, b'{"user":{"id":"user_1","tags":{}},"meta":{"created":false}}'

    def _hubspot(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method == "POST" and path.endswith("/messages"):
            self.calls["hubspot publish"] += 1
            found = _PUBLISH.search(body)
            if found:
                self.arrived(found.group(1).decode())
            self.number += 1
            answer = b'{"id":"hm%d","conversationsThreadId":"1"}' % self.number
            return 201, answer
        if method == "PATCH" and "/messages/" in path:
            self.calls["hubspot receipt"] += 1
            return 200, b"{}"
        if method == "GET" and path.endswith("/messages"):
            self.calls["hubspot read thread"] += 1
            return 200, orjson.dumps({"results": self.history(path.split("/")[-2])})
        self.calls[f"hubspot {method} {_kind(path)}"] += 1
        if path.endswith("/token"):
            form = parse_qs(body.decode())
            number = form["refresh_token"][0].rpartition("-")[2]
            token = {
                "access_token": f"access-{number}",
                "refresh_token": f"refresh-{number}",
                "expires_in": 1800,
                "hub_id": int(number),
                "token_type": "bearer",
            }
            return 200, orjson.dumps(token)
        if "/actors/" in path:
            return 200, b'{"id":"A-1","type":"AGENT","name":"Ada"}'
        return 200, b'{"id":"1","results":[],"status":"OPEN"}'

    def _control(self, path: str, query: str, body: bytes) -> bytes:
        name = path.rpartition("/")[2]
        if name == "reset":
            self.seen_ns.clear()
            self.calls.clear()
            self.repeated = 0
            self.threads, self.said = orjson.loads(body) if body else {}, {}
        elif name == "latency":
            values = parse_qs(query)
            self.hubspot_s = float(values["hubspot"][0])
            self.botpress_s = float(values["botpress"][0])
        elif name == "count":
            busy = {"seen": len(self.seen_ns), "calls": self.calls.total()}
            return orjson.dumps(busy)
        elif name == "seen":
            report = {"seen": self.seen_ns, "calls": self.calls, "repeated": self.repeated}
            return orjson.dumps(report)
        return b"{}"


def _kind(path: str) -> str:
    """The path without its ids."""
    return "/".join(part for part in path.split("/") if not re.search(r"\d", part))


class Responder(asyncio.Protocol):
    """HTTP/1.1 with kept connections; requests with Content-Length only."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            found = _LENGTH.search(head)
            size = int(found.group(1)) if found else 0
            if len(self._buffer) < end + 4 + size:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + size])
            del self._buffer[: end + 4 + size]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            wait_s, status, answer = self._world.answer(method, target, body)
            raw = (
                b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % (status, len(answer))
            ) + answer
            if wait_s:
                asyncio.get_running_loop().call_later(wait_s, self._write, raw)
            else:
                self._write(raw)

    def _write(self, raw: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(raw)


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    world = World()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Responder(world), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
