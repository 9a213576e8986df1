"""A clock that stands still until a test moves it, and then wakes who slept long enough."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

START_MS = 1_760_000_000_000


class FakeClock:
    """Time in a test's hand. With `auto` a sleep moves the clock itself and returns at once."""

    def __init__(self, *, auto: bool = False) -> None:
        self._now = 1_000.0
        self._auto = auto
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return START_MS + round((self._now - 1_000.0) * 1000)

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._auto:
            self._now += seconds
            await asyncio.sleep(0)
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), waking))
        await waking

    def advance(self, seconds: float) -> None:
        """Let time pass; sleepers wake in the order of their time."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now + 1e-9:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)

    async def settle(self) -> None:
        """Let everything run that can run without time passing."""
        for _ in range(20):
            await asyncio.sleep(0)
