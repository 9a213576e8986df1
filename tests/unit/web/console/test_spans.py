from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.ports.figures import HOUR_MS, Budget, Counted, Tally, bin_width
from hubspot_hitl.web.console.plots import (
    HEIGHT,
    WIDTH,
    Plot,
    duration_plot,
    outcome_plot,
    rate_plot,
)
from hubspot_hitl.web.console.spans import SPANS, durations, outcomes, rate_use, spread

NOW_MS = 1_780_000_000_000
DAY = SPANS["day"]
STARTS = DAY.starts(NOW_MS)


def low_of(ms: int) -> int:
    """The bin of a duration."""
    return ms if ms < 64 else ms // bin_width(ms) * bin_width(ms)


def tally(values: list[int]) -> Tally:
    found = Tally()
    for value in values:
        found.add(low_of(value), 1, value)
    return found


def test_a_span_ends_with_the_bucket_that_is_not_over() -> None:
    assert len(STARTS) == 24
    assert STARTS[-1] <= NOW_MS < STARTS[-1] + HOUR_MS
    assert STARTS[1] - STARTS[0] == HOUR_MS


def test_a_span_is_the_sum_of_its_buckets() -> None:
    counted = {
        STARTS[0]: Counted({"waiting": tally([10, 20])}),
        STARTS[-1]: Counted({"waiting": tally([30])}),
    }
    found = {one.name: one for one in durations(STARTS, counted)}
    assert (found["waiting"].whole.count, found["waiting"].whole.median_ms) == (3, 20)
    assert [one.count for one in found["waiting"].buckets] == [2, *[0] * 22, 1]
    assert found["delivery"].whole.median_ms is None


def test_outcomes_are_ends_and_what_goes_on() -> None:
    counted = {STARTS[0]: Counted(ended=Counter({"failed": 1}), open=Counter({"assigned": 2}))}
    found = outcomes(STARTS, counted)
    assert found.totals == {"assigned": 2, "failed": 1}
    assert found.names == ["assigned", "failed"]


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=1))
def test_a_spread_is_ordered_and_within_a_sixtieth_of_its_values(values: list[int]) -> None:
    found = spread(tally(values))
    ranks = [value for value in (found.median_ms, found.p90_ms, found.most_ms) if value is not None]
    assert ranks == sorted(ranks)
    assert len(ranks) == 3
    assert ranks[-1] == max(values)
    ordered = sorted(values)
    true = ordered[(len(ordered) + 1) // 2 - 1]
    assert abs(ranks[0] - true) <= true / 60


lengths = st.lists(st.integers(min_value=0, max_value=10**10), max_size=5)


@given(st.lists(lengths, max_size=24))
def test_a_plot_stays_inside_its_frame(buckets: list[list[int]]) -> None:
    counted = {
        start: Counted({"delivery": tally(values)})
        for start, values in zip(STARTS, buckets, strict=False)
    }
    for found in durations(STARTS, counted):
        within(duration_plot(found))


@given(st.lists(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 10**6)), max_size=24))
def test_stacked_bars_stay_inside_their_frame(buckets: list[dict[str, int]]) -> None:
    counted = {
        start: Counted(ended=Counter(found)) for start, found in zip(STARTS, buckets, strict=False)
    }
    within(outcome_plot(outcomes(STARTS, counted)))


def within(plot: Plot) -> None:
    for box in (*plot.boxes, *plot.marks):
        assert 0 <= box.x <= box.x + box.width <= WIDTH
        assert -0.01 <= box.y <= box.y + box.height <= HEIGHT
    assert 1 <= len(plot.y_ticks) <= 5
    assert all(0 <= tick.at <= HEIGHT for tick in plot.y_ticks)
    assert 3 <= len(plot.x_ticks) <= 5


@pytest.mark.parametrize(
    ("most_ms", "labels"),
    [
        (0, ["0", "1 ms"]),
        (7, ["0", "2 ms", "4 ms", "6 ms", "8 ms"]),
        (100_000, ["0", "30 s", "1 min", "90 s", "2 min"]),
        (40 * 3_600_000, ["0", "12 h", "1 d", "36 h", "2 d"]),
    ],
)
def test_an_axis_has_round_durations(most_ms: int, labels: list[str]) -> None:
    counted = {STARTS[0]: Counted({"waiting": tally([most_ms])})}
    plot = duration_plot(durations(STARTS, counted)[0])
    assert [tick.text for tick in plot.y_ticks] == labels


def test_the_busiest_portal_of_each_bucket_is_drawn_and_named() -> None:
    one, other = Budget("77", "1"), Budget("77", "2")
    found = rate_use(STARTS, {one: {STARTS[0]: 0.25}, other: {STARTS[0]: 0.1, STARTS[1]: 0.95}})
    assert [used.budget for used in found.portals] == [other, one]
    plot = rate_plot(found)
    assert [box.title.partition(": ")[2] for box in plot.boxes] == [
        "25 % of portal 1",
        "95 % of portal 2",
    ]
    assert [box.tone for box in plot.boxes] == [0, 3]
    within(plot)
