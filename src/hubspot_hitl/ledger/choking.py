"""Whether a vendor chokes on one message alone, while it takes the calls of others; pure.

A 5xx is a passing thing and is tried again for a day. But a vendor may answer it for ever to one
message that it cannot digest, and everything of that chat, both ways, waits behind it. What tells
the two apart is how the others fare meanwhile: a failure counts only when others were taken since
the one before, and nothing is told while a second one fails as well, for that is an outage, be it
a partial one.

>>> choking = Choking()
>>> for second in range(0, 400, 30):
...     choking.failed("a", "publish", float(second), fault=True)
...     choking.answered("b", "publish", taken=True)
>>> choking.on("a", "publish", 400.0), choking.on("b", "publish", 400.0)
(True, False)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from cachetools import LRUCache

LEAST_ROUNDS: Final = 12
"""How often it must have failed while others were taken between."""
SAME_CALL_S: Final = 300.0
"""How long it takes while others make the very same call."""
OTHER_CALLS_S: Final = 3_600.0
"""How long it takes while nobody else makes it, but other calls are taken."""
FAILS_TOO: Final = 3
"""From how many failures in a row on another caller counts as failing too."""
RECENT_S: Final = 120.0
"""A failure that is older than this is forgotten."""
_MOST_CALLERS: Final = 1_000
_EVERY: Final = ""


@dataclass(slots=True)
class _Failing:
    """One caller's failures in a row, and the calls of others that were taken between them."""

    since_s: float
    same_at_first: int
    last_s: float = 0.0
    failures: int = 0
    same_seen: int = 0
    all_seen: int = 0
    same_rounds: int = 0
    all_rounds: int = 0


@dataclass(slots=True)
class Choking:
    """The calls of one installation to one vendor. Times are seconds of a monotonic clock.

    `caller` is a delivery, or a lane whose deliveries are never given up.
    """

    _taken: Counter[str] = field(default_factory=Counter[str])
    _failing: LRUCache[tuple[str, str], _Failing] = field(
        default_factory=lambda: LRUCache[tuple[str, str], _Failing](_MOST_CALLERS)
    )

    def answered(self, caller: str, operation: str, *, taken: bool) -> None:
        """A call was answered: `taken`, or refused."""
        self._failing.pop((caller, operation), None)
        if taken:
            self._taken[operation] += 1
            self._taken[_EVERY] += 1

    def failed(self, caller: str, operation: str, now_s: float, *, fault: bool) -> None:
        """A call was answered 5xx (`fault`), or not at all."""
        same, every = self._taken[operation], self._taken[_EVERY]
        one = self._failing.get((caller, operation))
        if one is None or now_s - one.last_s > RECENT_S:
            one = _Failing(now_s, same, same_seen=same, all_seen=every)
            self._failing[caller, operation] = one
        one.failures += 1
        one.last_s = now_s
        if fault:
            one.same_rounds += same > one.same_seen
            one.all_rounds += every > one.all_seen
            one.same_seen, one.all_seen = same, every

    def on(self, caller: str, operation: str, now_s: float) -> bool:
        """Whether it is this caller's call alone that the vendor cannot take."""
        one = self._failing.get((caller, operation))
        if one is None or self._another_fails(caller, operation, now_s):
            return False
        for_s = now_s - one.since_s
        if one.same_rounds >= LEAST_ROUNDS and for_s >= SAME_CALL_S:
            return True
        nobody_else = self._taken[operation] == one.same_at_first
        return nobody_else and one.all_rounds >= LEAST_ROUNDS and for_s >= OTHER_CALLS_S

    def _another_fails(self, caller: str, operation: str, now_s: float) -> bool:
        return any(
            whose != caller
            and what == operation
            and one.failures >= FAILS_TOO
            and now_s - one.last_s <= RECENT_S
            for (whose, what), one in self._failing.items()
        )
