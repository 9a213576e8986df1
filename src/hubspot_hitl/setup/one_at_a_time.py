"""Setting an installation up is done by one replica at a time, so that two make one channel."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.ports.services import Services

LEASE_MS: Final = 5 * 60_000
"""How long a replica that dies in the middle keeps the others waiting."""
_LOOK_EVERY_S: Final = 1.0


class SetupUnfinished(ActionRefused):
    """The set-up has not come to its end in time; going on needs nobody's help."""


@asynccontextmanager
async def one_at_a_time(
    services: Services, installation_id: str, deadline: float
) -> AsyncGenerator[None]:
    """Hold the installation's set-up. `deadline` is on the clock's `monotonic()`.

    Raises SetupUnfinished when another replica holds it until then.
    """
    leases, clock = services.leases, services.clock
    if leases is None:
        yield
        return
    name = f"setup:{installation_id}"
    until_ms = clock.now_ms() + LEASE_MS
    while not await leases.acquire(name, clock.now_ms(), until_ms):
        left_s = deadline - clock.monotonic()
        if left_s <= 0:
            raise SetupUnfinished(
                "HubSpot is being set up for this bot at this moment. Nothing needs to be done: try"
                " again in a minute."
            )
        await clock.sleep(min(_LOOK_EVERY_S, left_s))
        until_ms = clock.now_ms() + LEASE_MS
    try:
        yield
    finally:
        await leases.release(name, until_ms)
