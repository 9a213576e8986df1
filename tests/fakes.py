"""Fakes of ports that several tests share."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

START_MS = 1_780_000_000_000


class FakeClock:
    """A clock that moves only when told; advancing it wakes the sleepers that are due, in order."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._start_ms = now_ms
        self._elapsed_s = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._start_ms + round(self._elapsed_s * 1000)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many tasks sleep on this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move time on; each sleeper runs at its own moment, also those that start on the way."""
        target = self._elapsed_s + seconds
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            self._elapsed_s = max(self._elapsed_s, due)
            if not woken.done():
                woken.set_result(None)
                await _let_others_run()
        self._elapsed_s = target
        await _let_others_run()

    async def until_sleeping(self, tasks: int = 1) -> None:
        """Wait until so many tasks sleep on this clock."""
        while self.sleeping < tasks:  # noqa: ASYNC110 - other tasks must run for it to come true
            await asyncio.sleep(0)


async def _let_others_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
