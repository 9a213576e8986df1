"""The embedded engine: one SQLite file, one writer thread, group commit.

A write is one job for the writer thread, which owns the only writing connection. Jobs that
gathered while the last commit ran share the next transaction, so a busy process pays one fsync for
many requests; each job has its own savepoint, so a job that fails takes nobody with it. Reads run
in threads of their own: WAL lets them see the last commit without waiting for a writer.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Generic, Literal, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.store.filelock import FileLock

T = TypeVar("T")
_log = structlog.get_logger(__name__)

SCRUB_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""A larger file takes longer to write anew than writers may be kept waiting."""
_GROUP_LIMIT: Final = 500
_READERS: Final = 2  # a slow console read leaves one thread for the lookups of the main path
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


class _Work(Protocol):
    """What a worker thread sees of a job."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def run(self, connection: Connection) -> BaseException | None: ...

    def fail(self, error: BaseException) -> None: ...

    def settle(self) -> None: ...


class _Job(Generic[T]):
    """One function to run on a connection, and the future of the coroutine that waits for it."""

    __slots__ = ("_error", "_fn", "_result", "future", "loop")

    def __init__(self, fn: Callable[[Connection], T]) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self._fn = fn
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self, connection: Connection) -> BaseException | None:
        """Run in the worker thread; the outcome is kept until `settle`."""
        try:
            self._result = [self._fn(connection)]
        except BaseException as error:  # noqa: BLE001, RUF100 - it belongs to the waiting coroutine
            self._error = error
        return self._error

    def fail(self, error: BaseException) -> None:
        """Replace the outcome: what ran was not committed."""
        self._error = error

    def settle(self) -> None:
        """Give the outcome to the waiting coroutine; runs in its loop."""
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


def _unavailable(path: Path, error: BaseException) -> StoreUnavailable:
    cause = _sqlite_error(error)
    name = str(getattr(cause, "sqlite_errorname", None) or type(cause or error).__name__)
    return StoreUnavailable(
        f"the SQLite file {str(path)!r} cannot be used ({name}); nothing was written: check free"
        " disk space, the file's permissions and that no other program holds it"
    )


class _Worker(threading.Thread):
    """A thread that owns one connection, opened when first needed and again after a failure."""

    def __init__(
        self, engine: Engine, path: Path, jobs: queue.SimpleQueue[_Work | None], *, writes: bool
    ) -> None:
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

    def _serve(self, group: list[_Work]) -> None:
        try:
            (self._commit_group if self._writes else self._read)(group)
        except Exception as error:
            self._disconnect()
            _log.warning(
                "store_failed", file=str(self._path), error=type(error).__name__, jobs=len(group)
            )
            for job in group:
                job.fail(_unavailable(self._path, error))
        _settle(group)

    def _commit_group(self, group: list[_Work]) -> None:
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

    def _read(self, group: list[_Work]) -> None:
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


def _settle(group: Iterable[_Work]) -> None:
    """Wake the waiting coroutines, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Work]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle_here, jobs)


def _settle_here(jobs: list[_Work]) -> None:
    for job in jobs:
        job.settle()


