"""What was deleted is in no byte of SQLite's files after a scrub."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import text

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.store.engine.sqlite import SqliteDatabase

ROWS = 400


async def filled(path: Path) -> SqliteDatabase:
    """Rows of many sizes in random order, so that pages were split and rows moved."""
    database = SqliteDatabase(path)
    await database.start()
    await database.write(lambda c: c.execute(text("CREATE TABLE t (id TEXT UNIQUE, said TEXT)")))
    order = random.Random(7)
    numbers = [n % ROWS for n in range(ROWS)]
    order.shuffle(numbers)
    for number in numbers:
        row = {"id": str(number), "said": f"<said {number}>" * order.choice([1, 30, 200, 900])}
        await database.write(
            lambda c, row=row: c.execute(text("INSERT INTO t VALUES (:id, :said)"), row)  # type: ignore[misc]  # bound now
        )
    return database


def traces(folder: Path) -> list[int]:
    held = b"".join(one.read_bytes() for one in folder.iterdir())
    return [n for n in range(0, ROWS, 2) if f"<said {n}>".encode() in held]


async def test_no_trace_of_deleted_rows_is_left(tmp_path: Path) -> None:
    database = await filled(tmp_path / "x.db")
    await database.write(lambda c: c.execute(text("UPDATE t SET said = '' WHERE id % 2 = 0")))
    assert traces(tmp_path)
    await database.scrub()
    assert traces(tmp_path) == []
    kept = await database.read(
        lambda c: c.execute(text("SELECT count(*) FROM t WHERE said <> ''")).scalar_one()
    )
    assert kept == ROWS / 2
    await database.close()


async def test_a_file_too_large_to_be_written_anew_is_named(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db", scrub_limit_bytes=1)
    await database.start()
    with pytest.raises(StoreUnavailable, match="stop the server and VACUUM it"):
        await database.scrub()
    await database.close()


async def test_a_closed_database_is_not_scrubbed(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="closed"):
        await SqliteDatabase(tmp_path / "x.db").scrub()
