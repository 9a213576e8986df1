from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ledger.committer import Committer
from hubspot_hitl.ledger.engine import Transaction
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.requests import Accept, Committed, Hold
from hubspot_hitl.ledger.rows import new_row
from hubspot_hitl.ledger.transaction import Circumstances
from hubspot_hitl.ports.ledger import NewDelivery

T = TypeVar("T")


class SlowEngine(MemoryEngine):
    """Commits when the test says so; refuses a lane, or everything."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.commits = 0
        self.away = False

    async def commit(self, work: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        await self.go.wait()
        if self.away:
            raise StoreUnavailable("away")
        result = await super().commit(work)
        if "cursed" in self._tables.lanes:
            del self._tables.lanes["cursed"]
            raise ValueError("a value that the database refuses")
        self.commits += 1
        return result


class Setting:
    def __init__(self) -> None:
        self.engine = SlowEngine()
        self.applied: list[Committed] = []
        self.doubts: list[bool] = []
        self.committer = Committer(self.engine, self.circumstances, self.applied.append)

    def circumstances(self, in_doubt: bool) -> Circumstances:
        self.doubts.append(in_doubt)
        return Circumstances("me", now_ms=1_000, room=0)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    setting = Setting()
    setting.committer.start()
    yield setting
    setting.engine.go.set()
    await setting.committer.close()


def accept(key: str) -> Accept:
    return Accept([new_row(NewDelivery(key, "a", "test", "installation", {}))])


async def test_what_gathers_while_a_commit_runs_shares_the_next(setting: Setting) -> None:
    tasks = [asyncio.create_task(setting.committer.submit(accept("0")))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(setting.committer.submit(accept(str(n)))) for n in range(1, 50)]
    await asyncio.sleep(0)
    setting.engine.go.set()
    replies = await asyncio.gather(*tasks)
    assert [reply.count for (reply,) in replies] == [1] * 50
    assert setting.engine.commits == 2


async def test_a_request_that_the_database_refuses_takes_nobody_with_it(setting: Setting) -> None:
    requests = [Hold("a", 1), Hold("cursed", 1), Hold("b", 1)]
    tasks = [setting.committer.submit(request) for request in requests]
    setting.engine.go.set()
    with capture_logs():
        fine, refused, fine_too = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(refused, ValueError)
    assert not isinstance(fine, BaseException)
    assert not isinstance(fine_too, BaseException)


async def test_a_database_that_is_away_is_told_to_all_and_leaves_a_doubt(
    setting: Setting,
) -> None:
    setting.engine.go.set()
    setting.engine.away = True
    for key in "12":
        with pytest.raises(StoreUnavailable):
            await setting.committer.submit(accept(key))
    setting.engine.away = False
    await setting.committer.submit(accept("3"))
    await setting.committer.submit(accept("4"))
    assert setting.doubts == [False, True, True, False]


async def test_a_caller_who_leaves_takes_nothing_back(setting: Setting) -> None:
    leaving = asyncio.create_task(setting.committer.submit(accept("1")))
    await asyncio.sleep(0)
    leaving.cancel()
    setting.engine.go.set()
    (reply,) = await setting.committer.submit(accept("1"))
    assert reply.count == 0


async def test_closing_commits_what_was_handed_in_and_refuses_the_rest(setting: Setting) -> None:
    handed_in = asyncio.create_task(setting.committer.submit(accept("1")))
    await asyncio.sleep(0)
    setting.engine.go.set()
    await setting.committer.close()
    assert (await handed_in)[0].count == 1
    with pytest.raises(StoreUnavailable):
        await setting.committer.submit(accept("2"))
