"""The time on which all replicas of one database agree: the database server's.

Due times, holds and ages are written by one replica and read by another. With a clock of its own
each, a replica that is ahead would run timers early and give up what another has just begun. So the
server is asked now and then, and in between the time goes on by a clock that nobody sets: a jump of
the machine's clock changes nothing. A SQLite file has one process, whose own clock will do.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import Connection, text

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.store.database import Database

log = structlog.get_logger(__name__)

ASK_EVERY_S: Final = 30.0
NOISE_MS: Final = 250
"""A smaller difference is left as it is: it may be the time that the answer took."""
TOLD_MS: Final = 5_000
_NOW: Final = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


class AgreedClock:
    """A :class:`~hubspot_hitl.ports.clock.Clock`; until `agree` it says what the machine's says."""

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._agreed: tuple[int, float] | None = None

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        if self._agreed is None:
            return self._own.now_ms()
        at_ms, at_s = self._agreed
        return at_ms + round((self._own.monotonic() - at_s) * 1000)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return self._own.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await self._own.sleep(seconds)

    async def agree(self, database: Database) -> None:
        """Ask the server. Raises StoreUnavailable."""
        if database.dialect != "postgresql":
            return
        asked_s = self._own.monotonic()
        server_ms = await database.read(_server_ms)
        answered_s = self._own.monotonic()
        now_ms = server_ms + round((answered_s - asked_s) * 500)
        if self._agreed is None:
            apart_ms = now_ms - self._own.now_ms()
            if abs(apart_ms) >= TOLD_MS:
                log.warning("clock_differs_from_database", apart_ms=apart_ms)
        elif abs(now_ms - self.now_ms()) < NOISE_MS:
            return
        self._agreed = (now_ms, answered_s)

    async def keep_agreeing(self, database: Database) -> None:
        """Ask every half minute until cancelled."""
        while True:
            await self._own.sleep(ASK_EVERY_S)
            try:
                await self.agree(database)
            except StoreUnavailable as error:
                log.warning("clock_not_compared", reason=error.message)


def _server_ms(connection: Connection) -> int:
    return int(connection.execute(_NOW).scalar_one())
