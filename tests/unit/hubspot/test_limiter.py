from __future__ import annotations

import asyncio

import pytest
from tests.unit.hubspot.fake_clock import FakeClock

from hubspot_hitl.errors import VendorThrottled
from hubspot_hitl.hubspot.limiter import Budget, RateLimiter, Window
from hubspot_hitl.ports.hubspot import Priority

CHAT, CRM = Priority.LIVE_CHAT, Priority.CRM


async def spend(limiter: RateLimiter, times: int, priority: Priority = CHAT) -> None:
    for _ in range(times):
        await limiter.acquire("test", priority)


def told(clock: FakeClock, window: Window | None = None) -> RateLimiter:
    """A limiter whose window HubSpot's headers have confirmed."""
    limiter = RateLimiter(clock, general=window or Window())
    size = (window or Window()).requests
    limiter.learn(Budget(limit=size, remaining=size), sent_at=clock.monotonic())
    return limiter


def started(
    limiter: RateLimiter, log: list[str], name: str, priority: Priority
) -> asyncio.Task[None]:
    async def run() -> None:
        await limiter.acquire(name, priority)
        log.append(name)

    return asyncio.create_task(run())


async def test_a_full_window_lets_110_calls_pass_at_once() -> None:
    clock = FakeClock()
    await spend(told(clock), 110)
    assert clock.slept == []


async def test_the_111th_call_waits_until_the_first_has_left_the_window() -> None:
    clock = FakeClock()
    limiter = told(clock)
    await spend(limiter, 1)
    clock.advance(4)
    await spend(limiter, 109)
    waiting = asyncio.create_task(limiter.acquire("test", CHAT))
    await clock.settle()
    clock.advance(5.5)
    await clock.settle()
    assert not waiting.done()
    clock.advance(0.5)
    await waiting


async def test_crm_calls_leave_the_share_of_live_chat_alone() -> None:
    clock = FakeClock()
    limiter = told(clock)
    await spend(limiter, 88, CRM)
    crm = asyncio.create_task(limiter.acquire("crm", CRM))
    await clock.settle()
    assert not crm.done()
    await spend(limiter, 22, CHAT)
    assert not crm.done()
    crm.cancel()


async def test_live_chat_overtakes_everything_that_waits() -> None:
    clock = FakeClock()
    limiter = told(clock, Window(requests=1, per_s=1, chat_share=0))
    await spend(limiter, 1)
    log: list[str] = []
    order = [Priority.BACKGROUND, Priority.CRM, Priority.SETUP, Priority.LIVE_CHAT]
    tasks = [started(limiter, log, priority.name, priority) for priority in order]
    for _ in range(5):
        await clock.settle()
        clock.advance(1)
    await asyncio.gather(*tasks)
    assert log == ["LIVE_CHAT", "SETUP", "CRM", "BACKGROUND"]


async def test_equals_go_in_the_order_they_came() -> None:
    clock = FakeClock()
    limiter = told(clock, Window(requests=2, per_s=1, chat_share=0))
    await spend(limiter, 2)
    log: list[str] = []
    tasks = [started(limiter, log, str(number), CHAT) for number in range(6)]
    for _ in range(4):
        await clock.settle()
        clock.advance(1)
    await asyncio.gather(*tasks)
    assert log == ["0", "1", "2", "3", "4", "5"]


async def test_no_window_ever_holds_more_than_its_limit() -> None:
    clock = FakeClock()
    limiter = told(clock, Window(requests=10, per_s=1, chat_share=0.2))
    times: list[float] = []

    async def call(priority: Priority) -> None:
        await limiter.acquire("test", priority)
        times.append(clock.monotonic())

    tasks = [asyncio.create_task(call(Priority(number % 4))) for number in range(100)]
    while not all(task.done() for task in tasks):
        await clock.settle()
        clock.advance(0.13)
    for start in times:
        assert sum(start <= at < start + 1 for at in times) <= 10
    assert max(times) - min(times) < 16


async def test_a_search_has_a_window_of_its_own() -> None:
    clock = FakeClock()
    limiter = told(clock)
    for _ in range(5):
        await limiter.acquire("search", CHAT, search=True)
    sixth = asyncio.create_task(limiter.acquire("search", CHAT, search=True))
    await clock.settle()
    await spend(limiter, 110)
    assert not sixth.done()
    clock.advance(1)
    await sixth


async def test_calls_of_others_are_seen_in_the_headers() -> None:
    clock = FakeClock()
    limiter = told(clock)
    await spend(limiter, 1)
    limiter.learn(Budget(limit=110, remaining=1, interval_s=10), sent_at=clock.monotonic())
    await spend(limiter, 1)
    waiting = asyncio.create_task(limiter.acquire("test", CHAT))
    await clock.settle()
    assert not waiting.done()
    clock.advance(10)
    await waiting


async def test_an_answer_from_before_the_window_changes_nothing() -> None:
    clock = FakeClock()
    limiter = told(clock)
    sent_at = clock.monotonic()
    clock.advance(11)
    limiter.learn(Budget(limit=110, remaining=0), sent_at=sent_at)
    await spend(limiter, 110)
    assert clock.slept == []


