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
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.store.engine.filelock import FileLock
from hubspot_hitl.store.engine.sqlite_worker import Job, Jobs, Worker, unavailable

T = TypeVar("T")

SCRUB_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""A larger file takes longer to write anew than writers may be kept waiting."""
_READERS: Final = 2  # a slow console read leaves one thread for the lookups of the main path


class SqliteDatabase:
    """One SQLite file. See :class:`~hubspot_hitl.store.engine.database.Database` for the promises.

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
        self._writes: Jobs = queue.SimpleQueue()
        self._reads: Jobs = queue.SimpleQueue()
        self._writer: Worker | None = None
        self._readers: list[Worker] = []

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
        self._writer = Worker(self._engine, self.path, self._writes, writes=True)
        self._readers = [
            Worker(self._engine, self.path, self._reads, writes=False) for _ in range(_READERS)
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
        job = Job(fn)
        self._writes.put(job)
        return await job.future

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a snapshot of what is committed, without waiting for writers."""
        if not self._readers:
            raise _closed(self.path)
        job = Job(fn)
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
            raise unavailable(self.path, error) from error
        if busy:
            raise StoreUnavailable(
                f"the log of the SQLite file {str(self.path)!r} is in use and may still hold what"
                " was deleted: try again"
            )
        if not small:
            raise StoreUnavailable(
                f"the SQLite file {str(self.path)!r} is too large to be rewritten while it is in"
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