class SqliteDatabase:
    """One SQLite file. See :class:`~hubspot_hitl.store.database.Database` for the promises.

    `exclusive` keeps other processes away by a lock file beside the database; a command that only
    looks while the service runs opens the file with `exclusive=False`.
    """

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(
        self,
        path: Path,
        *,
        exclusive: bool = True,
        busy_timeout_s: float = 5.0,
        scrub_limit_bytes: int = SCRUB_LIMIT_BYTES,
    ) -> None:
        self.path = path
        self._scrub_limit_bytes = scrub_limit_bytes
        self._lock = FileLock(path.with_name(path.name + ".lock")) if exclusive else None
        self._busy_timeout_s = busy_timeout_s
        self._engine: Engine | None = None
        self._writes: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._writer: _Worker | None = None
        self._readers: list[_Worker] = []

    @property
    def where(self) -> str:
        """The file, for messages."""
        return str(self.path)

    @property
    def transactions(self) -> int:
        """Committed groups since the start."""
        return self._writer.transactions if self._writer else 0

    async def start(self) -> None:
        """Take the lock file, start the threads, and open the file for writing."""
        if self._writer is not None:
            return
        self._prepare()
        self._engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=NullPool,
            hide_parameters=True,  # parameters are people's words: they stay out of errors
        )
        self._writes, self._reads = queue.SimpleQueue(), queue.SimpleQueue()
        self._writer = _Worker(self._engine, self.path, self._writes, writes=True)
        self._readers = [
            _Worker(self._engine, self.path, self._reads, writes=False) for _ in range(_READERS)
        ]
        for worker in (self._writer, *self._readers):
            worker.start()
        try:
            await self.write(_touch)
        except BaseException:
            await self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=self._busy_timeout_s, isolation_level=None)

    def _prepare(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSettings(
                f"the directory of the database {str(self.path)!r} cannot be made"
                f" ({error.strerror}): set HITL_DATABASE_URL or HITL_DATA_DIR to a writable place"
            ) from error
        if self.path.is_dir():
            raise BadSettings(
                f"{str(self.path)!r} is a directory: HITL_DATABASE_URL must name a file"
            )
        if self._lock is not None:
            self._lock.acquire()
        with suppress(OSError):  # SQLite itself reports a file that cannot be made
            # people's conversations: readable by the service's user only, the WAL inherits it
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction shared with its neighbours; return when it is durable."""
        if self._writer is None:
            raise _closed(self.path)
        job = _Job(fn)
        self._writes.put(job)
        return await job.future

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a snapshot of what is committed, without waiting for writers."""
        if not self._readers:
            raise _closed(self.path)
        job = _Job(fn)
        self._reads.put(job)
        return await job.future

    async def alter(self, fn: Callable[[Connection], T]) -> T:
        """One transaction, as every write: whoever else writes waits for it."""
        return await self.write(fn)

    async def scrub(self) -> None:
        """Write the file anew and empty its log of changes: nothing deleted is left in them.

        Overwriting alone (`secure_delete`) is not enough: when SQLite moves rows between pages, old
        copies stay in the unused part of a page. Writers wait meanwhile, so a file of more than
        `SCRUB_LIMIT_BYTES` is not written anew. Raises StoreUnavailable then, and when the file was
        in use; what was deleted stays deleted.
        """
        if self._writer is None:
            raise _closed(self.path)
        await asyncio.to_thread(self._write_anew)

    def _log_is_busy(self, connection: sqlite3.Connection) -> bool:
        """Empty the log; whether it could not be, however long we tried."""
        until_s = time.monotonic() + self._busy_timeout_s
        while True:
            # Another connection's own checkpoint refuses ours without calling the busy handler.
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or time.monotonic() >= until_s:
                return bool(busy)
            time.sleep(0.02)

    def _write_anew(self) -> None:
        try:
            small = self.path.stat().st_size <= self._scrub_limit_bytes
            with closing(self._connect()) as connection:
                if small:
                    connection.execute("VACUUM")
                busy = self._log_is_busy(connection)
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(self.path, error) from error
        if busy:
            raise StoreUnavailable(
                f"the log of the SQLite file {str(self.path)!r} is in use and may still hold what"
                " was deleted: try again"
            )
        if not small:
            raise StoreUnavailable(
                f"the SQLite file {str(self.path)!r} is too large to be written anew while it is in"
                " use; traces of what was deleted may be left: stop the server and VACUUM it"
            )

    async def close(self) -> None:
        """Finish what was handed in, close the file, give the lock back. May be called twice."""
        writer, self._writer = self._writer, None
        readers, self._readers = self._readers, []
        if writer is not None:
            self._writes.put(None)
            await asyncio.to_thread(writer.join)
        for _ in readers:
            self._reads.put(None)
        for reader in readers:
            await asyncio.to_thread(reader.join)
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._lock is not None:
            self._lock.release()


def _touch(connection: Connection) -> None:
    """Prove that the file can be written, not only opened."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version={int(version)}")


def _closed(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"the database {str(path)!r} is closed")
