"""`hubspot-hitl deliveries` finds by id, age, error, kind and state; in a database at rest."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from hubspot_hitl.cli import run
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.twins.wire import Json

HOUR_MS = 3_600_000
ROWS = (
    # number, key, kind, state, error, age in hours
    (1, "bp:one:message:msg-1", "bot.message", "dead", "vendor_refused", 30),
    (2, "bp:one:message:msg-2", "bot.message", "dead", "missing_scope", 3),
    (3, "message:00ff", "hubspot.message", "dead", "missing_scope", 2),
    (4, "message:00ee", "hubspot.message", "ready", "vendor_fault", 1),
    (5, "message:00dd", "hubspot.message", "done", None, 1),
)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    for name in [one for one in os.environ if one.startswith(("HITL_", "HUBSPOT_", "BP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "hitl.db"
    monkeypatch.setenv("HITL_DATABASE_URL", f"sqlite:///{file}")
    asyncio.run(migrate(f"sqlite:///{file}"))
    now_ms = round(time.time() * 1000)
    with closing(sqlite3.connect(file)) as db, db:
        db.executemany(
            "INSERT INTO deliveries (seq, dedup_key, lane, kind, installation_id, handoff_id, body,"
            " state, error_code, error, due_ms, accepted_ms)"
            " VALUES (?, ?, 'h', ?, 'one', 'h', '{}', ?, ?, 'why', ?, ?)",
            [
                (seq, key, kind, state, error, now_ms - age * HOUR_MS, now_ms - age * HOUR_MS)
                for seq, key, kind, state, error, age in ROWS
            ],
        )
        db.execute("INSERT INTO lanes (lane) VALUES ('h')")
    yield file
    structlog.reset_defaults()


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Json]]:
    capsys.readouterr()
    status = run(["deliveries", *arguments])
    out = capsys.readouterr().out
    return status, [json.loads(line) for line in out.splitlines() if line.startswith("{")]


FOUND: dict[tuple[str, ...], list[int]] = {
    (): [4, 3, 2, 1],
    ("--state", "done", "--state", "ready"): [5, 4],
    ("--error", "missing_scope", "--kind", "bot.message"): [2],
    ("--older-than", "1d"): [1],
    ("--newer-than", "1d", "--older-than", "150m"): [2],
    ("--limit", "2"): [4, 3],
    ("2",): [2],
    ("msg-1",): [1],
    ("00ff",): [3],
    ("00f",): [],
    ("1%",): [],
}


@pytest.mark.usefixtures("database")
def test_deliveries_are_found_by_any_id_age_error_and_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments, numbers in FOUND.items():
        status, found = asked(capsys, "list", "--json", *arguments)
        assert [one["seq"] for one in found] == numbers, arguments
        assert status == any(one["state"] == "dead" for one in found)


def states(file: Path) -> dict[int, str]:
    with closing(sqlite3.connect(file)) as db:
        return dict(db.execute("SELECT seq, state FROM deliveries"))


def test_all_dead_ones_of_an_error_are_replayed_and_no_others(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("replay", "dead", "--error", "missing_scope", "--yes", "--json")
    assert asked(capsys, *arguments) == (0, [{"replay": 2, "seqs": [3, 2]}])
    assert states(database) == {1: "dead", 2: "ready", 3: "ready", 4: "ready", 5: "done"}
    assert asked(capsys, *arguments)[0] == 1  # there is nothing left to replay


def test_dead_and_waiting_ones_are_discarded_by_number_and_done_ones_stay(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, status in (("1", 0), ("4", 0), ("5", 1), ("99", 1)):
        assert asked(capsys, "discard", number, "--yes")[0] == status
    assert states(database) == {1: "cancelled", 2: "dead", 3: "dead", 4: "cancelled", 5: "done"}


@pytest.mark.usefixtures("database")
def test_the_export_has_every_state_and_bodies_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, plain = asked(capsys, "export")
    _, full = asked(capsys, "export", "--bodies", "--limit", "1")
    assert [one["seq"] for one in plain] == [5, 4, 3, 2, 1]
    assert (["body" in one for one in plain], [one["body"] for one in full]) == ([False] * 5, [{}])


def test_nothing_is_changed_without_a_yes(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert asked(capsys, "discard", "1")[0] == 1
    assert states(database)[1] == "dead"
