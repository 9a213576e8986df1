"""Trying again inside a request whose caller waits for a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from hubspot_hitl.errors import VendorError
from hubspot_hitl.ports.services import Services

T = TypeVar("T")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0


async def persist(services: Services, deadline: float, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent call while a retry can help and the deadline allows another one.

    `deadline` is on the clock's `monotonic()`. Raises the last error.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await call()
        except VendorError as error:
            pause_s = max(wait_s, error.retry_after_s or 0.0)
            if not error.retryable or services.clock.monotonic() + pause_s >= deadline:
                raise
        await services.clock.sleep(pause_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)
