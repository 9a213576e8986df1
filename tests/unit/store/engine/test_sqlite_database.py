from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.store.engine.sqlite import SqliteDatabase


def run(sql: str) -> Callable[[Connection], None]:
    return lambda connection: connection.exec_driver_sql(sql).close()


def insert(key: int) -> Callable[[Connection], None]:
    return lambda connection: connection.exec_driver_sql(
        "INSERT INTO t VALUES (?, 0)", (key,)
    ).close()


def count(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one())


async def table(database: SqliteDatabase) -> None:
    await database.write(run("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)"))


async def test_two_hundred_concurrent_writes_make_few_transactions(sqlite: SqliteDatabase) -> None:
    await table(sqlite)
    before = sqlite.transactions

    await asyncio.gather(*(sqlite.write(insert(i)) for i in range(200)))

    assert await sqlite.read(count) == 200
    assert sqlite.transactions - before <= 20


async def test_a_failing_job_takes_no_other_job_of_its_group_with_it(
    sqlite: SqliteDatabase,
) -> None:
    await table(sqlite)

    def half(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1000, 0)").close()
        connection.exec_driver_sql("INSERT INTO t VALUES (5, 0)").close()

    outcomes = await asyncio.gather(
        *(sqlite.write(insert(i)) for i in range(10)),
        sqlite.write(half),
        *(sqlite.write(insert(i)) for i in range(10, 20)),
        return_exceptions=True,
    )

    assert [type(one) for one in outcomes if one is not None] == [IntegrityError]
    assert await sqlite.read(count) == 20


async def test_any_exception_of_a_job_reaches_its_caller(sqlite: SqliteDatabase) -> None:
    def wrong(_: Connection) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await sqlite.write(wrong)
    with pytest.raises(LookupError, match="mine"):
        await sqlite.read(wrong)


async def test_a_slow_read_holds_up_neither_writes_nor_other_reads(sqlite: SqliteDatabase) -> None:
    await table(sqlite)
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: Connection) -> int:
        first = count(connection)
        loop.call_soon_threadsafe(started.set)
        go_on.wait(30)
        return first + count(connection)

    reading = asyncio.create_task(sqlite.read(slow))
    await started.wait()
    await sqlite.write(run("INSERT INTO t VALUES (1, 0)"))
    seen = await sqlite.read(count)
    go_on.set()

    assert seen == 1
    assert await reading == 0  # its snapshot is older than the write


async def test_a_read_sees_every_write_that_has_returned(sqlite: SqliteDatabase) -> None:
    await table(sqlite)
    for i in range(50):
        await sqlite.write(insert(i))
        assert await sqlite.read(count) == i + 1


async def test_a_read_cannot_write(sqlite: SqliteDatabase) -> None:
    await table(sqlite)
    with pytest.raises(StoreUnavailable, match="SQLITE_READONLY"):
        await sqlite.read(run("INSERT INTO t VALUES (1, 0)"))
    assert await sqlite.read(count) == 0


async def test_a_full_disk_refuses_everything_and_is_overcome_without_a_restart(
    sqlite: SqliteDatabase,
) -> None:
    await table(sqlite)
    page = await sqlite.read(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    await sqlite.write(run(f"PRAGMA max_page_count={page}"))

    big = "INSERT INTO t VALUES (1, zeroblob(1000000))"
    refused = await asyncio.gather(
        *(sqlite.write(run(big)) for _ in range(3)), return_exceptions=True
    )

    assert {type(one) for one in refused} == {StoreUnavailable}
    assert "SQLITE_FULL" in str(refused[0])
    await sqlite.write(run(big))  # the connection was opened anew, without the limit
    assert await sqlite.read(count) == 1


async def test_a_file_locked_by_another_program_is_unavailable_until_it_lets_go(
    tmp_path: Path,
) -> None:
    database = SqliteDatabase(tmp_path / "hitl.db", busy_timeout_s=0.01)
    await database.start()
    await table(database)
    other = sqlite3.connect(tmp_path / "hitl.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        await database.write(run("INSERT INTO t VALUES (1, 0)"))
    other.execute("ROLLBACK")
    other.close()
    await database.write(run("INSERT INTO t VALUES (1, 0)"))

    assert await database.read(count) == 1
    await database.close()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "hitl.db").write_bytes(b"not a database, certainly not one\n" * 200)
    with pytest.raises(StoreUnavailable, match="SQLITE_NOTADB"):
        await SqliteDatabase(tmp_path / "hitl.db").start()


async def test_a_second_process_on_the_same_file_is_told_which_file(
    sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    with pytest.raises(BadSettings, match=r"hitl\.db\.lock"):
        await SqliteDatabase(tmp_path / "hitl.db").start()

    looking = SqliteDatabase(tmp_path / "hitl.db", exclusive=False)
    await looking.start()
    await looking.close()
    await sqlite.close()
    again = SqliteDatabase(tmp_path / "hitl.db")
    await again.start()
    await again.close()


async def test_the_file_is_readable_by_its_owner_only(
    sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    await table(sqlite)
    modes = {path.name: path.stat().st_mode & 0o777 for path in _files(tmp_path)}
    assert set(modes.values()) == {0o600}
    assert "hitl.db-wal" in modes


async def test_what_is_durable_is_there_after_a_close_without_goodbye(
    sqlite: SqliteDatabase, tmp_path: Path
) -> None:
    await table(sqlite)
    await sqlite.write(run("INSERT INTO t VALUES (1, 0)"))
    for name in ("hitl.db", "hitl.db-wal"):  # as a crash leaves them
        (tmp_path / f"copy-{name}").write_bytes((tmp_path / name).read_bytes())

    copy = SqliteDatabase(tmp_path / "copy-hitl.db")
    await copy.start()
    assert await copy.read(count) == 1
    await copy.close()


async def test_a_closed_database_says_so_and_can_be_started_again(sqlite: SqliteDatabase) -> None:
    await sqlite.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await sqlite.write(count)
    with pytest.raises(StoreUnavailable, match="closed"):
        await sqlite.read(count)
    await sqlite.start()
    await table(sqlite)


async def test_a_cancelled_caller_does_not_disturb_the_others(sqlite: SqliteDatabase) -> None:
    await table(sqlite)
    writes = [asyncio.ensure_future(sqlite.write(insert(i))) for i in range(4)]
    await asyncio.sleep(0)
    writes[1].cancel()
    await asyncio.gather(writes[0], writes[2], writes[3])
    assert await sqlite.read(count) in {3, 4}


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir())
