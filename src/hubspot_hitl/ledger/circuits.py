"""All breakers of a process, and whose call it is.

Kept in memory: each replica finds out for itself within a few calls, and a restart begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import count
from typing import Final

import structlog
from cachetools import LRUCache

from hubspot_hitl.errors import (
    CircuitOpen,
    HitlError,
    Vendor,
    VendorChokes,
    VendorError,
    VendorFault,
    VendorUnreachable,
)
from hubspot_hitl.ledger.breaker import Breaker
from hubspot_hitl.ledger.choking import Choking
from hubspot_hitl.ports.clock import Clock

_log = structlog.get_logger(__name__)

LANE: ContextVar[str | None] = ContextVar("lane", default=None)
"""The lane whose delivery is being handled here; None in a request that somebody waits for."""
MAY_GIVE_UP: ContextVar[int | None] = ContextVar("may_give_up", default=None)
"""The delivery that is being handled here, if one that a vendor chokes on alone is given up."""

PATIENCE_S: Final = 3.0
"""How long a call that somebody waits for stays until it is let out."""
_MOST: Final = 10_000


class BreakerCircuits:
    """The :class:`~hubspot_hitl.ports.circuits.Circuits` of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: LRUCache[tuple[str, Vendor], Breaker] = LRUCache(_MOST)
        self._choking: LRUCache[tuple[str, Vendor], Choking] = LRUCache(_MOST)
        self._names = count()

    @asynccontextmanager
    async def calling(
        self, installation_id: str, vendor: Vendor, operation: str
    ) -> AsyncGenerator[None]:
        """Surround one request; what it raises tells how the vendor is. May raise CircuitOpen.

        A lane is refused at once and comes back; a request that somebody waits for stays a while.
        Raises VendorChokes in place of a 5xx that is answered to this delivery alone, again and
        again, if it is one that may be given up.
        """
        breaker = self._breaker(installation_id, vendor)
        caller = LANE.get()
        # An operation that has not failed may look, or one that always does would spend every look.
        name = f"{caller} {operation}" if caller is not None else f"request {next(self._names)}"
        patience_s = 0.0 if caller is not None else PATIENCE_S
        while (wait_s := breaker.admit(name, self._clock.monotonic())) is not None:
            patience_s -= wait_s
            if patience_s < 0:
                raise self._refused(breaker, vendor, operation, wait_s)
            await self._clock.sleep(wait_s)
        looked = breaker.opened_s is not None
        try:
            yield
        except HitlError as error:
            if is_outage(error):
                asked_s = error.retry_after_s if isinstance(error, VendorError) else None
                was_open = breaker.opened_s is not None
                breaker.failed(name, self._clock.monotonic(), asked_s, looked=looked)
                if breaker.opened_s is not None and not was_open:
                    _log.warning("circuit_opened", installation=installation_id, vendor=vendor)
                self._look_for_choking(installation_id, vendor, operation, error)
            else:
                self._answered(breaker, installation_id, vendor, operation, taken=False)
            raise
        except BaseException:
            breaker.given_up(self._clock.monotonic(), looked=looked)
            raise
        self._answered(breaker, installation_id, vendor, operation, taken=True)

    def check(self, installation_id: str, vendor: Vendor, operation: str) -> None:
        """Raise CircuitOpen if `calling` surely would: before a place in a queue is taken."""
        caller = LANE.get()
        if caller is None:
            return
        breaker = self._breaker(installation_id, vendor)
        wait_s = breaker.refused(f"{caller} {operation}", self._clock.monotonic())
        if wait_s is not None:
            raise self._refused(breaker, vendor, operation, wait_s)

    def wait_s(self, installation_id: str, vendor: Vendor) -> float | None:
        """Seconds until another look at the vendor is worth it; None while calls go through."""
        return self._breaker(installation_id, vendor).wait_s(self._clock.monotonic())

    def open_by_vendor(self) -> Mapping[Vendor, int]:
        """How many installations each vendor does not answer."""
        found: Counter[Vendor] = Counter({"hubspot": 0, "botpress": 0})
        for (_, vendor), breaker in self._breakers.items():
            found[vendor] += breaker.opened_s is not None
        return found

    def _breaker(self, installation_id: str, vendor: Vendor) -> Breaker:
        breaker = self._breakers.get((installation_id, vendor))
        if breaker is None:
            breaker = self._breakers[installation_id, vendor] = Breaker()
        return breaker

    def _calls(self, installation_id: str, vendor: Vendor) -> Choking:
        calls = self._choking.get((installation_id, vendor))
        if calls is None:
            calls = self._choking[installation_id, vendor] = Choking()
        return calls

    def _look_for_choking(
        self, installation_id: str, vendor: Vendor, operation: str, error: HitlError
    ) -> None:
        """Raise VendorChokes from `error` when the vendor fails on this delivery's call alone."""
        choker = _choker()
        if choker is None:
            return
        now_s = self._clock.monotonic()
        calls = self._calls(installation_id, vendor)
        calls.failed(choker, operation, now_s, fault=isinstance(error, VendorFault))
        if MAY_GIVE_UP.get() is None or not isinstance(error, VendorFault):
            return
        if calls.on(choker, operation, now_s):
            raise VendorChokes(error) from error

    def _refused(
        self, breaker: Breaker, vendor: Vendor, operation: str, wait_s: float
    ) -> CircuitOpen:
        open_s = breaker.open_s(self._clock.monotonic())
        return CircuitOpen(vendor=vendor, operation=operation, retry_after_s=wait_s, open_s=open_s)

    def _answered(
        self,
        breaker: Breaker,
        installation_id: str,
        vendor: Vendor,
        operation: str,
        *,
        taken: bool,
    ) -> None:
        now_s = self._clock.monotonic()
        if breaker.opened_s is not None:
            _log.warning(
                "circuit_closed",
                installation=installation_id,
                vendor=vendor,
                after_s=round(breaker.open_s(now_s), 1),
            )
        breaker.answered(now_s)
        if (choker := _choker()) is not None:
            self._calls(installation_id, vendor).answered(choker, operation, taken=taken)


def _choker() -> str | None:
    """Who makes the call: the delivery, so that the next one of its lane begins anew.

    Its lane, if it is never given up; None in a request that somebody waits for.
    """
    lane, seq = LANE.get(), MAY_GIVE_UP.get()
    return lane if seq is None else f"{lane} {seq}"


def is_outage(error: BaseException) -> bool:
    """Whether the vendor, and not the request, is what failed: no answer, or 5xx."""
    if isinstance(error, VendorFault):
        return error.status is None or error.status >= 500
    return isinstance(error, VendorUnreachable)
