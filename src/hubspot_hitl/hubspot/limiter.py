"""Keeps the calls to one portal under HubSpot's limits, the live chat first.

HubSpot counts requests per app and portal in a sliding window, and searches in a window of their
own. Every call waits here for its turn. A share of the window is kept for live chat, so that CRM
work that fills the rest never delays a message. HubSpot's headers lead: they tell the size of the
window (110 for OAuth apps, 190 for private ones) and what others have used of it. Until an answer
has carried them, the configured window is an assumption; it holds back everything but live chat,
for a person is not kept waiting for a limit that nobody has named. No background task: each waiter
sleeps until its own turn can come.

Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import count

from hubspot_hitl.errors import NoTurn
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.hubspot import Priority

_SHORTEST_SLEEP_S = 0.001
_LONGEST_WINDOW_S = 60.0
"""A longer wait is not about a sliding window: it is the budget of the day."""


@dataclass(frozen=True, slots=True)
class Window:
    """`requests` per `per_s` seconds; `chat_share` of them are for live chat alone."""

    requests: int = 110
    per_s: float = 10.0
    chat_share: float = 0.2

    def cap(self, priority: Priority, requests: int) -> int:
        """How far calls of `priority` may fill a window of `requests`; at least one always may."""
        if priority is Priority.LIVE_CHAT:
            return requests
        return max(1, requests - int(requests * self.chat_share))


GENERAL = Window()
SEARCH = Window(requests=5, per_s=1.0)


@dataclass(frozen=True, slots=True)
class Budget:
    """What HubSpot says of the window in an answer's headers."""

    limit: int
    remaining: int
    interval_s: float | None = None


