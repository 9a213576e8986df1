"""The running server's doors as targets: no input may end in a failure that is ours.

What the protocol of Botpress answers with 500 (a header that is missing, say) is a refusal with a
code of ours; a foreign exception anywhere, in a request or behind it, is a finding.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from tests.flows.conftest import DEFINITION, House
from tests.flows.test_bad_input import operation_headers, secret, webhook_url
from tests.fuzz.targets import OPERATIONS, WEBHOOKS, Target

from hubspot_hitl.hubspot.signature import signed_headers_v3
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage
from hubspot_hitl.web.routes import ROUTES

WITHIN_S = 20.0
_CRASHES = {"request_failed", "after_answer_failed"}


class Doors:
    """A server between both twins, on a thread of its own, and what it said of its failures."""

    def __init__(self) -> None:
        self.crashes: list[MutableMapping[str, Any]] = []
        self.house: House
        self._connection: http.client.HTTPConnection | None = None

    def listen(self) -> None:
        """Hear of failures from now on; what is logged goes nowhere else."""
        structlog.configure(processors=[self.note], cache_logger_on_first_use=False)

    def note(self, _logger: object, _name: str, entry: MutableMapping[str, Any]) -> str:
        """A structlog processor that keeps failures nobody foresaw."""
        code = entry.get("error_code") or entry.get("code")
        if "where" in entry or code == "internal_error" or entry["event"] in _CRASHES:
            self.crashes.append(dict(entry))
        raise structlog.DropEvent

    def call(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST over a connection that is kept; the status."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, WITHIN_S)
        try:
            self._connection.request("POST", path, body, dict(headers))
            answer = self._connection.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError):
            self.hang_up()
            raise
        if answer.will_close:
            self.hang_up()
        return answer.status

    def hang_up(self) -> None:
        """Close the kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def raw(self, request: bytes) -> int:
        """Send these very bytes, and no more; the status, 0 when the connection was closed."""
        with socket.create_connection(("127.0.0.1", self._port), WITHIN_S) as end:
            end.sendall(request)
            end.shutdown(socket.SHUT_WR)
            head = end.recv(100)
        return int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/") else 0

    def judge(self, status: int) -> None:
        """Raise when something crashed, or the server said that it was its own fault."""
        crashes, self.crashes = self.crashes, []
        if crashes:
            raise AssertionError(f"status {status}: {crashes[0]}")

    def operation(self, data: bytes) -> None:
        """`operation`, a line end, and the body: in Botpress's name."""
        name, _, body = data.partition(b"\n")
        text = "".join(c for c in name.decode("latin-1") if c.isprintable())
        self.judge(self.call("/", operation_headers(self.house, text), body))

    def webhook(self, data: bytes) -> None:
        """The body of a webhook, signed as HubSpot signs."""
        url = webhook_url(self.house)
        headers = signed_headers_v3("POST", url, data, int(time.time() * 1000), secret(self.house))
        status = self.call(url.removeprefix(self.house.url), headers, data)
        self.judge(status)
        if status >= 500:
            raise AssertionError(f"status {status}")

    def anything(self, data: bytes) -> None:
        """A whole request, as it is on the wire."""
        self.judge(self.raw(data))

    @property
    def _port(self) -> int:
        return int(self.house.url.rsplit(":", 1)[1])

    async def open(self, folder: Path, changes: Mapping[str, object]) -> None:
        """Start twins and server."""
        self.stage = Stage(
            HubSpotOptions(rate_limit=None, hook_retry_base_s=0.05),
            BotpressOptions(rate_limit_per_s=None),
            definition=DEFINITION,
        )
        await self.stage.start()
        self.house = House(self.stage, folder, dict(changes))
        await self.house.open()
        await self.stage.install(self.house.url)

    async def close(self) -> None:
        """Stop them."""
        await self.house.close()
        await self.stage.stop()


@contextmanager
def doors(**changes: object) -> Generator[tuple[Doors, Mapping[str, Target]]]:
    """The server, with changed settings if wanted, and its doors, by name."""
    it, loop = Doors(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="doors", daemon=True)
    thread.start()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it tells each damaged request
    it.listen()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            asyncio.run_coroutine_threadsafe(it.open(Path(folder), changes), loop).result(60)
            yield it, _targets(it)
        finally:
            it.hang_up()
            asyncio.run_coroutine_threadsafe(it.close(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            structlog.reset_defaults()
            logging.getLogger("aiohttp.server").setLevel(logging.NOTSET)


def _targets(it: Doors) -> Mapping[str, Target]:
    requests = tuple(
        f"{method} {route.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\nConnection: close\r\n\r\n{}".encode()
        for route in ROUTES
        for method in (("GET", "POST") if route.method == "*" else (route.method,))
    )
    return {
        "door operation": Target(it.operation, OPERATIONS),
        "door webhook": Target(it.webhook, WEBHOOKS),
        "door request": Target(it.anything, requests),
    }
