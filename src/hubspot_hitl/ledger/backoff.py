"""Retry as a value: what becomes of a delivery whose handler raised.

Pure: no clock, no database, no network. The worker obeys the verdict; it does not decide.

>>> from hubspot_hitl.errors import VendorThrottled, VendorRefused
>>> busy = VendorThrottled("slow down", vendor="hubspot", operation="publish", retry_after_s=2)
>>> decide(busy, attempts=1, accepted_ms=0, now_ms=1_000, policy=Policy(), random=lambda: 0.0)
Retry(at_ms=3000, code='vendor_throttled')
>>> refused = VendorRefused("no", vendor="hubspot", operation="publish")
>>> decide(refused, attempts=1, accepted_ms=0, now_ms=1_000, policy=Policy(), random=lambda: 0.0)
Bury(reason='not_retryable', code='vendor_refused')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hubspot_hitl.errors import HitlError

INTERNAL_ERROR = "internal_error"
_JITTER = 0.1
_GROWTH = 3.0
_MOST_DOUBLINGS = 64
_LONGEST_ASKED_S = 24 * 3600.0

BuryReason = Literal["not_retryable", "attempts", "age"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often a kind of delivery is tried. None means without that limit.

    `held` names error codes that no retry of ours can mend but a person can (a revoked grant):
    such a delivery is tried again, in the end every so many seconds, until `max_age_s`, so that
    reconnecting is all it takes. `bug_attempts` limits exceptions that are not ours. Age alone
    buries nothing that was tried less than `least_attempts` times: a timer may be accepted days
    before it is due, and a replay or a lane that was blocked for long starts late too.
    Without `jitter` each wait is twice the last one, for those who count on that.
    """

    base_s: float = 0.5
    cap_s: float = 60.0
    max_age_s: float | None = 24 * 3600.0
    max_attempts: int | None = None
    least_attempts: int = 500
    bug_attempts: int = 5
    jitter: bool = True
    held: Mapping[str, float] = field(default_factory=lambda: {"authorization_lost": 20.0})


@dataclass(frozen=True, slots=True)
class Policies:
    """A policy for each kind, and one for the rest."""

    default: Policy = field(default_factory=Policy)
    by_kind: Mapping[str, Policy] = field(default_factory=dict[str, Policy])

    def of(self, kind: str) -> Policy:
        """The policy that governs `kind`."""
        return self.by_kind.get(kind, self.default)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at `at_ms` (epoch)."""

    at_ms: int
    code: str


@dataclass(frozen=True, slots=True)
class Bury:
    """Put it to the dead letters, because of `reason`."""

    reason: BuryReason
    code: str


Verdict = Retry | Bury


def error_code(error: BaseException) -> str:
    """The stable code under which people search: ours, or `internal_error` for a bug."""
    return error.code if isinstance(error, HitlError) else INTERNAL_ERROR


def decide(
    error: BaseException,
    *,
    attempts: int,
    accepted_ms: int,
    now_ms: int,
    policy: Policy,
    random: Callable[[], float],
) -> Verdict:
    """Retry or bury, after the `attempts`-th failure (1 is the first). `random` is in [0, 1).

    A wait that the vendor asked for is never shortened. A retry that would start after
    `max_age_s` is moved to that age, so that the last attempt is made at the very end.
    """
    code = error_code(error)
    held_s = policy.held.get(code)
    if isinstance(error, HitlError):
        if not error.retryable and held_s is None:
            return Bury("not_retryable", code)
    elif attempts >= policy.bug_attempts:
        return Bury("attempts", code)
    if policy.max_attempts is not None and attempts >= policy.max_attempts:
        return Bury("attempts", code)
    last_ms = None
    if policy.max_age_s is not None and attempts >= policy.least_attempts:
        last_ms = accepted_ms + round(policy.max_age_s * 1000)
        if now_ms >= last_ms:
            return Bury("age", code)
    asked_s = _asked_s(error)
    if held_s is not None:
        # A refusal may be a passing one; so the first tries come soon.
        soon_s = policy.base_s * _GROWTH ** min(attempts - 1, _MOST_DOUBLINGS)
        wait_s = min(held_s, soon_s) * (1 + _JITTER * random())
    elif asked_s is not None:
        wait_s = asked_s + _JITTER * min(asked_s, policy.cap_s) * random()
    elif policy.jitter:
        wait_s = _jittered_s(attempts, policy, random())
    else:
        wait_s = min(policy.cap_s, policy.base_s * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS))
    at_ms = now_ms + max(1, round(wait_s * 1000))
    if last_ms is not None and asked_s is None:
        at_ms = min(at_ms, last_ms)
    return Retry(at_ms, code)


def _asked_s(error: BaseException) -> float | None:
    """The wait the vendor asked for, if it is one: a header can hold anything."""
    asked: object = getattr(error, "retry_after_s", None)
    if isinstance(asked, int | float) and 0 <= asked <= _LONGEST_ASKED_S:
        return float(asked)
    return None


def _jittered_s(attempts: int, policy: Policy, chance: float) -> float:
    """Decorrelated jitter without a memory of the last wait: the range grows, its floor stays.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    exponent = min(max(attempts, 1), _MOST_DOUBLINGS)
    ceiling_s = min(policy.cap_s, policy.base_s * _GROWTH**exponent)
    floor_s = min(policy.base_s, ceiling_s)
    return floor_s + (ceiling_s - floor_s) * chance
