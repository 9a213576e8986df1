"""The threads of the SQLite engine: each owns one connection and serves a queue of jobs.

Jobs that gathered while the writer's last commit ran share the next transaction, each with its own
savepoint. A job's outcome is handed to the waiting coroutine when its group is done.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hubspot_hitl.errors import StoreUnavailable

T = TypeVar("T")
Jobs = queue.SimpleQueue["Work | None"]
"""What waits for a worker; None ends it."""
_log = structlog.get_logger(__name__)

_GROUP_LIMIT: Final = 500
_ENGINE_FAILURES: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class Work(Protocol):
    """What a worker thread sees of a job."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where its coroutine waits."""
        ...

    def run(self, connection: Connection) -> BaseException | None:
        """Run in the worker thread; returns what it raised."""
        ...

    def fail(self, error: BaseException) -> None:
        """Replace the outcome: what ran was not committed."""
        ...

    def settle(self) -> None:
        """Give the outcome to the waiting coroutine; runs in its loop."""
        ...


class Job(Generic[T]):
    """One function to run on a connection, and the future of the coroutine that waits for it."""

    __slots__ = ("_error", "_fn", "_result", "future", "loop")

    def __init__(self, fn: Callable[[Connection], T]) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self._fn = fn
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self, connection: Connection) -> BaseException | None:
        """See `Work`; the outcome is kept until `settle`."""
        try:
            self._result = [self._fn(connection)]
        except BaseException as error:  # noqa: BLE001, RUF100 - it belongs to the waiting coroutine
            self._error = error
        return self._error

    def fail(self, error: BaseException) -> None:
        """See `Work`."""
        self._error = error

    def settle(self) -> None:
        """See `Work`."""
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result[0])


def _sqlite_error(error: BaseException) -> sqlite3.Error | None:
    if isinstance(error, DBAPIError):
        error = error.orig or error
    return error if isinstance(error, sqlite3.Error) else None


def is_engine_failure(error: BaseException) -> bool:
    """Whether the file or the disk is the trouble, and not the statement."""
    cause = _sqlite_error(error)
    code: int | None = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _ENGINE_FAILURES


def unavailable(path: Path, error: BaseException) -> StoreUnavailable:
    """The error for callers: which file, what SQLite says, what to look at."""
    cause = _sqlite_error(error)
    name = str(getattr(cause, "sqlite_errorname", None) or type(cause or error).__name__)
    return StoreUnavailable(
        f"the SQLite file {str(path)!r} cannot be used ({name}); nothing was written: check free"
        " disk space, the file's permissions and that no other program holds it"
    )


class Worker(threading.Thread):
    """A thread that owns one connection, opened when first needed and again after a failure."""

    def __init__(self, engine: Engine, path: Path, jobs: Jobs, *, writes: bool) -> None:
        super().__init__(name=f"hitl-store-{'writer' if writes else 'reader'}", daemon=True)
        self.transactions = 0
        self._engine = engine
        self._path = path
        self._jobs = jobs
        self._writes = writes
        self._connection: Connection | None = None

    def run(self) -> None:
        """Serve until the queue says None; jobs behind that are refused."""
        open_ = True
        while open_:
            first = self._jobs.get()
            group = [] if first is None else [first]
            open_ = first is not None
            while open_ and self._writes and len(group) < _GROUP_LIMIT:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    open_ = False
                else:
                    group.append(job)
            if group:
                self._serve(group)
        self._disconnect()

    def _serve(self, group: list[Work]) -> None:
        try:
            (self._commit_group if self._writes else self._read)(group)
        except Exception as error:
            self._disconnect()
            _log.warning(
                "store_failed", file=str(self._path), error=type(error).__name__, jobs=len(group)
            )
            for job in group:
                job.fail(unavailable(self._path, error))
        _settle(group)

    def _commit_group(self, group: list[Work]) -> None:
        connection, raw = self._connected()
        raw.execute("BEGIN IMMEDIATE")
        for job in group:
            raw.execute("SAVEPOINT job")
            error = job.run(connection)
            if error is not None:
                if is_engine_failure(error):
                    raise error
                raw.execute("ROLLBACK TO job")
            raw.execute("RELEASE job")
        raw.execute("COMMIT")
        connection.rollback()  # SQLAlchemy's own notion of a transaction; nothing is left to undo
        self.transactions += 1

    def _read(self, group: list[Work]) -> None:
        connection, raw = self._connected()
        for job in group:
            raw.execute("BEGIN")
            error = job.run(connection)
            if error is not None and is_engine_failure(error):
                raise error
            raw.execute("ROLLBACK")
            connection.rollback()

    def _connected(self) -> tuple[Connection, sqlite3.Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
            raw = self._raw(self._connection)
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA synchronous=FULL")
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten, not unlinked
            raw.execute("PRAGMA temp_store=MEMORY")
            raw.execute(f"PRAGMA journal_size_limit={64 * 1024 * 1024}")
            if not self._writes:
                raw.execute("PRAGMA query_only=ON")
        return self._connection, self._raw(self._connection)

    @staticmethod
    def _raw(connection: Connection) -> sqlite3.Connection:
        raw: object = connection.connection.dbapi_connection
        if not isinstance(raw, sqlite3.Connection):
            raise TypeError(f"expected a sqlite3 connection, got {type(raw).__name__}")
        return raw

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error, DBAPIError):  # closing undoes what was not committed
                connection.invalidate()
            connection.close()


def _settle(group: Iterable[Work]) -> None:
    """Wake the waiting coroutines, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Work]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle_here, jobs)


def _settle_here(jobs: list[Work]) -> None:
    for job in jobs:
        job.settle()
