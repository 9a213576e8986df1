"""The shared engine: PostgreSQL through asyncpg, for any number of replicas.

A write is one transaction on a pooled connection. When the server says that the transaction lost a
deadlock, or the connection turns out to be dead before the commit, the function runs again: nothing
of the first run is left. A commit whose answer never came is not repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeVar

import structlog
from sqlalchemy import Connection, ExceptionContext, NullPool, event
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.postgres_server import PostgresServer

T = TypeVar("T")
_log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 4
_POOL_SIZE: Final = 8
_DIALECT: Final = "postgresql+asyncpg://"
_COMMAND_TIMEOUT_S: Final = 20.0
_TURN_TIMEOUT_S: Final = 10.0

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_RUN_AGAIN: Final = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_AWAY_CLASSES: Final = frozenset({"08", "53", "57", "58", "XX"})  # connection, resources, operator
# a stand-by, no login, no connections allowed, a lock that is not given
_AWAY: Final = frozenset({"25006", "28000", "28P01", "3D000", "55000", "55P03"})
_WRONG_LOGIN: Final = frozenset({"28000", "28P01", "3D000", "3F000"})


class PostgresDatabase:
    """One database on a server. See :class:`~hubspot_hitl.store.engine.database.Database`."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = _POOL_SIZE,
        command_timeout_s: float = _COMMAND_TIMEOUT_S,
    ) -> None:
        self._server = PostgresServer(url)
        self._command_timeout_s = command_timeout_s
        self._pool_size = pool_size
        self._engine: AsyncEngine | None = None
        self._reading: AsyncEngine | None = None
        # The pool itself serves whoever happens to ask when a connection comes back: under load
        # some waiters would starve until their time-out. A semaphore's waiters are served in turn.
        self._turns = asyncio.Semaphore(pool_size)

    @property
    def where(self) -> str:
        """The server and database for messages, without the credentials."""
        return self._server.where

    async def start(self) -> None:
        """Connect once, so that a wrong URL or a server that is away is known at once."""
        if self._engine is not None:
            return
        try:
            import asyncpg as _  # noqa: F401 - said here, not deep inside SQLAlchemy
        except ImportError as error:
            raise BadSettings(
                "HITL_DATABASE_URL names PostgreSQL, whose driver is not installed:"
                ' pip install "hubspot-hitl[postgres]"'
            ) from error
        self._engine = create_async_engine(
            _DIALECT,
            connect_args=self._connect_args(self._command_timeout_s),
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=_TURN_TIMEOUT_S,
            hide_parameters=True,  # parameters are people's words: they stay out of errors
        )
        event.listen(self._engine.sync_engine, "handle_error", _take_silence_for_gone)
        # one statement needs no BEGIN and COMMIT around it: one round trip instead of three
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        try:
            await self.read(_ping)
        except StoreUnavailable as error:
            await self.close()
            state = _sqlstate(error.__cause__)
            if state in _WRONG_LOGIN:
                raise BadSettings(
                    f"PostgreSQL at {self.where} refuses the login or has no such database"
                    f" (SQLSTATE {state}): check HITL_DATABASE_URL"
                ) from None
            raise
        except BaseException:
            await self.close()
            raise

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in its own transaction; run it again when it lost a deadlock."""
        return await self._run(self._engine, fn, commit=True)

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a pooled connection; each statement sees what is committed by then."""
        return await self._run(self._reading, fn, commit=False)

    async def alter(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a connection of its own that no command times out; it may commit itself."""
        unhurried = create_async_engine(
            _DIALECT,
            connect_args=self._connect_args(None),
            poolclass=NullPool,
            hide_parameters=True,
        )
        try:
            return await self._run(unhurried, fn, commit=True)
        finally:
            await unhurried.dispose()

    def _connect_args(self, command_timeout_s: float | None) -> dict[str, object]:
        """What SQLAlchemy connects with, beside its own arguments."""
        cached = self._server.statement_cache_size
        return {
            "async_creator_fn": self._server.connect,
            "command_timeout": command_timeout_s,
            **({} if cached is None else {"prepared_statement_cache_size": cached}),
        }

    async def scrub(self) -> None:
        """Nothing: the server's vacuum and its settings decide when dead rows are overwritten."""

    async def _run(
        self, engine: AsyncEngine | None, fn: Callable[[Connection], T], *, commit: bool
    ) -> T:
        if engine is None:
            raise StoreUnavailable(f"the database {self.where} is closed")
        for attempt in range(1, _ATTEMPTS + 1):
            commits = False
            try:
                async with self._turn(), engine.connect() as connection:
                    result = await connection.run_sync(fn)
                    commits = commit
                    if commit:
                        await connection.commit()
                    return result
            except Exception as error:
                again = _worth_again(error) and not commits
                if again and attempt < _ATTEMPTS:
                    await asyncio.sleep(0.005 * attempt if _sqlstate(error) in _RUN_AGAIN else 0)
                    continue
                if not _is_away(error):
                    raise
                _log.warning(
                    "store_failed", where=self.where, error=type(error).__name__, attempt=attempt
                )
                raise self._unavailable(error) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """One of as many turns as there are connections; raises TimeoutError when none comes."""
        async with asyncio.timeout(_TURN_TIMEOUT_S):
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        state = _sqlstate(error)
        detail = f"SQLSTATE {state}" if state else type(_root(error)).__name__
        return StoreUnavailable(
            f"PostgreSQL at {self.where} cannot be used ({detail}): check that the server runs,"
            " accepts connections and has free disk space"
        )

    async def close(self) -> None:
        """Close the pool. May be called twice."""
        engine, self._engine, self._reading = self._engine, None, None
        if engine is not None:
            await engine.dispose()


def _ping(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT 1")


def _take_silence_for_gone(context: ExceptionContext) -> None:
    """After a statement that took too long use no connection of before, idle ones neither.

    The server may be gone without a word, and each of them would take as long to tell.
    """
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = context.invalidate_pool_on_disconnect = True


def _root(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _sqlstate(error: BaseException | None) -> str | None:
    if error is None:
        return None
    state: object = getattr(_root(error), "sqlstate", None)
    return state if isinstance(state, str) else None


def _lost(error: BaseException) -> bool:
    """Whether the connection itself died, also when somebody tried to end its transaction since."""
    if isinstance(error, PendingRollbackError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(_root(error), ConnectionError)


def _worth_again(error: BaseException) -> bool:
    return (
        _sqlstate(error) in _RUN_AGAIN
        or _confused(error)
        or isinstance(error, PendingRollbackError)
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
    )


def _confused(error: BaseException) -> bool:
    """Whether the server ended the connection while the driver was not looking."""
    from asyncpg import InternalClientError

    return isinstance(_root(error), InternalClientError)


def _is_away(error: BaseException) -> bool:
    """Whether the server is the trouble, and not the statement."""
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError) or _lost(error):
        return True
    if _confused(error):
        return True
    root = _root(error)
    if isinstance(root, OSError | TimeoutError):
        return True
    state = _sqlstate(error)
    if state is not None:
        return state in _AWAY or state in _RUN_AGAIN or state[:2] in _AWAY_CLASSES
    # asyncpg's own client-side errors carry no state: a closed or half-open connection
    return isinstance(error, SQLAlchemyError) and type(root).__name__ == "InterfaceError"
