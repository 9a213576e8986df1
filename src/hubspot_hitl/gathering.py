"""Reads that come while one is under way share the next one: one round trip for a whole burst.

Nothing is kept: every caller gets what a query found that began after the call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K")
T = TypeVar("T")
_MOST: Final = 500
_KEPT: Final = 10_000


@dataclass(slots=True)
class _Batch(Generic[K, T]):
    answer: asyncio.Future[T]
    keys: dict[K, None] = field(default_factory=dict)


class Gathering(Generic[K, T]):
    """Asks `read` for the keys of everybody who waits; each gets the whole answer."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[T]]) -> None:
        self._read = read
        self._waiting: deque[_Batch[K, T]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def get(self, keys: Collection[K]) -> T:
        """The answer of a query that begins after this call and asks for `keys`, among others.

        Cancelling one caller takes the answer from nobody else. Raises what `read` raises.
        """
        if not self._waiting or len(self._waiting[-1].keys) >= _MOST:
            answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_seen)
            self._waiting.append(_Batch(answer))
        batch = self._waiting[-1]
        batch.keys.update(dict.fromkeys(keys))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="gathering")
        return await asyncio.shield(batch.answer)

    async def _run(self) -> None:
        while self._waiting:
            batch = self._waiting.popleft()
            try:
                found = await self._read(list(batch.keys))
            except Exception as error:
                batch.answer.set_exception(error)
            except BaseException:
                batch.answer.cancel()
                raise
            else:
                batch.answer.set_result(found)


class SharedReads(Generic[T]):
    """Reads of single things, each shared by all who ask for it while another read is under way.

    So a copy that grows too old costs one read, however many messages find out at once; what is
    wrong with one thing is told only to those who ask for it.
    """

    def __init__(self, read: Callable[[str], Awaitable[T]]) -> None:
        self._read = read
        self._gathered: LRUCache[str, Gathering[str, T]] = LRUCache(_KEPT)

    async def get(self, key: str) -> T:
        """What a read of `key` says that began after this call. Raises what `read` raises."""
        gathering = self._gathered.get(key)
        if gathering is None:
            gathering = self._gathered[key] = Gathering(lambda _: self._read(key))
        return await gathering.get([key])


def _seen(answer: asyncio.Future[T]) -> None:
    """Everybody who waited may be gone: an error is no news then."""
    if not answer.cancelled():
        answer.exception()
