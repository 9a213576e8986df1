"""`hubspot-hitl migrate` on an empty, a current and a strange database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hubspot_hitl.cli import run
from hubspot_hitl.store.migrations import HEAD


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HITL_DATABASE_URL", f"sqlite:///{tmp_path / 'hitl.db'}")
    return tmp_path / "hitl.db"


def test_an_empty_database_is_brought_to_the_schema(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"before": None, "wanted": HEAD, "changed": True}
    assert database.exists()


def test_the_second_time_there_is_nothing_to_do(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["migrate"])
    assert run(["migrate", "--check"]) == 0
    assert f"the database is at {HEAD}: nothing to do" in capsys.readouterr().out


def test_a_check_finds_work_and_does_none(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate", "--check"]) == 1
    assert run(["migrate", "--check"]) == 1
    assert f"should be at {HEAD}" in capsys.readouterr().out


def test_a_url_that_names_no_engine_is_wrong_use(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_DATABASE_URL", "mysql://here/hitl")
    assert run(["migrate"]) == 2
