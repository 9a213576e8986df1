"""A load generator's HTTP: requests made beforehand, sent over kept connections, answers timed.

Not a general client: one request at a time per connection, answers with Content-Length only. An
ordinary client would cost more than what is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast


def request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of a request to loopback."""
    lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class _Connection(asyncio.Protocol):
    """One connection and the answer it waits for."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def ask(self, raw: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future is its status and body."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the server has closed the connection")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + size:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + size])
        del self._buffer[: end + 4 + size]
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("closed"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class Outcome:
    """What a load met. Times in nanoseconds of the machine's monotonic clock."""

    began_ns: int
    ended_ns: int = 0
    ack_ns: list[int] = field(default_factory=list[int])
    sent_ns: dict[str, int] = field(default_factory=dict[str, int])
    refused: int = 0

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return (self.ended_ns - self.began_ns) / 1e9


class Client:
    """Kept connections to one port of loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[_Connection] = deque()

    async def warm(self, connections: int) -> None:
        """Open connections ahead of the measuring."""
        for _ in range(connections):
            self._idle.append(await self._open())

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Connection, "127.0.0.1", self._port))[1]

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """One request and its answer."""
        connection = self._idle.pop() if self._idle else await self._open()
        answer = await connection.ask(raw)
        self._idle.append(connection)
        return answer

    async def open_loop(self, requests: Sequence[tuple[str, bytes]], per_s: float) -> Outcome:
        """Send at fixed moments, whatever the answers do; times count from the fixed moment."""
        out = Outcome(time.monotonic_ns())
        step_ns = 1e9 / per_s
        tasks: list[asyncio.Task[None]] = []
        for number, (key, raw) in enumerate(requests):
            due_ns = out.began_ns + int(number * step_ns)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                await asyncio.sleep(wait_ns / 1e9)
            tasks.append(asyncio.create_task(self._timed(out, key, raw, time.monotonic_ns())))
        await asyncio.gather(*tasks)
        out.ended_ns = time.monotonic_ns()
        return out

    async def closed_loop(self, requests: Sequence[tuple[str, bytes]], workers: int) -> Outcome:
        """So many workers, each sending its next request when the answer has come."""
        out = Outcome(time.monotonic_ns())
        rest = iter(requests)

        async def work() -> None:
            for key, raw in rest:
                await self._timed(out, key, raw, time.monotonic_ns())

        await asyncio.gather(*(work() for _ in range(workers)))
        out.ended_ns = time.monotonic_ns()
        return out

    async def _timed(self, out: Outcome, key: str, raw: bytes, due_ns: int) -> None:
        out.sent_ns[key] = due_ns
        status, _ = await self.ask(raw)
        out.ack_ns.append(time.monotonic_ns() - due_ns)
        if not 200 <= status < 300:
            out.refused += 1

    def close(self) -> None:
        """Hang up everywhere."""
        while self._idle:
            self._idle.pop().close()
