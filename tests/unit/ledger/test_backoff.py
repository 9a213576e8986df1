from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import (
    AuthorizationLost,
    HitlError,
    StoreUnavailable,
    VendorFault,
    VendorRefused,
    VendorThrottled,
)
from hubspot_hitl.ledger.backoff import Bury, Policies, Policy, Retry, Verdict, decide

DAY_MS = 24 * 3600 * 1000


def fault(retry_after_s: float | None = None) -> VendorFault:
    return VendorFault("fault", vendor="hubspot", operation="publish", retry_after_s=retry_after_s)


def verdict(
    error: BaseException,
    *,
    attempts: int = 1,
    age_ms: int = 0,
    policy: Policy | None = None,
    chance: float = 0.5,
) -> Verdict:
    return decide(
        error,
        attempts=attempts,
        accepted_ms=0,
        now_ms=age_ms,
        policy=policy or Policy(),
        random=lambda: chance,
    )


def test_without_jitter_each_wait_is_twice_the_last_one() -> None:
    policy = Policy(base_s=1.0, cap_s=100.0, jitter=False)
    error = VendorFault("no", vendor="hubspot", operation="x")
    waits: list[int] = []
    for attempts in range(1, 10):
        verdict = decide(
            error, attempts=attempts, accepted_ms=0, now_ms=0, policy=policy, random=lambda: 0.7
        )
        assert isinstance(verdict, Retry)
        waits.append(verdict.at_ms)
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 100_000, 100_000]


def test_an_error_that_will_repeat_itself_is_buried_at_once() -> None:
    refused = VendorRefused("no", vendor="hubspot", operation="publish")
    assert verdict(refused) == Bury("not_retryable", "vendor_refused")


def test_an_outage_is_waited_out_for_a_day() -> None:
    assert isinstance(verdict(fault(), attempts=2_000, age_ms=DAY_MS - 1), Retry)
    assert verdict(fault(), attempts=2_000, age_ms=DAY_MS) == Bury("age", "vendor_fault")


def test_the_last_attempt_is_made_at_the_very_end_of_the_age() -> None:
    assert verdict(fault(), attempts=900, age_ms=DAY_MS - 5) == Retry(DAY_MS, "vendor_fault")


def test_age_buries_nothing_that_was_hardly_tried() -> None:
    assert isinstance(verdict(fault(), attempts=499, age_ms=3 * DAY_MS), Retry)
    assert verdict(fault(), attempts=500, age_ms=3 * DAY_MS) == Bury("age", "vendor_fault")


def test_a_wait_that_the_vendor_asked_for_is_not_shortened() -> None:
    throttled = VendorThrottled("429", vendor="botpress", operation="x", retry_after_s=90)
    assert verdict(throttled, chance=0.0) == Retry(90_000, "vendor_throttled")


@pytest.mark.parametrize("nonsense", [-1.0, 1e300, math.inf, math.nan])
def test_a_wait_that_is_no_wait_is_ignored(nonsense: float) -> None:
    outcome = verdict(fault(retry_after_s=nonsense), chance=0.0)
    assert outcome == Retry(500, "vendor_fault")


def test_a_lost_grant_is_held_until_somebody_reconnects() -> None:
    lost = AuthorizationLost("gone", vendor="hubspot", operation="token")
    assert verdict(lost, attempts=700, chance=0.0) == Retry(20_000, "authorization_lost")


def test_a_grant_that_is_refused_once_is_tried_again_soon() -> None:
    lost = AuthorizationLost("gone", vendor="hubspot", operation="token")
    waits = [verdict(lost, attempts=number, chance=0.0) for number in (1, 2, 3, 4, 6)]
    assert waits == [Retry(ms, "authorization_lost") for ms in (500, 1_500, 4_500, 13_500, 20_000)]


def test_a_lost_grant_is_buried_by_a_policy_that_holds_nothing() -> None:
    lost = AuthorizationLost("gone", vendor="hubspot", operation="token")
    assert verdict(lost, policy=Policy(held={})) == Bury("not_retryable", "authorization_lost")


def test_a_bug_is_tried_five_times() -> None:
    assert isinstance(verdict(KeyError("x"), attempts=4), Retry)
    assert verdict(KeyError("x"), attempts=5) == Bury("attempts", "internal_error")


def test_a_kind_may_have_fewer_attempts() -> None:
    policies = Policies(by_kind={"nudge": Policy(max_attempts=2)})
    assert verdict(fault(), attempts=2, policy=policies.of("nudge")) == Bury(
        "attempts", "vendor_fault"
    )
    assert isinstance(verdict(fault(), attempts=2, policy=policies.of("message")), Retry)


@given(
    attempts=st.integers(1, 10**9),
    chance=st.floats(0, 1, exclude_max=True),
    base_s=st.floats(0.001, 10),
    cap_s=st.floats(0.001, 600),
)
def test_the_wait_stays_between_floor_and_cap(
    attempts: int, chance: float, base_s: float, cap_s: float
) -> None:
    policy = Policy(base_s=base_s, cap_s=cap_s, max_age_s=None)
    outcome = verdict(StoreUnavailable("away"), attempts=attempts, policy=policy, chance=chance)
    assert isinstance(outcome, Retry)
    assert round(min(base_s, cap_s) * 1000) <= outcome.at_ms <= max(1, round(cap_s * 1000))


def test_the_codes_that_are_held_are_told_by_code_not_by_class() -> None:
    class FrozenError(HitlError):
        code = "frozen"

    policy = Policy(held={"frozen": 5.0})
    brr = FrozenError("brr")
    assert verdict(brr, attempts=9, policy=policy, chance=0.0) == Retry(5_000, "frozen")
