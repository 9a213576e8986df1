"""Runs an aiohttp application on a free port; both twins start and stop through it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from aiohttp import web


class Host:
    """One listening application. `url` has no trailing slash."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, app: web.Application, host: str, port: int) -> str:
        """Listen; port 0 takes a free one. Returns the address."""
        runner = web.AppRunner(
            app,
            access_log=None,
            max_field_size=65_536,
            max_line_size=65_536,
            shutdown_timeout=0.2,
        )
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        self._runner = runner
        self.url = f"http://{host}:{bound[1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening and drop open connections; harmless when not started."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class Twin(Protocol):
    """What a command needs of a twin."""

    url: str

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the address."""
        ...

    async def stop(self) -> None:
        """Stop listening."""
        ...


async def run_until_cancelled(twin: Twin, host: str, port: int) -> None:
    """Serve a twin until the surrounding task is cancelled (Ctrl-C)."""
    await twin.start(host, port)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    finally:
        await twin.stop()
