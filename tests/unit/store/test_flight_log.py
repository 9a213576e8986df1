from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from tests.fakes import FakeClock

from hubspot_hitl.ports.flight import Journey
from hubspot_hitl.store.engine.sqlite import SqliteDatabase
from hubspot_hitl.store.flight import EVERY_S, SqlFlightLog
from hubspot_hitl.store.migrations import migrate

T = TypeVar("T")


class Slow(SqliteDatabase):
    """Tells when a write has begun, and answers when it may."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun, self.may_answer = asyncio.Event(), asyncio.Event()
        self.slow = False

    async def write(self, fn: Callable[[Connection], T]) -> T:
        found = await super().write(fn)
        if self.slow:
            self.begun.set()
            await self.may_answer.wait()
        return found


async def test_a_stop_in_the_middle_of_a_write_keeps_each_journey_once(tmp_path: Path) -> None:
    database, clock = Slow(tmp_path / "x.db"), FakeClock()
    await database.start()
    await migrate(database)
    log = SqlFlightLog(database, clock)
    writing = asyncio.create_task(log.keep_writing())
    await clock.until_sleeping()
    log.add(Journey("bot.message", 1, handoff_id="h", seq=1))
    database.slow = True
    await clock.advance(EVERY_S)
    await database.begun.wait()
    writing.cancel()
    closing = asyncio.create_task(log.close())
    await asyncio.wait({writing})
    database.may_answer.set()
    await closing
    assert [one.seq for one in await log.of("h")] == [1]
    await database.close()
