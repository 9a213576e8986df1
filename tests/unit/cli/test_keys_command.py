from __future__ import annotations

import json
from pathlib import Path

import pytest

from hubspot_hitl.cli import run
from hubspot_hitl.store.secrets.keyring import KeyRing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITL_DATA_DIR", str(tmp_path))
    for name in ("HITL_SECRET_KEYS", "HITL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip()


def test_a_new_key_is_one_that_a_ring_takes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "new"]) == 0
    assert len(KeyRing.from_text(said(capsys)).ids) == 1


def test_a_rotation_seals_with_a_fresh_key_and_keeps_the_old_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "list", "--json"]) == 0
    before = json.loads(said(capsys))["keys"]
    assert run(["keys", "rotate", "--json"]) == 0
    rotated = json.loads(said(capsys))
    assert run(["keys", "list", "--json"]) == 0
    after = json.loads(said(capsys))["keys"]
    assert next(iter(after)) == rotated["key"] not in before
    assert set(before) < set(after)


def test_a_rotation_without_any_key_is_wrong_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "rotate"]) == 2
    assert "there is no key file" in capsys.readouterr().err
