"""Whether a vendor chokes on one lane's call alone, while it takes the calls of others; pure.

A 5xx is a passing thing and is tried again for a day. But a vendor may answer it for ever to one
message that it cannot digest, and everything of that chat, both ways, waits behind it. What tells
the two apart is how the others fare meanwhile. Of an outage, a whole or a partial one, nothing here
says that it is one call's fault: then the others fail too, or there are none.

>>> choking = Choking()
>>> for second in range(0, 400, 30):
...     choking.failed("lane a", "publish", float(second))
...     choking.succeeded("lane b", "publish")
>>> choking.on("lane a", "publish", 400.0), choking.on("lane b", "publish", 400.0)
(True, False)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cachetools import LRUCache

LEAST_TRIES: Final = 12
LEAST_OTHERS: Final = 10
"""How many calls of others the vendor must have taken since the first failure."""
MOST_FAILED: Final = 0.1
"""Which share of the others' calls may have failed at most."""
SAME_CALL_S: Final = 300.0
"""How long it takes while others make the very same call."""
OTHER_CALLS_S: Final = 1_200.0
"""How long it takes while nobody else makes it, but other calls are taken."""
_MOST_CALLERS: Final = 1_000


@dataclass(slots=True)
class _Tally:
    """How many calls were taken and how many failed."""

    taken: int = 0
    failed: int = 0

    def since(self, before: _Tally, own_failures: int) -> _Tally:
        return _Tally(self.taken - before.taken, self.failed - before.failed - own_failures)

    @property
    def is_well(self) -> bool:
        return self.taken >= LEAST_OTHERS and self.failed <= MOST_FAILED * self.taken


@dataclass(slots=True)
class _Stumbling:
    """One caller's failures in a row, and what all calls were when the first one came."""

    since_s: float
    same: _Tally
    all: _Tally
    tries: int = 0


@dataclass(slots=True)
class Choking:
    """The calls of one installation to one vendor. `caller` is a lane; times are monotonic."""

    _all: _Tally = field(default_factory=_Tally)
    _by_operation: dict[str, _Tally] = field(default_factory=dict[str, _Tally])
    _stumbling: LRUCache[tuple[str, str], _Stumbling] = field(
        default_factory=lambda: LRUCache[tuple[str, str], _Stumbling](_MOST_CALLERS)
    )

    def succeeded(self, caller: str, operation: str) -> None:
        """A call was taken."""
        self._stumbling.pop((caller, operation), None)
        self._all.taken += 1
        self._same(operation).taken += 1

    def failed(self, caller: str, operation: str, now_s: float) -> None:
        """A call was answered 5xx, or not at all."""
        same = self._same(operation)
        one = self._stumbling.get((caller, operation))
        if one is None:
            before = _Tally(same.taken, same.failed), _Tally(self._all.taken, self._all.failed)
            one = self._stumbling[caller, operation] = _Stumbling(now_s, *before)
        one.tries += 1
        self._all.failed += 1
        same.failed += 1

    def on(self, caller: str, operation: str, now_s: float) -> bool:
        """Whether it is this caller's call alone that the vendor cannot take."""
        one = self._stumbling.get((caller, operation))
        if one is None or one.tries < LEAST_TRIES:
            return False
        for_s = now_s - one.since_s
        same = self._same(operation).since(one.same, one.tries)
        if for_s >= SAME_CALL_S and same.is_well:
            return True
        nobody_else = same.taken == same.failed == 0
        others = self._all.since(one.all, one.tries)
        return for_s >= OTHER_CALLS_S and nobody_else and others.is_well

    def forget(self, caller: str, operation: str) -> None:
        """The caller gave its call up: the next one has not failed yet."""
        self._stumbling.pop((caller, operation), None)

    def _same(self, operation: str) -> _Tally:
        return self._by_operation.setdefault(operation, _Tally())
