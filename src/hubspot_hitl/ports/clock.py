"""Time as a port, so that no test has to sleep."""

from __future__ import annotations

from typing import Final, Protocol

CLOCKS_APART_MS: Final = 360_000
"""How far a vendor's clock may be from ours: both refuse signatures that differ by five minutes."""


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
