"""What happened in a twin, in order: calls, messages, deliveries, faults.

Tests read it, and the demo page follows it live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from hubspot_hitl.twins.wire import Json


class Journal:
    """An append-only list of entries `{seq, at_ms, kind, ...}` with live followers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._followers: set[asyncio.Queue[Json]] = set()
        self.entries: list[Json] = []

    def add(self, kind: str, **fields: object) -> None:
        """Append an entry."""
        entry: Json = {
            "seq": len(self.entries) + 1,
            "at_ms": int(self._clock() * 1000),
            "kind": kind,
            **fields,
        }
        self.entries.append(entry)
        for follower in self._followers:
            follower.put_nowait(entry)

    def since(self, seq: int, kind: str | None = None) -> list[Json]:
        """Entries after `seq`, optionally of one kind."""
        later = self.entries[max(seq, 0) :]
        return [entry for entry in later if kind is None or entry["kind"] == kind]

    @contextmanager
    def follow(self) -> Generator[asyncio.Queue[Json]]:
        """A queue that receives every entry added while the context is open."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)
