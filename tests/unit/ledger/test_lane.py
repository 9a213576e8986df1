from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.ledger.lane import LaneQueue, Reload, Rest, Run
from hubspot_hitl.ledger.requests import LaneNews
from hubspot_hitl.ledger.rows import Waiting
from hubspot_hitl.ports.ledger import Delivery, DeliveryState

NOW_MS = 1_000


def delivery(seq: int, *, due_ms: int = 0, timer: bool = False) -> Delivery:
    return Delivery(
        seq=seq,
        dedup_key=str(seq),
        lane="a",
        kind="test",
        installation_id="installation",
        body={},
        handoff_id=None,
        timer=timer,
        state=DeliveryState.READY,
        attempts=0,
        due_ms=due_ms,
        accepted_ms=0,
    )


def queue(*deliveries: Delivery) -> LaneQueue:
    lane = LaneQueue("a", fence=1, version=1)
    for one in deliveries:
        lane.put(one, NOW_MS)
    return lane


def news(*deliveries: Delivery, base: int = 1) -> LaneNews:
    return LaneNews("a", 1, base, base + 1, deliveries=list(deliveries))


def test_the_lowest_sequence_runs_first() -> None:
    lane = queue(delivery(3), delivery(1), delivery(2))
    assert [lane.next(NOW_MS) for _ in range(3)] == [Run(delivery(seq)) for seq in (1, 2, 3)]
    assert lane.next(NOW_MS) == Rest(None, blocked=False)


def test_one_that_is_not_due_blocks_those_behind_it() -> None:
    lane = queue(delivery(1, due_ms=NOW_MS + 5), delivery(2))
    assert lane.next(NOW_MS) == Rest(NOW_MS + 5, blocked=True)


def test_a_timer_that_is_not_due_is_passed_over_and_remembered() -> None:
    lane = queue(delivery(1, due_ms=NOW_MS + 5, timer=True), delivery(2))
    assert lane.next(NOW_MS) == Run(delivery(2))
    assert lane.next(NOW_MS) == Rest(NOW_MS + 5, blocked=False)
    assert lane.next(NOW_MS + 5) == Reload()


def test_a_held_lane_rests_with_what_waits() -> None:
    lane = queue(delivery(1))
    lane.held_until_ms = NOW_MS + 100
    assert lane.next(NOW_MS) == Rest(0, blocked=True)
    assert lane.next(NOW_MS + 100) == Run(delivery(1))


def test_a_gap_in_the_versions_asks_for_a_reload() -> None:
    lane = queue(delivery(1))
    lane.hear(news(delivery(3), base=2), NOW_MS)
    assert lane.next(NOW_MS) == Reload()


def test_a_reload_replaces_what_was_known() -> None:
    lane = queue(delivery(1), delivery(2))
    lane.stale = True
    fresh = LaneNews("a", 1, 1, 7, waiting=Waiting((delivery(2),), NOW_MS + 9, more=False))
    lane.hear(fresh, NOW_MS)
    assert (lane.version, lane.timer_ms) == (7, NOW_MS + 9)
    assert lane.next(NOW_MS) == Run(delivery(2))


def test_what_comes_behind_an_unread_rest_is_not_run_before_it() -> None:
    lane = queue(delivery(1))
    lane.more = True
    lane.hear(news(delivery(99)), NOW_MS)
    assert lane.next(NOW_MS) == Run(delivery(1))
    assert lane.next(NOW_MS) == Reload()


def test_a_retry_goes_back_to_its_place_even_before_an_unread_rest() -> None:
    lane = queue(delivery(2))
    lane.more = True
    lane.put(delivery(1, due_ms=NOW_MS + 5), NOW_MS)
    assert lane.next(NOW_MS) == Rest(NOW_MS, blocked=True)


def test_cancelled_deliveries_are_dropped() -> None:
    lane = queue(delivery(1), delivery(2))
    lane.hear(LaneNews("a", 1, 1, 2, cancelled={1}), NOW_MS)
    assert lane.next(NOW_MS) == Run(delivery(2))


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_whatever_comes_in_any_order_runs_in_order(order: list[int], timers: set[int]) -> None:
    lane = queue(*(delivery(seq, timer=seq in timers) for seq in order))
    ran: list[int] = []
    while isinstance(step := lane.next(NOW_MS), Run):
        ran.append(step.delivery.seq)
    assert ran == sorted(order)
