"""One process per SQLite file: a lock file that the operating system frees when a process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hubspot_hitl.errors import BadSettings


class FileLock:
    """An exclusive lock on `path`, held until `release` or the end of the process.

    Where the platform has no `fcntl` it does nothing: SQLite's own locks still keep the data whole,
    two processes would only fight over lanes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises BadSettings, naming the file, when somebody else holds it."""
        if sys.platform == "win32":
            return
        import fcntl  # not on Windows

        if self._handle is not None:
            return
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BadSettings(
                f"the lock file {str(self.path)!r} cannot be opened ({error.strerror}): the"
                " directory of the database must be writable"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise BadSettings(
                f"another process uses this database (lock file {str(self.path)!r}): stop it, give"
                " this one its own HITL_DATABASE_URL, or use PostgreSQL for several replicas"
            ) from error
        self._handle = handle

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes both lock."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)
