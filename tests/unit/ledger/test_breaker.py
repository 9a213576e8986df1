from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hubspot_hitl.ledger.breaker import (
    LONGEST_ASKED_S,
    LONGEST_WAIT_S,
    MOST_IN_FLIGHT,
    PROBE_S,
    STALLED_S,
    THRESHOLD,
    Breaker,
    CircuitState,
)


def opened(caller: str = "a") -> Breaker:
    breaker = Breaker()
    for _ in range(THRESHOLD):
        assert breaker.admit(caller, 0.0) is None
        breaker.failed(caller, 0.0)
    assert breaker.state is CircuitState.OPEN
    return breaker


def test_an_answer_in_between_keeps_it_closed() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD - 1):
        breaker.admit("a", 0.0)
        breaker.failed("a", 0.0)
    breaker.admit("b", 0.0)
    breaker.answered(0.0)
    breaker.admit("a", 0.0)
    breaker.failed("a", 0.0)
    assert (breaker.state, breaker.failures) == (CircuitState.CLOSED, 1)


def test_looks_come_ever_later_but_never_later_than_the_longest_wait() -> None:
    breaker, now_s, waits = opened(), 0.0, list[float]()
    for _ in range(6):
        wait_s = breaker.wait_s(now_s)
        assert wait_s is not None
        waits.append(wait_s)
        now_s += wait_s
        assert breaker.admit("a", now_s) is None
        breaker.failed("a", now_s, looked=True)
    assert waits == [0.5, 1.0, 2.0, 4.0, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_one_looks_at_a_time_and_a_look_that_hangs_lets_another_go() -> None:
    breaker = opened()
    assert breaker.admit("a", 1.0) is None
    assert breaker.admit("b", 1.1) is not None
    assert breaker.admit("b", 1.0 + PROBE_S) is None


def test_a_neighbour_of_a_poisonous_delivery_need_not_wait() -> None:
    breaker = opened("poison")
    assert breaker.admit("poison", 0.1) is not None
    assert breaker.admit("neighbour", 0.1) is None
    breaker.answered(0.2)
    assert breaker.state is CircuitState.CLOSED


def test_a_retry_after_is_heeded_up_to_a_minute() -> None:
    for asked_s, wait_s in ((30.0, 30.0), (3_600.0, LONGEST_ASKED_S)):
        breaker = Breaker(failures=THRESHOLD - 1)
        breaker.admit("a", 0.0)
        breaker.failed("a", 0.0, asked_s)
        assert breaker.wait_s(0.0) == wait_s


def test_those_who_are_refused_come_back_one_after_the_other() -> None:
    breaker = opened()
    waits = [breaker.admit("a", 0.1) for _ in range(3)]
    assert [round(wait, 3) for wait in waits if wait is not None] == [0.4, 0.405, 0.41]


def test_a_late_failure_of_a_call_from_before_is_no_news() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD + 1):
        breaker.admit("a", 0.0)
    for _ in range(THRESHOLD):
        breaker.failed("a", 0.0)
    before = breaker.wait_s(0.2)
    breaker.failed("a", 0.2)
    assert breaker.wait_s(0.2) == before


def test_a_look_that_we_gave_up_leaves_the_next_to_another() -> None:
    breaker = opened()
    assert breaker.admit("a", 1.0) is None
    breaker.given_up(1.1, looked=True)
    assert breaker.state is CircuitState.OPEN
    assert breaker.admit("a", 1.1) is None


def test_a_vendor_that_hangs_does_not_take_every_place() -> None:
    breaker = Breaker()
    for _ in range(MOST_IN_FLIGHT):
        assert breaker.admit("a", 0.0) is None
    assert breaker.admit("a", STALLED_S) is None
    assert breaker.admit("a", STALLED_S + 0.1) is not None
    breaker.answered(STALLED_S + 0.2)
    assert breaker.admit("a", STALLED_S + 0.3) is None


class AnyOrder(RuleBasedStateMachine):
    """Calls of some lanes begin and end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now_s = 0.0
        self.out: list[tuple[str, bool]] = []
        self.looks: list[float] = []

    @rule(by=st.floats(0, 8))
    def time_passes(self, by: float) -> None:
        self.now_s += by

    @rule(caller=st.sampled_from("abcdef"))
    def call(self, caller: str) -> None:
        is_open = self.breaker.opened_s is not None
        if self.breaker.admit(caller, self.now_s) is None:
            self.out.append((caller, is_open))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), how=st.sampled_from(["answered", "failed", "given_up"]))
    def end(self, data: st.DataObject, how: str) -> None:
        caller, looked = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if how == "answered":
            self.breaker.answered(self.now_s)
            assert self.breaker.state is CircuitState.CLOSED
            assert self.breaker.admit("anybody", self.now_s) is None
            self.breaker.answered(self.now_s)
        elif how == "failed":
            self.breaker.failed(caller, self.now_s, looked=looked)
        else:
            self.breaker.given_up(self.now_s, looked=looked)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        assert self.breaker.in_flight == len(self.out)

    @invariant()
    def the_next_look_is_never_far(self) -> None:
        """Whoever comes then is let out: nothing can keep a circuit open for ever."""
        wait_s = self.breaker.wait_s(self.now_s)
        if wait_s is not None:
            assert wait_s <= LONGEST_WAIT_S
            far_s = self.now_s + max(LONGEST_WAIT_S, PROBE_S)
            assert self.breaker.refusal_s("a", far_s) is None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
