"""Which replicas are alive, as PostgreSQL sees it: sooner than a lease can tell.

Every replica keeps a shared advisory lock on its listening connection, and the server drops it the
moment the process is gone. A replica whose lock is missing for `after_s`, and which has renewed no
lease meanwhile, is taken for dead and its lanes are freed. Should it live after all, its fence
keeps it from marking anything, as after a lost lease. Only this module knows how a lock is named.

>>> roll = Roll("00000001aa", after_s=3.0)
>>> roll.look({1, 2}, owners=["00000002bb", "00000003cc"], now_s=0.0)
frozenset()
>>> roll.look({1}, owners=(), now_s=1.0)
frozenset()
>>> sorted(roll.look({1}, owners=(), now_s=3.0)), sorted(roll.look({1}, owners=(), now_s=4.0))
([3], [2])
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from zlib import crc32

from hubspot_hitl.ledger.postgres.sql import FREE, LIVE, OWNERS, PRESENT, SILENT

if TYPE_CHECKING:
    import asyncpg

LOOK_S: Final = 1.0
OWNERS_EVERY: Final = 10
"""Looks after which the lanes are read too, for owners whose lock was never seen."""
GONE_AFTER_S: Final = 3.0
NAMESPACE: Final = 1_751_737_959
"""The first half of the locks' key, so that they meet nobody else's in the database."""


def key_of(owner: str) -> int:
    """The second half: what stands in `pg_locks.objid`, an unsigned number of 32 bits."""
    try:
        return int(owner[:8], 16)
    except ValueError:
        return crc32(owner.encode())


@dataclass(slots=True)
class Roll:
    """Who was seen, and since when who is missing; times are seconds of a monotonic clock."""

    me: str
    after_s: float = GONE_AFTER_S
    _seen: set[int] = field(default_factory=set[int])
    _missing: dict[int, float] = field(default_factory=dict[int, float])

    def look(self, live: Collection[int], owners: Iterable[str], now_s: float) -> frozenset[int]:
        """Call the roll; returns who is gone by now, each once.

        `live` are the keys whose lock is held, `owners` are replicas known from elsewhere.
        """
        self._seen |= {*live, *map(key_of, owners)} - {key_of(self.me)}
        for key in self._seen:
            if key in live:
                self._missing.pop(key, None)
            else:
                self._missing.setdefault(key, now_s)
        gone = frozenset(
            key for key, since in self._missing.items() if now_s - since >= self.after_s
        )
        self._seen -= gone
        for key in gone:
            del self._missing[key]
        return gone


async def announce(connection: asyncpg.Connection[asyncpg.Record], owner: str) -> None:
    """Hold the lock of `owner` for as long as `connection` lives."""
    await connection.execute(PRESENT, NAMESPACE, _signed(key_of(owner)))


async def owners_in(
    connection: asyncpg.Connection[asyncpg.Record], me: str, offset_ms: int
) -> list[str]:
    """The other replicas that own lanes, dead or alive."""
    return [row["owner"] for row in await connection.fetch(OWNERS, me, offset_ms)]


async def silent_in(
    connection: asyncpg.Connection[asyncpg.Record], me: str, offset_ms: int, left_ms: int
) -> list[str]:
    """The other owners of lanes none of whose leases has more than `left_ms` left.

    Who takes or renews leases lives, whatever became of the connection that holds its lock.
    """
    return [row["owner"] for row in await connection.fetch(SILENT, me, offset_ms, left_ms)]


async def live_in(connection: asyncpg.Connection[asyncpg.Record]) -> set[int]:
    """The keys whose lock is held."""
    return {row["key"] for row in await connection.fetch(LIVE, NAMESPACE)}


async def free(
    connection: asyncpg.Connection[asyncpg.Record], owners: Collection[str], offset_ms: int
) -> int:
    """End the leases of these owners; returns how many lanes are free by that."""
    status = await connection.execute(FREE, list(owners), offset_ms)
    return int(status.rpartition(" ")[2])


def _signed(key: int) -> int:
    return key - 2**32 if key >= 2**31 else key
