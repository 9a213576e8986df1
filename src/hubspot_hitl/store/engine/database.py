"""A database as two verbs: `write` is a durable transaction, `read` is a look.

Everything that is kept goes through here, so that one code serves SQLite and PostgreSQL: functions
get a plain SQLAlchemy Core connection. They must touch nothing but that connection, for they run
in another thread (SQLite) or are run again after a deadlock or a lost connection (PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.store.engine.sqlite import SqliteDatabase

__all__ = ["Database", "SqliteDatabase", "open_database"]

T = TypeVar("T")


class Database(Protocol):
    """Where everything is kept. All methods raise StoreUnavailable while it is away."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which SQL the statements must speak."""
        ...

    @property
    def where(self) -> str:
        """The file, or the server and database, for messages; without credentials."""
        ...

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction; return its result once that is durable.

        An exception of `fn` undoes what it wrote, and only that, and is raised here.
        StoreUnavailable means that nothing was promised; after a connection broke in the middle
        of the commit the effect may still be there, so writes carry their own unique keys.
        """
        ...

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn`, which only reads; it sees every write that has returned."""
        ...

    async def alter(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn`, which changes the tables and may take hours.

        On PostgreSQL it has a connection of its own without a time limit, which is closed in the
        end, and may commit in between; it is run again after a deadlock or a lost connection, so
        it must be able to go on where it stopped. On SQLite this is `write`.
        """
        ...

    async def scrub(self) -> None:
        """Let deleted content vanish from the files now, as far as the engine can.

        SQLite's file is written anew and its log of changes emptied. PostgreSQL keeps dead rows
        until its own vacuum, and its log and backups by its own settings.
        """
        ...

    async def start(self) -> None:
        """Connect; raises BadSettings when the settings can never work."""
        ...

    async def close(self) -> None:
        """Finish what was handed in and disconnect."""
        ...


def open_database(url: str, *, exclusive: bool = True) -> Database:
    """The database of a URL or of a bare path to a SQLite file; `start` connects.

    `exclusive` (SQLite only) refuses to share the file with another process. Raises BadSettings
    for a URL that names neither engine; the URL, which may hold a password, is never repeated.
    """
    text = url.strip()
    if "://" not in text:
        if "@" in text:  # a URL that lost its scheme; as a file name it would show the password
            raise BadSettings("HITL_DATABASE_URL lacks its scheme: begin it with postgresql://")
        return SqliteDatabase(_sqlite_path(text), exclusive=exclusive)
    scheme = text.split("://", 1)[0].lower().split("+", 1)[0]
    if scheme == "sqlite":
        try:
            path = make_url(text).database or ""
        except (ArgumentError, ValueError) as error:
            raise BadSettings("HITL_DATABASE_URL is not a readable sqlite URL") from error
        return SqliteDatabase(_sqlite_path(path), exclusive=exclusive)
    if scheme in {"postgresql", "postgres"}:
        from hubspot_hitl.store.engine.postgres import PostgresDatabase  # costs nothing on SQLite

        return PostgresDatabase(text)
    raise BadSettings(
        f"HITL_DATABASE_URL begins with {scheme!r}: use sqlite:///path/to/file or"
        " postgresql://user:password@host/database"
    )


def _sqlite_path(text: str) -> Path:
    if not text or text == ":memory:" or text.startswith("file:"):
        raise BadSettings(
            "HITL_DATABASE_URL must name a file, as in sqlite:///data/hitl.db: a database in"
            " memory would lose accepted messages at a restart"
        )
    return Path(text).expanduser().absolute()
