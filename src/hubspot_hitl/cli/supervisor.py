"""Tells systemd how the process stands: ready, alive, stopping. Without a supervisor, nothing.

Protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who started this process. `address` is a Unix socket (`@` first: an abstract one) or None.

    With `watchdog_s`, the process is killed when it has said nothing for so long.
    """

    address: str | None = None
    watchdog_s: float | None = None

    def tell(self, state: str) -> None:
        """Send one state. A supervisor that cannot be told is logged: it acts by its own rules."""
        if self.address is None:
            return
        path = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(state.encode(), path)
        except OSError as error:
            log.warning("supervisor_not_told", state=state, error=error.strerror)

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Ready now; alive as long as the event loop turns; stopping at the end."""
        self.tell("READY=1")
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self.tell("STOPPING=1")
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    async def _beat(self) -> None:
        while self.watchdog_s is not None:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 3)
