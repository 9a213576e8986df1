from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from tests.databases import SERVER, database_url, need_postgres

from hubspot_hitl.errors import BadSettings, StoreUnavailable
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.engine.postgres import PostgresDatabase
from hubspot_hitl.store.engine.sqlite import SqliteDatabase


@pytest.mark.parametrize("prefix", ["", "sqlite:///", "sqlite+aiosqlite:///"])
def test_a_sqlite_url_and_a_bare_path_name_a_file(prefix: str, tmp_path: Path) -> None:
    database = open_database(f"{prefix}{tmp_path}/x/hitl.db")
    assert isinstance(database, SqliteDatabase)
    assert database.path == tmp_path / "x" / "hitl.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgresql_url_is_taken_with_any_driver(scheme: str) -> None:
    database = open_database(f"{scheme}://u:s3cret@db.example/name?sslmode=require")
    assert isinstance(database, PostgresDatabase)
    assert database.where == "db.example:5432/name"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:s3cret@h/d",
        "u:s3cret@h/d",
        "postgresql://u:s3:cret@h:port/d",
        "postgresql://u:s3cret@h",
        "postgresql://u:s3cret@h/d?colour=red",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        open_database(url)
    assert "HITL_DATABASE_URL" in str(caught.value)
    assert "cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_a_directory_in_place_of_the_file_is_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="is a directory"):
        await open_database(str(tmp_path)).start()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/d") as caught:
        await open_database("postgresql://u:s3cret@127.0.0.1:1/d").start()
    assert "s3cret" not in str(caught.value)


@pytest.mark.postgres
async def test_a_missing_database_is_bad_settings() -> None:
    need_postgres()
    with pytest.raises(BadSettings, match="3D000"):
        await open_database(f"{SERVER}/hitl_test_no_such_database").start()


@pytest.mark.postgres
async def test_a_connection_that_is_killed_while_nobody_looks_is_replaced(tmp_path: Path) -> None:
    async with database_url("postgresql", tmp_path) as url:
        from asyncpg import InternalClientError

        database, calls = open_database(url), count()
        await database.start()

        def confused_at_first(connection: Connection) -> int:
            if next(calls) == 0:  # what the driver says when it did not see the connection end
                raise InternalClientError("cannot switch to state 12")
            return _one(connection)

        assert await database.write(confused_at_first) == 1
        await database.close()


@pytest.mark.postgres
async def test_killed_connections_are_replaced_without_the_caller_noticing(tmp_path: Path) -> None:
    async with database_url("postgresql", tmp_path) as url:
        database, killer = open_database(url), open_database(url)
        await database.start()
        await killer.start()
        await asyncio.gather(*(database.read(_pause) for _ in range(8)))
        await killer.read(_kill_the_others)

        answers = await asyncio.gather(*(database.write(_one) for _ in range(20)))

        assert answers == [1] * 20
        await database.close()
        await killer.close()


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["25006", "53300", "55000", "57P03"])
async def test_a_server_that_takes_no_work_for_now_is_unavailable(
    state: str, tmp_path: Path
) -> None:
    async with database_url("postgresql", tmp_path) as url:
        database = open_database(url)
        await database.start()
        refusal = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(StoreUnavailable, match=state):
            await database.read(lambda c: c.execute(text(refusal)).close())
        await database.close()


@pytest.mark.postgres
async def test_a_deadlock_is_run_again_until_both_writes_are_in(tmp_path: Path) -> None:
    async with database_url("postgresql", tmp_path) as url:
        database = open_database(url)
        await database.start()
        await database.write(
            lambda c: c.execute(
                text("CREATE TABLE t AS SELECT i, 0 AS n FROM generate_series(1, 2) i")
            ).close()
        )

        def add(first: int, second: int, connection: Connection) -> None:
            for key in (first, second):
                connection.execute(text("UPDATE t SET n = n + 1 WHERE i = :i"), {"i": key}).close()
                connection.execute(text("SELECT pg_sleep(0.01)")).close()

        await asyncio.gather(
            database.write(lambda c: add(1, 2, c)), database.write(lambda c: add(2, 1, c))
        )

        total = await database.read(lambda c: c.execute(text("SELECT sum(n) FROM t")).scalar())
        assert total == 4
        await database.close()


def _pause(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(0.02)")).close()


def _one(connection: Connection) -> int:
    return int(connection.execute(text("SELECT 1")).scalar_one())


def _kill_the_others(connection: Connection) -> None:
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    ).close()
