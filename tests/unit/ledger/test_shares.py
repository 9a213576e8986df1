from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.ledger.shares import LATEST_S, Shares

PLACES = 64


def taken(shares: Shares, installation_id: str, *, patient: bool = False) -> int:
    """How many places one takes who always wants another."""
    count = 0
    while shares.begin(installation_id, 0.0, patient=patient) is None:
        count += 1
    return count


def test_each_greedy_neighbour_leaves_places_for_the_next() -> None:
    shares = Shares(PLACES)
    assert [taken(shares, name) for name in "abc"] == [48, 12, 3]
    assert shares.begin("d", 0.0) is None


def test_what_can_wait_takes_a_quarter_and_chat_three_quarters_of_the_rest() -> None:
    shares = Shares(PLACES)
    assert taken(shares, "a", patient=True) == 16
    assert taken(shares, "a") == 36
    assert taken(shares, "b") > 0


def test_a_place_that_was_given_back_can_be_taken_again() -> None:
    shares = Shares(PLACES)
    most = taken(shares, "a")
    shares.end("a", 1.0)
    assert taken(shares, "a") == 1
    for _ in range(most):
        shares.end("a", 1.0)
    assert taken(shares, "b") == most


def sent_away(gap_s: float) -> list[float]:
    """When those come back who find no place, while one becomes free each `gap_s`."""
    shares, now_s = Shares(4), 0.0
    assert taken(shares, "a") == 3
    for _ in range(200):
        now_s += gap_s
        shares.end("a", now_s)
        assert shares.begin("a", now_s) is None
    return [shares.begin("a", now_s) or 0 for _ in range(20)]


def test_those_sent_away_come_back_as_fast_as_places_become_free() -> None:
    fast, slow = sent_away(0.01), sent_away(5.0)
    assert fast == sorted(fast)
    assert 0.2 < fast[-1] < 0.3
    assert slow == sorted(slow)
    assert 5.0 < slow[-1] < 6.0


@given(st.integers(1, 3_000), st.floats(0, 1e6))
def test_nobody_is_sent_away_for_long_and_not_all_to_one_moment(crowd: int, now_s: float) -> None:
    shares = Shares(1)
    assert shares.begin("a", now_s) is None
    waits = [shares.begin("a", now_s + 100) or 0 for _ in range(crowd)]
    assert all(0 < wait_s <= LATEST_S for wait_s in waits)
    assert max(waits.count(wait_s) for wait_s in set(waits)) <= crowd // 30 + 1
