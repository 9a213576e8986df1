"""Time as a port, so that no test has to sleep."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells and spends time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...
