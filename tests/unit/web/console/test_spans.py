from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.ports.figures import DeliveryTimes, HandoffTimes
from hubspot_hitl.web.console.plots import HEIGHT, WIDTH, duration_plot, outcome_plot
from hubspot_hitl.web.console.spans import HOUR_MS, SPANS, durations, outcomes, spread

NOW_MS = 1_780_000_000_000
DAY = SPANS["day"]


def test_a_span_ends_with_the_bucket_that_is_not_over() -> None:
    starts = DAY.starts(NOW_MS)
    assert len(starts) == 24
    assert starts[-1] <= NOW_MS < starts[-1] + HOUR_MS
    assert starts[1] - starts[0] == HOUR_MS


def test_durations_count_only_what_has_an_end() -> None:
    handoffs = [
        HandoffTimes(NOW_MS - 1000, "pending"),
        HandoffTimes(NOW_MS - 1000, "resolved", NOW_MS - 900, NOW_MS - 800, NOW_MS, "agent-closed"),
    ]
    found = {one.name: one.whole for one in durations(DAY, NOW_MS, handoffs, [])}
    assert (found["waiting"].count, found["waiting"].median_ms) == (1, 100)
    assert found["first_response"].median_ms == 200
    assert found["handle"].most_ms == 1000
    assert found["delivery"].count == 0


def test_a_handoff_counts_by_its_end_and_while_it_goes_on_by_its_state() -> None:
    handoffs = [
        HandoffTimes(NOW_MS, "assigned", end_reason="agent-closed-ticket"),  # reopened
        HandoffTimes(NOW_MS, "resolved", ended_ms=NOW_MS, end_reason="agent-closed-ticket"),
        HandoffTimes(NOW_MS, "failed"),
    ]
    totals = outcomes(DAY, NOW_MS, handoffs).totals
    assert totals == {"assigned": 1, "agent-closed-ticket": 1, "failed": 1}


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=1))
def test_a_spread_is_ordered_and_made_of_its_values(values: list[float]) -> None:
    found = spread(values)
    ranks = [value for value in (found.median_ms, found.p90_ms, found.most_ms) if value is not None]
    assert ranks == sorted(ranks)
    assert len(ranks) == 3
    assert ranks[-1] == max(values)
    assert set(ranks) <= set(values)


def done(back: int, waited: int) -> DeliveryTimes:
    return DeliveryTimes("bot.message", NOW_MS - back, NOW_MS - back + waited)


times = st.builds(
    done,
    st.integers(min_value=-(10**7), max_value=10**10),
    st.integers(min_value=-1000, max_value=10**9),
)


@given(st.lists(times, max_size=50))
def test_a_plot_stays_inside_its_frame(deliveries: list[DeliveryTimes]) -> None:
    for found in durations(DAY, NOW_MS, [], deliveries):
        plot = duration_plot(found)
        for box in (*plot.boxes, *plot.marks):
            assert 0 <= box.x <= box.x + box.width <= WIDTH
            assert 0 <= box.y <= box.y + box.height <= HEIGHT


@given(st.lists(st.sampled_from(["pending", "assigned", "resolved", "failed"]), max_size=40))
def test_stacked_bars_stay_inside_their_frame(states: list[str]) -> None:
    found = outcomes(DAY, NOW_MS, [HandoffTimes(NOW_MS - 5, state) for state in states])
    for box in outcome_plot(found).boxes:
        assert -0.01 <= box.y <= box.y + box.height <= HEIGHT
