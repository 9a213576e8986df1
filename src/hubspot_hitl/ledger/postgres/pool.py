"""The ledger's connections to PostgreSQL, of which none leads to a server that has fallen silent.

asyncpg's pool takes a connection for good until it breaks. But when the machine of a server is gone
nothing breaks for a long time: each connection would take its whole time limit to tell.

Giving a connection back to that pool and taking it again costs more CPU time than a small
statement: it is shielded, timed and looked after each time. So one stays out of it between its
uses, unless somebody waits for one there: who comes later must not go before them. Commits, which
come one after the other and at least each second, nearly always find it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.postgres_server import PostgresServer

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    PoolConnection = PoolConnectionProxy[asyncpg.Record]

_log = structlog.get_logger(__name__)

_SIZE: Final = 4
PARTING_S: Final = 1.0
"""For how long a connection that took too long may answer to a rollback or a cancellation."""


class PostgresPool:
    """Up to four connections; `prepare` is run on each new one.

    Neither a statement nor the wait for a connection may take longer than `timeout_s`.
    """

    def __init__(
        self,
        server: PostgresServer,
        prepare: Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[None]],
        *,
        timeout_s: float,
    ) -> None:
        self._server = server
        self._prepare = prepare
        self._timeout_s = timeout_s
        self._trusted: set[int] = set()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._kept: PoolConnection | None = None
        self._waiting = 0

    @property
    def is_open(self) -> bool:
        """Whether `open` was called, and `close` not since."""
        return self._pool is not None

    async def open(self) -> None:
        """Be ready; connections are made when they are needed."""
        import asyncpg  # an optional extra

        self._pool = await asyncpg.create_pool(
            connect=self._server.connect,
            min_size=0,
            max_size=_SIZE,
            command_timeout=self._timeout_s,
            init=self._trust,
            reset=_nothing,
        )

    async def close(self) -> None:
        """Disconnect. May be called twice."""
        pool, self._pool = self._pool, None
        kept, self._kept = self._kept, None
        if pool is not None:
            try:
                if kept is not None:
                    await _give_back(pool, kept)
                await asyncio.wait_for(pool.close(), self._timeout_s)
            except Exception as error:
                _log.warning("ledger_pool_not_closed", error=type(error).__name__)
                pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[PoolConnection]:
        """A connection, for as long as it is needed. Raises TimeoutError when none comes.

        After a statement that took too long, none that was made before is used again.
        """
        if self._pool is None:
            raise StoreUnavailable(f"the ledger's connection to {self._server.where} is closed")
        pool = self._pool
        connection = await self._take(pool)
        try:
            yield connection
        except BaseException as error:
            if isinstance(error, TimeoutError):
                self._trusted.clear()
            await _give_back(pool, connection)
            raise
        await self._keep(pool, connection)

    async def _take(self, pool: asyncpg.Pool[asyncpg.Record]) -> PoolConnection:
        """The kept connection or another one, and never one of a server that has fallen silent."""
        connection, self._kept = self._kept, None
        if connection is not None and _is_dead(connection):
            await _give_back(pool, connection)
            connection = None
        if connection is None:
            connection = await self._acquire(pool)
        while connection.get_server_pid() not in self._trusted:
            connection.terminate()  # which gives its place back
            connection = await self._acquire(pool)
        return connection

    async def _acquire(self, pool: asyncpg.Pool[asyncpg.Record]) -> PoolConnection:
        self._waiting += 1
        try:
            return await pool.acquire(timeout=self._timeout_s)
        finally:
            self._waiting -= 1

    async def _keep(self, pool: asyncpg.Pool[asyncpg.Record], connection: PoolConnection) -> None:
        """Keep it for the next use; but who waits in the pool already goes first."""
        if self._kept is None and self._waiting == 0 and self._pool is pool:
            self._kept = connection
        else:
            await _give_back(pool, connection)

    async def _trust(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._trusted.add(connection.get_server_pid())
        await self._prepare(connection)


async def _give_back(pool: asyncpg.Pool[asyncpg.Record], connection: PoolConnection) -> None:
    with suppress(Exception):  # then the pool has ended it; what was done here stays done
        await pool.release(connection, timeout=PARTING_S)


def _is_dead(connection: PoolConnection) -> bool:
    """Whether it broke while it was kept; most such were taken back and answer no question."""
    import asyncpg

    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def _nothing(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """What a connection needs before its next use: the statements here leave nothing behind.

    asyncpg's own reset is a round trip for each use; what it does about an open transaction is
    done without it.
    """
