"""The time on which all replicas of one database agree: the database server's.

Due times, holds and ages are written by one replica and read by another. With a clock of its own
each, a replica that is ahead would run timers early and give up what another has just begun. So the
server is asked now and then, and in between the time goes on by a clock that nobody sets: a jump of
the machine's clock changes nothing. A SQLite file has one process, whose own clock will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection, text

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.store.engine.database import Database

log = structlog.get_logger(__name__)

ASK_EVERY_S: Final = 30.0
ASK_SOON_S: Final = 2.0
"""The wait after a look that told little."""
LOOKS: Final = 3
NOISE_MS: Final = 250
"""A smaller difference is left as it is, and an answer that took longer is taken as a range."""
TOLD_MS: Final = 5_000
_NOW: Final = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


@dataclass(frozen=True, slots=True)
class _Look:
    """The server's time `server_ms`, read at some moment of the `took_ms` before `answered_s`."""

    server_ms: int
    took_ms: int
    answered_s: float

    @property
    def certain(self) -> bool:
        return self.took_ms < NOISE_MS


class AgreedClock:
    """A :class:`~hubspot_hitl.ports.clock.Clock`; until `agree` it says what the machine's says."""

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._agreed: tuple[int, float] | None = None
        self._certain = True

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
        """Ask the server, up to three times while answers are slow. Raises StoreUnavailable.

        A slow answer may have waited for a connection before the server was asked, or for this
        process afterwards: all that it tells is the range in which the time is. So it only moves
        a time that lies outside, and only to the range's edge.
        """
        if database.dialect != "postgresql":
            return
        look = await self._shortest(database)
        self._certain = look.certain
        middle_ms = look.server_ms + round(look.took_ms / 2)
        if self._agreed is None:
            apart_ms = middle_ms - self._at(look.answered_s)
            if abs(apart_ms) >= TOLD_MS:
                log.warning("clock_differs_from_database", apart_ms=apart_ms)
            self._agreed = (middle_ms, look.answered_s)
            return
        held_ms = self._at(look.answered_s)
        least_ms, most_ms = look.server_ms, look.server_ms + look.took_ms
        now_ms = middle_ms if look.certain else min(max(held_ms, least_ms), most_ms)
        if abs(now_ms - held_ms) >= NOISE_MS:
            self._agreed = (now_ms, look.answered_s)

    async def _shortest(self, database: Database) -> _Look:
        """The look that took the least time: the first that is certain, or the best of a few."""
        looks: list[_Look] = []
        while len(looks) < LOOKS and not (looks and looks[-1].certain):
            asked_s = self._own.monotonic()
            server_ms = await database.read(_server_ms)
            answered_s = self._own.monotonic()
            looks.append(_Look(server_ms, round((answered_s - asked_s) * 1000), answered_s))
        return min(looks, key=lambda look: look.took_ms)

    def _at(self, moment_s: float) -> int:
        """What this clock says, or said, at a moment of `monotonic()`."""
        return self.now_ms() - round((self._own.monotonic() - moment_s) * 1000)

    async def keep_agreeing(self, database: Database) -> None:
        """Ask every half minute until cancelled, and soon again after slow answers."""
        while True:
            await self._own.sleep(ASK_EVERY_S if self._certain else ASK_SOON_S)
            try:
                await self.agree(database)
            except StoreUnavailable as error:
                log.warning("clock_not_compared", reason=error.message)


def _server_ms(connection: Connection) -> int:
    return int(connection.execute(_NOW).scalar_one())
