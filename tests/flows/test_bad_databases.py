"""`serve` on a database it cannot use: one sentence that tells the cure, and an exit status."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from pydantic import SecretStr
from tests.chaos.arena import LONG
from tests.chaos.gate import gate_to
from tests.databases import SERVER, database_url, need_postgres

from hubspot_hitl.cli import FINDING, WRONG_USE, run
from hubspot_hitl.cli.serve import start_patiently
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.engine.sqlite import SqliteDatabase
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.twins.stage import reached

WAITS = "database_away_at_start"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [one for one in os.environ if one.startswith(("HITL_", "HUBSPOT_", "BP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITL_PORT", "0")
    monkeypatch.setenv("HITL_HOST", "127.0.0.1")
    monkeypatch.setenv("HITL_LOG_LEVEL", "critical")
    yield
    structlog.reset_defaults()


def refused(url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> tuple[int, str]:
    """The exit status and the only line of `serve`, which never names a password."""
    monkeypatch.setenv("HITL_DATABASE_URL", url)
    capsys.readouterr()  # what preparing it said
    status = run(["serve"])
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    assert "s3cret" not in err
    return status, err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:s3cret@h/d", "must begin with sqlite:/// or postgresql://"),
        ("sqlite:///:memory:", "must name a file"),
        ("postgresql://u:s3cret@h", "HITL_DATABASE_URL"),
        ("u:s3cret@h/d", "must begin with sqlite:/// or postgresql://"),
    ],
)
def test_a_wrong_url_is_wrong_use(
    url: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    status, line = refused(url, monkeypatch, capsys)
    assert (status, says in line) == (WRONG_USE, True), line


def test_a_server_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("HITL_DATABASE_WAIT_S", "0.01")
    status, line = refused("postgresql://u:s3cret@127.0.0.1:1/d", monkeypatch, capsys)
    assert (status, "127.0.0.1:1/d" in line) == (FINDING, True), line


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    need_postgres()
    status, line = refused(f"{SERVER}/hitl_test_no_such_database", monkeypatch, capsys)
    assert (status, "hitl_test_no_such_database" in line) == (WRONG_USE, True), line


def test_a_database_of_a_newer_version_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    file = tmp_path / "hitl.db"
    asyncio.run(migrate(f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    status, line = refused(f"sqlite:///{file}", monkeypatch, capsys)
    assert (status, "'9999'" in line, "newer version" in line) == (WRONG_USE, True, True), line


def test_a_second_server_on_the_same_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    first = SqliteDatabase(tmp_path / "hitl.db")
    with asyncio.Runner() as runner:
        runner.run(first.start())
        status, line = refused(f"sqlite:///{tmp_path}/hitl.db", monkeypatch, capsys)
        runner.run(first.close())
    assert (status, "hitl.db" in line) == (WRONG_USE, True), line


@pytest.mark.chaos
@pytest.mark.skipif(not LONG, reason="waits for the lock as long as a server does")
def test_a_file_that_another_program_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with closing(sqlite3.connect(tmp_path / "hitl.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (a)")
        other.execute("BEGIN EXCLUSIVE")
        status, line = refused(f"sqlite:///{tmp_path}/hitl.db", monkeypatch, capsys)
    assert (status, "hitl.db" in line) == (FINDING, True), line


def test_a_file_that_is_no_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "hitl.db").write_bytes(b"no database " * 100)
    status, line = refused(f"sqlite:///{tmp_path}/hitl.db", monkeypatch, capsys)
    assert (status, "hitl.db" in line) == (FINDING, True), line


def test_a_directory_in_place_of_the_file_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    status, line = refused(f"sqlite:///{tmp_path}", monkeypatch, capsys)
    assert (status, "is a directory" in line) == (WRONG_USE, True), line


@pytest.mark.postgres
async def test_a_server_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with database_url("postgresql", tmp_path) as url:
        at = urlsplit(url)
        async with gate_to((str(at.hostname), at.port or 5432)) as gate:
            gate.cut()
            settings = Settings(
                host="127.0.0.1",
                port=0,
                data_dir=tmp_path,
                database_url=at._replace(netloc=f"postgres@127.0.0.1:{gate.port}").geturl(),
                secret_keys=SecretStr("k1:" + "A" * 43 + "="),
            )
            with structlog.testing.capture_logs() as lines:
                starting = asyncio.create_task(start_patiently(settings, asyncio.Event()))
                assert await reached(lambda: any(one["event"] == WAITS for one in lines), 60)
                gate.mend()
                runner = await starting
            assert runner is not None
            await runner.cleanup()


async def test_a_signal_ends_the_wait(tmp_path: Path) -> None:
    stop = asyncio.Event()
    settings = Settings(data_dir=tmp_path, database_url="postgresql://u@127.0.0.1:1/d")
    with structlog.testing.capture_logs() as lines:
        starting = asyncio.create_task(start_patiently(settings, stop))
        assert await reached(lambda: any(one["event"] == WAITS for one in lines), 60)
        stop.set()
        assert await starting is None
