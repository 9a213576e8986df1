"""The real clock, for everything but tests."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The :class:`~hubspot_hitl.ports.clock.Clock` of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once, but after giving way, when they are not positive."""
        await asyncio.sleep(max(0.0, seconds))
