"""Our end of Botpress's development tunnel: no public address is needed.

Botpress calls `https://tunnel.../<id>`; the tunnel hands the request to whoever holds a WebSocket
to `wss://tunnel.../<id>`, and that is :class:`TunnelTail`. It comes back after every failure, with
growing pauses, except when another process holds the same id. Protocol: @bpinternal/tunnel.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import structlog
from yarl import URL

from hubspot_hitl.botpress.frames import (
    HELLO,
    Answer,
    CloseCode,
    RequestFrame,
    end_to_end,
    parse_frame,
    request_id_of,
    response_text,
)
from hubspot_hitl.errors import BadSettings, CallerError, InvalidPayload
from hubspot_hitl.ports.clock import Clock

log = structlog.get_logger(__name__)

Forward = Callable[[RequestFrame], Awaitable[Answer]]

HELLO_EVERY_S: Final = 5.0
SETTLED_AFTER_S: Final = 0.3
"""A tunnel that refuses an id accepts the connection first and closes it at once."""
LONGEST_PAUSE_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5
_STEADY_S: Final = 30.0
_PING_EVERY_S: Final = 30.0
_MOST_FRAME_BYTES: Final = 32 * 1024 * 1024
_CONCURRENCY: Final = 64
_ID = re.compile(r"[\w-]+", re.ASCII)


def public_address(tunnel_url: str, tunnel_id: str) -> str:
    """Where Botpress reaches the tunnel: the same host over http.

    >>> public_address("wss://tunnel.botpress.cloud", "abc")
    'https://tunnel.botpress.cloud/abc'
    """
    return f"{re.sub('^ws', 'http', tunnel_url.rstrip('/'))}/{tunnel_id}"


class TunnelTail:
    """Holds one tunnel and answers what comes through it, many requests at a time.

    `connected` is set while the tunnel is ours. Raises BadSettings for an unusable id.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        tunnel_url: str,
        tunnel_id: str,
        forward: Forward,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if not _ID.fullmatch(tunnel_id):
            raise BadSettings(f"the tunnel id {tunnel_id!r} may hold letters, digits, _ and - only")
        self.connected = asyncio.Event()
        self._session = session
        self._url = f"{tunnel_url.rstrip('/')}/{tunnel_id}"
        self._tunnel_id = tunnel_id
        self._forward = forward
        self._clock = clock
        self._jitter = jitter
        self._gate = asyncio.Semaphore(_CONCURRENCY)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Hold the tunnel until cancelled.

        Raises CallerError when another process holds the id, or the tunnel refuses it.
        """
        failures = 0
        try:
            while True:
                began = self._clock.monotonic()
                why = await self._connection()
                steady = self._clock.monotonic() - began >= _STEADY_S
                failures = 0 if steady else failures
                pause_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 10))
                pause_s *= 0.75 + 0.5 * self._jitter()
                failures += 1
                log.warning("tunnel_lost", why=why, again_in_s=round(pause_s, 1))
                await self._clock.sleep(pause_s)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _connection(self) -> str:
        """Connect and serve until the connection ends; returns why it did."""
        try:
            async with self._session.ws_connect(
                self._url,
                # The tunnel's firewall lets its own client through; it calls itself this.
                headers={"user-agent": "tunnel-client"},
                heartbeat=_PING_EVERY_S,
                max_msg_size=_MOST_FRAME_BYTES,
            ) as socket:
                return await self._serve(socket)
        except aiohttp.WSServerHandshakeError as error:
            return f"handshake refused with {error.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__
        finally:
            self.connected.clear()

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        hello = asyncio.create_task(self._say_hello(socket))
        try:
            async for message in socket:
                if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    self._take(socket, message.data)
        finally:
            hello.cancel()
            await asyncio.gather(hello, return_exceptions=True)
        match socket.close_code:
            case CloseCode.ID_IN_USE:
                raise CallerError(
                    f"the tunnel id {self._tunnel_id!r} is in use: stop the other"
                    " `hubspot-hitl dev`, or take another id with --tunnel-id"
                )
            case CloseCode.BAD_ID:
                raise CallerError(f"the tunnel refuses the id {self._tunnel_id!r}: take another")
            case code:
                return f"closed with {code}"

    async def _say_hello(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await self._clock.sleep(SETTLED_AFTER_S)
        log.info("tunnel_open")
        self.connected.set()
        with contextlib.suppress(ConnectionError):  # the reader sees the end of the connection too
            while True:
                await self._clock.sleep(HELLO_EVERY_S)
                await socket.send_str(HELLO)

    def _take(self, socket: aiohttp.ClientWebSocketResponse, text: str | bytes) -> None:
        """Start to answer one frame; what is no frame is answered 502 where it names a request."""
        try:
            request = parse_frame(text)
        except InvalidPayload as error:
            log.warning("tunnel_frame_unreadable", why=error.message)
            if (id_ := request_id_of(text)) is not None:
                self._start(self._say(socket, id_, _bad_gateway("the request is unreadable")))
            return
        if request is not None:
            self._start(self._answer(socket, request))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, request: RequestFrame) -> None:
        try:
            async with self._gate:
                answer = await self._forward(request)
        except Exception:  # one request must not end the tunnel for all others
            log.exception("tunnel_request_failed", method=request.method)
            answer = _bad_gateway("the local server could not be asked")
        await self._say(socket, request.id, answer)

    async def _say(
        self, socket: aiohttp.ClientWebSocketResponse, request_id: str, answer: Answer
    ) -> None:
        try:
            await socket.send_str(response_text(request_id, answer))
        except ConnectionError as error:
            # Whoever asked gets no answer and asks again; operations may be repeated.
            log.warning("tunnel_answer_lost", status=answer.status, why=type(error).__name__)


class LocalServer:
    """Forwards requests of the tunnel to a server on this machine.

    Method, headers and body arrive as they were sent. The path does not: whatever the tunnel's
    address looks like, operations go to `/` and probes to `/health`, so that nothing else of the
    server is reachable from outside.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, *, timeout_s: float = 65.0
    ) -> None:
        self._session = session
        self._base = URL(base_url.rstrip("/") + "/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __call__(self, request: RequestFrame) -> Answer:
        """The server's answer, or a 502 that says why there is none."""
        health = request.path.rstrip("/").endswith("/health")
        try:
            async with self._session.request(
                request.method,
                self._base / "health" if health else self._base,
                headers=end_to_end(request.headers.items()),
                data=None if request.body is None else request.body.encode(),
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                raw = await response.read()
                headers = end_to_end(response.headers.items())
                return Answer(response.status, headers, raw.decode())
        except UnicodeDecodeError:
            return _bad_gateway("the answer is not text, and the tunnel carries nothing else")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning("tunnel_forward_failed", why=type(error).__name__)
            return _bad_gateway("the local server gave no answer")


def _bad_gateway(why: str) -> Answer:
    return Answer(502, {"content-type": "text/plain; charset=utf-8"}, f"hubspot-hitl dev: {why}")
