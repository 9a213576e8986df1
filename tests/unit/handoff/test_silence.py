from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff.records import EndReason, HandoffState
from hubspot_hitl.handoff.silence import Give, Nudge, Patience, Verdict, Wait, Words, look

PENDING, ASSIGNED = HandoffState.PENDING, HandoffState.ASSIGNED
ALL = Patience(
    no_agent_s=50, agent_nudge_s=20, agent_silent_s=60, user_nudge_s=30, user_silent_s=90
)
ASKED_AGAIN = Words(since_ms=0, agent_ms=1_000, user_ms=5_000)
ANSWERED = Words(since_ms=0, agent_ms=5_000)


@pytest.mark.parametrize(
    ("state", "words", "now_s", "verdict"),
    [
        (PENDING, Words(0), 10, Wait(30_000)),
        (PENDING, Words(0), 40, Wait(50_000)),
        (PENDING, Words(0), 50, Give(EndReason.NO_AGENT)),
        (ASSIGNED, Words(0), 20, Nudge("agent", 0, 40_000)),
        (ASSIGNED, Words(0), 60, Give(EndReason.AGENT_SILENT)),
        (ASSIGNED, ASKED_AGAIN, 24, Wait(25_000)),
        (ASSIGNED, ASKED_AGAIN, 25, Nudge("agent", 5_000, 45_000)),
        (ASSIGNED, ASKED_AGAIN, 65, Give(EndReason.AGENT_SILENT)),
        (ASSIGNED, ANSWERED, 35, Nudge("user", 5_000, 55_000)),
        (ASSIGNED, ANSWERED, 95, Give(EndReason.PATIENT_LEFT)),
        (HandoffState.RESOLVED, ANSWERED, 95, Wait(None)),
        (HandoffState.STARTING, Words(0), 95, Wait(None)),
    ],
)
def test_each_wait_has_its_own_limits(
    state: HandoffState, words: Words, now_s: int, verdict: Verdict
) -> None:
    assert look(state, ALL, words, now_s * 1000) == verdict


def test_without_limits_nothing_is_ever_due() -> None:
    assert look(PENDING, Patience(), Words(0), 10**12) == Wait(None)


def test_an_agent_who_took_over_gets_the_whole_time() -> None:
    words = Words(since_ms=50_000, agent_ms=1_000, user_ms=2_000)
    assert look(ASSIGNED, ALL, words, 69_000) == Wait(70_000)


limits = st.integers(0, 100)


@given(
    st.builds(Patience, limits, limits, limits, limits, limits),
    st.sampled_from((PENDING, ASSIGNED)),
    st.integers(0, 200_000),
)
def test_the_next_look_is_later_and_early_enough_for_any_new_wait(
    patience: Patience, state: HandoffState, now_ms: int
) -> None:
    verdict = look(state, patience, Words(0), now_ms)
    if isinstance(verdict, Give) or not patience.shortest_s:
        return
    assert verdict.again_ms is not None
    assert now_ms < verdict.again_ms <= now_ms + patience.shortest_s * 1000