async def test_a_smaller_limit_told_by_hubspot_is_kept() -> None:
    clock = FakeClock()
    limiter = told(clock)
    limiter.learn(Budget(limit=100, remaining=100), sent_at=clock.monotonic())
    await spend(limiter, 100)
    waiting = asyncio.create_task(limiter.acquire("test", CHAT))
    await clock.settle()
    assert not waiting.done()
    waiting.cancel()


async def test_the_headers_lead_in_both_directions() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, general=Window(requests=110))
    limiter.learn(Budget(limit=190, remaining=190), sent_at=clock.monotonic())
    await spend(limiter, 190)
    waiting = asyncio.create_task(limiter.acquire("test", CHAT))
    await clock.settle()
    assert not waiting.done()
    waiting.cancel()


async def test_live_chat_does_not_wait_for_a_limit_that_nobody_has_named() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock)
    await spend(limiter, 500, CHAT)
    crm = asyncio.create_task(limiter.acquire("crm", CRM))
    await clock.settle()
    assert not crm.done()
    crm.cancel()


async def test_a_short_pause_is_waited_out() -> None:
    clock = FakeClock()
    limiter = told(clock)
    limiter.pause(2)
    limiter.pause(2)
    waiting = asyncio.create_task(limiter.acquire("test", CHAT))
    await clock.settle()
    assert not waiting.done()
    clock.advance(2)
    await waiting


async def test_a_single_short_429_holds_back_everything_but_live_chat() -> None:
    clock = FakeClock()
    limiter = told(clock)
    limiter.pause(2)
    await limiter.acquire("chat", CHAT)
    crm = asyncio.create_task(limiter.acquire("crm", CRM))
    await clock.settle()
    assert not crm.done()
    limiter.passed()
    limiter.pause(1)
    await limiter.acquire("chat", CHAT)
    crm.cancel()


async def test_a_long_pause_is_told_to_the_caller_at_once() -> None:
    clock = FakeClock()
    limiter = told(clock)
    limiter.pause(600)
    with pytest.raises(VendorThrottled) as caught:
        await limiter.acquire("test", CHAT)
    assert caught.value.retry_after_s == 600


async def test_a_turn_that_would_come_too_late_is_refused() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, longest_wait_s=5)
    limiter.learn(Budget(limit=110, remaining=110), sent_at=clock.monotonic())
    await spend(limiter, 110)
    with pytest.raises(VendorThrottled) as caught:
        await limiter.acquire("test", CHAT)
    assert caught.value.retry_after_s == 10


async def test_a_cancelled_waiter_leaves_its_place() -> None:
    clock = FakeClock()
    limiter = told(clock, Window(requests=1, per_s=1))
    await spend(limiter, 1)
    first = asyncio.create_task(limiter.acquire("first", CHAT))
    second = asyncio.create_task(limiter.acquire("second", CHAT))
    await clock.settle()
    first.cancel()
    await clock.settle()
    clock.advance(1)
    await clock.settle()
    clock.advance(1)
    await second
    assert first.cancelled()


async def test_the_spent_share_of_the_window_is_told_and_comes_back() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, general=Window(requests=4))
    assert limiter.used == 0
    for _ in range(3):
        await limiter.acquire("messages.publish", Priority.LIVE_CHAT)
    assert limiter.used == 0.75
    clock.advance(10.1)
    assert limiter.used == 0


async def test_calls_that_hubspot_counts_late_are_counted_longer() -> None:
    clock = FakeClock(auto=True)
    limiter = RateLimiter(clock, general=Window(requests=2, per_s=10), slack_s=0.25)
    limiter.learn(Budget(limit=2, remaining=2), sent_at=clock.monotonic())
    began = clock.monotonic()
    await spend(limiter, 3)
    assert clock.monotonic() - began == pytest.approx(10.25, abs=0.01)


async def test_a_budget_that_crm_work_has_exhausted_holds_back_no_live_chat() -> None:
    clock = FakeClock()
    limiter = told(clock)
    for _ in range(5):  # calls that were underway together, each refused
        limiter.pause(10, priority=CRM)
    await limiter.acquire("chat", CHAT)
    with pytest.raises(VendorThrottled):
        await limiter.acquire("crm", CRM)
    assert clock.slept == []


async def test_the_budget_of_the_day_holds_back_everybody() -> None:
    clock = FakeClock()
    limiter = told(clock)
    limiter.pause(3600, priority=CRM)
    for priority in (CHAT, CRM):
        with pytest.raises(VendorThrottled) as caught:
            await limiter.acquire("x", priority)
        assert caught.value.retry_after_s == pytest.approx(3600)


async def test_the_peak_is_kept_until_it_is_taken() -> None:
    clock = FakeClock()
    limiter = told(clock)
    await spend(limiter, 55)
    clock.advance(60)
    await spend(limiter, 11)
    assert limiter.used == pytest.approx(0.1)
    assert limiter.take_peak() == pytest.approx(0.5)
    assert limiter.take_peak() == pytest.approx(0.1)
    clock.advance(60)
    limiter.take_peak()
    assert limiter.take_peak() == 0


async def test_what_others_spent_is_part_of_the_peak() -> None:
    clock = FakeClock()
    limiter = told(clock)
    await spend(limiter, 1)
    limiter.learn(Budget(limit=100, remaining=20), sent_at=clock.monotonic())
    clock.advance(60)
    assert limiter.take_peak() == pytest.approx(0.8)
