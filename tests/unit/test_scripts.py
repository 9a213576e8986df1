"""The scripts start from anywhere; what they do is shown by `tests/flows/test_standalone.py`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def status_of(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, *arguments: str) -> object:
    """The exit status of a script; in this process, for a start of its own takes a second."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize(
    "name",
    [
        "get_refresh_token.py",
        "list_channels.py",
        "subscribe_webhooks.py",
        "rotate_keys.py",
        "build_reference.py",
    ],
)
def test_each_script_explains_itself(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status_of(monkeypatch, tmp_path, name, "--help") == 0
    assert "--help" in capsys.readouterr().out


def test_a_script_without_credentials_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(monkeypatch, tmp_path, "get_refresh_token.py") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET not set")