class RateLimiter:
    """The limits of one app in one portal. `longest_wait_s` bounds the wait for a turn.

    HubSpot counts a call when it arrives, which is later than it was sent, and not for all calls by
    the same time: `slack_s` is how much longer than its window each call is counted here.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        general: Window = GENERAL,
        search: Window = SEARCH,
        longest_wait_s: float = 30.0,
        longest_pause_s: float = 3.0,
        slack_s: float = 0.0,
    ) -> None:
        waits = (longest_wait_s, longest_pause_s, slack_s)
        self._general = _Lane(clock, general, *waits)
        self._search = _Lane(clock, search, *waits, certain=True)

    @property
    def used(self) -> float:
        """The share of the present window that is spent, between 0 and 1."""
        return self._general.used

    def take_peak(self) -> float:
        """The highest share that was spent at a time since this was asked last, between 0 and 1."""
        return self._general.take_peak()

    async def acquire(self, operation: str, priority: Priority, *, search: bool = False) -> None:
        """Return when the call may be sent.

        Raises :class:`NoTurn`, with the time to come back, when the turn would not come
        in time: longer waiting belongs to the ledger.
        """
        await (self._search if search else self._general).acquire(operation, priority)

    def learn(self, budget: Budget, *, sent_at: float) -> None:
        """Take in what an answer said; `sent_at` is the monotonic time its request left.

        Calls of others in the same window (another replica, another process) become visible here.
        """
        self._general.learn(budget, sent_at)

    def pause(
        self, seconds: float, *, search: bool = False, priority: Priority = Priority.LIVE_CHAT
    ) -> None:
        """HubSpot said 429 to a call of `priority`: for `seconds` nothing is sent but live chat.

        Live chat waits too when the wait is long, or one 429 follows another with no success
        between: a single short one is often about one call, and a person's words should not wait
        for that. What CRM calls are told holds live chat back only when it is the budget of the
        day: a window that CRM work has filled empties from its old end while that work waits.
        """
        (self._search if search else self._general).pause(seconds, priority)

    def passed(self, *, search: bool = False) -> None:
        """HubSpot carried a call out, so there is room again."""
        (self._search if search else self._general).passed()


class _Lane:
    """One window: the times of its calls, oldest first, and those who wait, best first."""

    def __init__(
        self,
        clock: Clock,
        window: Window,
        longest_wait_s: float,
        longest_pause_s: float,
        slack_s: float,
        *,
        certain: bool = False,
    ) -> None:
        self._clock = clock
        self._window = window
        self._requests = window.requests
        self._per_s = window.per_s + slack_s
        self._slack_s = slack_s
        # Searches carry no headers, so their documented limit is all there is to go by.
        self._certain = certain
        self._longest_wait_s = longest_wait_s
        self._longest_pause_s = longest_pause_s
        self._sent: list[float] = []
        self._waiting: list[tuple[Priority, int]] = []
        self._tickets = count()
        self._paused_until = float("-inf")
        self._chat_paused_until = float("-inf")
        self._refusals = 0
        self._peak = 0.0

    async def acquire(self, operation: str, priority: Priority) -> None:
        ticket = (priority, next(self._tickets))
        insort(self._waiting, ticket)
        deadline = self._clock.monotonic() + self._longest_wait_s
        try:
            while True:
                now = self._clock.monotonic()
                delay = self._delay(ticket, now)
                if delay <= 0:
                    break
                pause = self._pause_of(priority, now)
                if pause > self._longest_pause_s or now + delay > deadline:
                    raise NoTurn(
                        "HubSpot's rate limit leaves no room for this call in time;"
                        " it is tried again later",
                        vendor="hubspot",
                        operation=operation,
                        retry_after_s=max(delay, pause),
                    )
                await self._clock.sleep(max(delay, _SHORTEST_SLEEP_S))
            insort(self._sent, now)
            self._peak = max(self._peak, self._share)
        finally:
            self._waiting.remove(ticket)

    def learn(self, budget: Budget, sent_at: float) -> None:
        if budget.limit <= 0:
            return
        self._certain = True
        self._requests = budget.limit
        if budget.interval_s is not None and budget.interval_s > 0:
            self._per_s = budget.interval_s + self._slack_s
        self._forget(self._clock.monotonic())
        others = (budget.limit - budget.remaining) - len(self._sent)
        if others > 0 and sent_at + self._per_s > self._clock.monotonic():
            at = bisect_right(self._sent, sent_at)
            self._sent[at:at] = [sent_at] * min(others, self._requests)
        self._peak = max(self._peak, self._share)

    @property
    def used(self) -> float:
        self._forget(self._clock.monotonic())
        return self._share

    @property
    def _share(self) -> float:
        return min(1.0, len(self._sent) / self._requests) if self._requests else 1.0

    def take_peak(self) -> float:
        peak, self._peak = max(self._peak, self.used), 0.0
        return peak

    def pause(self, seconds: float, priority: Priority) -> None:
        until = self._clock.monotonic() + seconds
        if priority is Priority.CRM:
            self._paused_until = max(self._paused_until, until)
            if seconds > _LONGEST_WINDOW_S:
                self._chat_paused_until = max(self._chat_paused_until, until)
            return
        self._refusals += 1
        self._paused_until = max(self._paused_until, until)
        if self._refusals > 1 or seconds > self._longest_pause_s:
            self._chat_paused_until = max(self._chat_paused_until, until)

    def passed(self) -> None:
        self._refusals = 0

    def _pause_of(self, priority: Priority, now: float) -> float:
        """Seconds that a pause still keeps calls of `priority` waiting."""
        chat = priority is Priority.LIVE_CHAT
        return max(0.0, (self._chat_paused_until if chat else self._paused_until) - now)

    def _delay(self, ticket: tuple[Priority, int], now: float) -> float:
        """Seconds until there is room for `ticket` and for all who go before it; 0 means now."""
        self._forget(now)
        pause = self._pause_of(ticket[0], now)
        if ticket[0] is Priority.LIVE_CHAT and not self._certain:
            return pause
        ahead = bisect_right(self._waiting, ticket) - 1
        cap = self._window.cap(ticket[0], self._requests)
        too_many = len(self._sent) + ahead + 1 - cap
        if too_many <= 0:
            return pause
        if too_many > len(self._sent):
            return max(pause, self._per_s)
        return max(pause, self._sent[too_many - 1] + self._per_s - now, _SHORTEST_SLEEP_S)

    def _forget(self, now: float) -> None:
        """Drop the calls that have left the window."""
        del self._sent[: bisect_right(self._sent, now - self._per_s)]
