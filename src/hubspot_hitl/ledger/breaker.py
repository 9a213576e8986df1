"""One circuit breaker: whether a vendor is worth a call on behalf of one installation; pure.

Closed, every call goes out. After `THRESHOLD` failures in a row it opens: calls are refused, and
one at a time goes out to look (half open). Any answer closes it. A caller that has not failed yet
may look at once, so that one poisonous delivery does not make its neighbours wait.

>>> breaker = Breaker()
>>> for _ in range(THRESHOLD):
...     breaker.admit("lane a", 0.0) or breaker.failed("lane a", 0.0)
>>> breaker.admit("lane a", 0.1), breaker.state
(0.4, <CircuitState.OPEN: 'open'>)
>>> breaker.admit("lane a", 0.5), breaker.state
(None, <CircuitState.HALF_OPEN: 'half_open'>)
>>> breaker.answered(0.6), breaker.state
(None, <CircuitState.CLOSED: 'closed'>)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

THRESHOLD: Final = 5
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 5.0
LONGEST_ASKED_S: Final = 60.0
PROBE_S: Final = 5.0
"""A look that takes longer than this does not keep the next one from going out."""
WHILE_LOOKING_S: Final = 0.25
SPREAD_S: Final = 0.005
"""Between the calls that were refused and come back: 200 in a second."""
MOST_IN_FLIGHT: Final = 50
STALLED_S: Final = 5.0
"""So many calls out and none of them back for so long: further ones are refused."""
_MOST_CALLERS: Final = 1_000


class CircuitState(StrEnum):
    """What becomes of a call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """Times are seconds of a monotonic clock; `caller` is a lane, or a name used once."""

    failures: int = 0
    in_flight: int = 0
    opened_s: float | None = None
    _callers: set[str] = field(default_factory=set[str])
    _wait_s: float = FIRST_WAIT_S
    _look_s: float = 0.0
    _looking: bool = False
    _ended_s: float = 0.0
    _refused: int = 0

    @property
    def state(self) -> CircuitState:
        """Closed, open, or open with a look under way."""
        if self.opened_s is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._looking else CircuitState.OPEN

    def open_s(self, now_s: float) -> float:
        """For how long it has been open; 0 when it is closed."""
        return 0.0 if self.opened_s is None else max(0.0, now_s - self.opened_s)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until another look is worth it; None while calls go through."""
        if self.opened_s is None:
            return None
        wait_s = WHILE_LOOKING_S if self._looking else self._look_s - now_s
        return max(0.0, wait_s)

    def refusal_s(self, caller: str, now_s: float) -> float | None:
        """Seconds after which a call that is refused now may come back; None if it is let out."""
        if self.opened_s is None:
            stalled = self.in_flight >= MOST_IN_FLIGHT and now_s - self._ended_s > STALLED_S
            return WHILE_LOOKING_S if stalled else None
        if now_s >= self._look_s or not (self._looking or caller in self._callers):
            return None
        return self.wait_s(now_s)

    def refused(self, caller: str, now_s: float) -> float | None:
        """Like `refusal_s`, and counted: those who are refused come back one after the other."""
        wait_s = self.refusal_s(caller, now_s)
        if wait_s is None:
            return None
        self._refused += 1
        return wait_s + SPREAD_S * (self._refused - 1)

    def admit(self, caller: str, now_s: float) -> float | None:
        """Let a call out (None), or say after how many seconds to come back."""
        wait_s = self.refused(caller, now_s)
        if wait_s is not None:
            return wait_s
        if self.in_flight == 0:
            self._ended_s = now_s
        self.in_flight += 1
        if self.opened_s is not None:
            self._looking, self._refused = True, 0
            self._look_s = now_s + PROBE_S
        return None

    def answered(self, now_s: float) -> None:
        """A call that was let out was answered, whatever the answer said."""
        self._ended(now_s)
        self.failures, self.opened_s, self._looking, self._refused = 0, None, False, 0
        self._wait_s = FIRST_WAIT_S
        self._callers.clear()

    def failed(
        self, caller: str, now_s: float, asked_s: float | None = None, *, looked: bool = False
    ) -> None:
        """A call that was let out had no answer, or 5xx with a Retry-After of `asked_s`.

        `looked`: it was let out while the circuit was open.
        """
        self._ended(now_s)
        self.failures += 1
        if len(self._callers) < _MOST_CALLERS:
            self._callers.add(caller)
        if self.opened_s is None:
            if self.failures < THRESHOLD:
                return
            self.opened_s = now_s
        elif not looked:
            return  # sent before it opened: no news
        else:
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        self._looking, self._refused = False, 0
        self._look_s = now_s + max(self._wait_s, min(asked_s or 0.0, LONGEST_ASKED_S))

    def given_up(self, now_s: float, *, looked: bool = False) -> None:
        """A call that was let out was abandoned by us: no news, but the next may look."""
        self._ended(now_s)
        if looked and self.opened_s is not None:
            self._looking, self._look_s = False, now_s

    def _ended(self, now_s: float) -> None:
        self.in_flight -= 1
        self._ended_s = now_s
