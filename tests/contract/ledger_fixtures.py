"""A ledger on each engine, with a clock that only moves when told, and a script of handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.databases import database_url, migrated_database
from tests.fakes import FakeClock

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.engine import Engine, Transaction
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.observer import Event, Observer
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.postgres.presence import GONE_AFTER_S
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.sqlite import SqliteEngine
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Done,
    LedgerHealth,
    NewDelivery,
    Outcome,
    Redaction,
)

T = TypeVar("T")
Script = Callable[[Delivery], Awaitable[Outcome]]


class Plug:
    """An engine whose database can be away (`away`) or gone for good (`out`).

    `commits_left`: go away after so many commits. `lose_answer`: the next commit happens, but
    the ledger hears that the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.out = False
        self.away = False
        self.commits_left: int | None = None
        self.lose_answer = False
        self.commits = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._busy = 0

    @property
    def lease_s(self) -> float | None:
        return self.engine.lease_s

    async def open(self, *, alone: bool, owner: str, wake: Callable[[], None]) -> None:
        await self.engine.open(alone=alone, owner=owner, wake=wake)

    async def close(self) -> None:
        await self.engine.close()

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        if self.out or self.away:
            raise StoreUnavailable("unplugged")
        result = await self._counted(self.engine.commit(work))
        self.commits += 1
        if self.commits_left is not None:
            self.commits_left -= 1
            self.away = self.commits_left == 0
        if self.lose_answer:
            self.lose_answer = False
            raise StoreUnavailable("the answer was lost")
        return result

    async def find(self, filter_: DeliveryFilter) -> Sequence[Delivery]:
        return await self._counted(self.engine.find(filter_))

    async def ready(self, lane: str) -> Sequence[Delivery]:
        return await self._counted(self.engine.ready(lane))

    async def purge(self, finished_before_ms: int, now_ms: int) -> int:
        return await self._counted(self.engine.purge(finished_before_ms, now_ms))

    async def redact(self, which: Redaction) -> int:
        return await self._counted(self.engine.redact(which))

    async def health(self) -> LedgerHealth:
        return await self._counted(self.engine.health())

    async def _counted(self, call: Coroutine[Any, Any, T]) -> T:
        self._busy += 1
        self.idle.clear()
        try:
            return await call
        finally:
            self._busy -= 1
            if not self._busy:
                self.idle.set()


class NapCounter(FakeClock):
    """A clock that knows how often somebody went to sleep."""

    naps = 0

    async def sleep(self, seconds: float) -> None:
        self.naps += 1
        await super().sleep(seconds)


@dataclass
class World:
    """Engines that share one store, so that a ledger can be started again or twice."""

    new_engine: Callable[[], Engine]
    url: str = ""
    clock: NapCounter = field(default_factory=NapCounter)
    options: WorkerOptions = field(default_factory=WorkerOptions)
    ran: list[str] = field(default_factory=list[str])
    seen: list[Delivery] = field(default_factory=list[Delivery])
    events: list[Event] = field(default_factory=list[Event])
    moved: list[str] = field(default_factory=list[str])
    scripts: dict[str, Script] = field(default_factory=dict[str, Script])
    ledgers: list[LaneLedger] = field(default_factory=list[LaneLedger])
    later_ms: int = 0
    plugs: list[Plug] = field(default_factory=lambda: list[Plug]())

    async def ledger(
        self,
        *,
        work: bool = True,
        options: WorkerOptions | None = None,
        after_leases: bool = False,
        observe: Observer | None = None,
    ) -> LaneLedger:
        """A started ledger; the script of a dedup key or a lane is its handler.

        `after_leases`: for this one the leases of all others have run out.
        """
        engine = self.new_engine()
        if after_leases and isinstance(engine, PostgresEngine):
            self.later_ms += 60_000
            engine.clock_offset_ms = self.later_ms
        plug = Plug(engine)
        ledger = LaneLedger(
            plug,
            {"test": self._handle},
            self.clock,
            options or self.options,
            observe=observe or self.events.append,
            on_lane_moved=self.moved.append,
        )
        await ledger.start(work=work)
        self.ledgers.append(ledger)
        self.plugs.append(plug)
        return ledger

    async def _handle(self, delivery: Delivery) -> Outcome:
        self.ran.append(delivery.dedup_key)
        self.seen.append(delivery)
        script = self.scripts.get(delivery.dedup_key) or self.scripts.get(delivery.lane)
        return await script(delivery) if script else Done()

    async def settle(self) -> None:
        """Let everybody run until nobody has anything to do before time moves on."""
        calm, seen = 0, -1
        while calm < 20:
            for plug in self.plugs:
                await plug.idle.wait()
            await asyncio.sleep(0)
            commits = sum(plug.commits for plug in self.plugs)
            calm = calm + 1 if commits == seen else 0
            seen = commits

    async def advance(self, seconds: float, *, step_s: float = 0.25) -> None:
        """Let time pass, in steps short enough to see what happens on the way."""
        await self.settle()
        steps = max(1, round(seconds / step_s))
        for _ in range(steps):
            await self.clock.advance(seconds / steps)
            await self.settle()

    async def row(self, ledger: LaneLedger, key: str) -> Delivery:
        """A delivery, as the store knows it."""
        rows = await ledger.find(DeliveryFilter(limit=100_000))
        return next(row for row in rows if row.dedup_key == key)

    async def states(self, ledger: LaneLedger) -> dict[str, DeliveryState]:
        """The states of all deliveries."""
        rows = await ledger.find(DeliveryFilter(limit=100_000))
        return {row.dedup_key: row.state for row in rows}

    async def crash(self, ledger: LaneLedger) -> None:
        """End a ledger as a kill would: no mark and no release reaches the store any more."""
        self.plugs[self.ledgers.index(ledger)].out = True
        await ledger.stop(0)

    async def close(self) -> None:
        for ledger in self.ledgers:
            await ledger.stop(0)


def new(
    key: str,
    lane: str = "a",
    *,
    due_ms: int | None = None,
    timer: bool = False,
    kind: str = "test",
    handoff_id: str | None = None,
) -> NewDelivery:
    """A delivery with a body of no interest."""
    return NewDelivery(
        dedup_key=key,
        lane=lane,
        kind=kind,
        installation_id="installation",
        body={"key": key},
        handoff_id=handoff_id,
        due_ms=due_ms,
        timer=timer,
    )


def many(keys: Sequence[str], lane: str = "a") -> list[NewDelivery]:
    """Deliveries of one lane."""
    return [new(key, lane) for key in keys]


@asynccontextmanager
async def memory_world() -> AsyncGenerator[World]:
    engine = MemoryEngine()
    yield World(lambda: engine)


@asynccontextmanager
async def sqlite_world(directory: Path) -> AsyncGenerator[World]:
    async with migrated_database("sqlite", directory) as database:
        yield World(lambda: SqliteEngine(database))


@asynccontextmanager
async def postgres_world(*, gone_after_s: float = GONE_AFTER_S) -> AsyncGenerator[World]:
    async with database_url("postgresql", Path()) as url:
        yield World(lambda: PostgresEngine(url, gone_after_s=gone_after_s), url)


WORLDS = ("memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


def open_world(name: str, directory: Path) -> AbstractAsyncContextManager[World]:
    """A world by name."""
    if name == "memory":
        return memory_world()
    return sqlite_world(directory) if name == "sqlite" else postgres_world()
