"""What has to be swept now and then: evidence past its age, single-use names past their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ports.audit import Nonces
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.flight import FlightLog
from hubspot_hitl.ports.ledger import Ledger
from hubspot_hitl.privacy.retention import Forgetting

log = structlog.get_logger(__name__)

EVERY_S = 3_600.0
FIGURES_EVERY_S: Final = 60.0
DAY_MS = 86_400_000


async def sweep(ledger: Ledger, nonces: Nonces, now_ms: int, retention_days: int) -> int:
    """Delete finished deliveries older than the retention; returns how many.

    A delivery's key protects against repeats for as long as its row is kept; HubSpot repeats for a
    day at most, so even the shortest retention (one day) forgets nothing too early.
    """
    purged = await ledger.purge(now_ms - retention_days * DAY_MS)
    await nonces.purge(now_ms)
    if purged:
        log.info("deliveries_purged", count=purged, older_than_days=retention_days)
    return purged


async def keep_sweeping(
    ledger: Ledger,
    nonces: Nonces,
    clock: Clock,
    retention_days: int,
    forgetting: Forgetting | None = None,
    flight: FlightLog | None = None,
) -> None:
    """Sweep once an hour until cancelled; several replicas doing so harm nothing."""
    while True:
        try:
            await sweep(ledger, nonces, clock.now_ms(), retention_days)
            if flight is not None:
                await flight.purge(clock.now_ms() - retention_days * DAY_MS)
            if forgetting is not None:
                await forgetting.forget(clock.now_ms())
        except StoreUnavailable as error:
            log.warning("sweep_put_off", reason=error.message)
        await clock.sleep(EVERY_S)


class Keeps(Protocol):
    """Something that writes down figures while they can still be had."""

    async def keep(self, now_ms: int) -> None:
        """Do it; what is done already is not done again. Raises StoreUnavailable."""
        ...


async def keep_figures(keepers: Sequence[Keeps], clock: Clock) -> None:
    """Have figures kept, each minute until cancelled."""
    while True:
        await clock.sleep(FIGURES_EVERY_S)
        for one in keepers:
            try:
                await one.keep(clock.now_ms())
            except StoreUnavailable as error:
                log.warning("figures_put_off", reason=error.message)
