from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from hubspot_hitl import __version__
from hubspot_hitl.cli import COMMANDS, run


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [one for one in os.environ if one.startswith(("HITL_", "HUBSPOT_", "BP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_command_of_the_table_has_its_module() -> None:
    for module in COMMANDS.values():
        assert isinstance(import_module(module).app, typer.Typer)


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["version"] == __version__


def test_the_version_needs_no_http_stack() -> None:
    code = (
        "import sys; from hubspot_hitl.cli import run; run(['version']);"
        "print([m for m in ('aiohttp', 'sqlalchemy', 'structlog', 'jinja2') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_server_loads_nothing_that_it_may_never_need() -> None:
    code = (
        "import sys; from hubspot_hitl.cli import build; build(['serve']);"
        "rare = ('rich', 'sqlalchemy.dialects.postgresql', 'asyncpg', 'alembic', 'jinja2',"
        " 'jsonschema', 'phonenumbers');"
        "print([m for m in (*rare, 'hubspot_hitl.app') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['hubspot_hitl.app']"


def test_garbage_is_looked_for_and_not_at_each_message() -> None:
    code = (
        "import atexit, gc, sys; from hubspot_hitl.cli import main; looks = [];"
        "atexit.register(lambda: print(gc.isenabled(), looks));"
        "atexit.register(lambda: [[] for _ in range(5_000)]);"
        "atexit.register(lambda: gc.callbacks.append(lambda phase, _: looks.append(phase)));"
        "gc.collect(); sys.argv = ['hubspot-hitl', 'version']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True []"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_an_unknown_command_is_wrong_use() -> None:
    assert run(["no-such-command"]) == 2


def test_config_shows_sources_and_masks_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_CONSOLE_TOKEN", "marked")
    monkeypatch.setenv("HUBSPOT_CLIENT_SECRET", "marked")

    assert run(["config", "--json"]) == 0

    out = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(out)["settings"]}
    assert rows["HITL_CONSOLE_TOKEN"]["source"] == "environment"
    assert rows["HITL_PORT"]["value"] == "8080"
    assert "marked" not in out


def test_config_finds_a_misspelt_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_PROT", "1")

    assert run(["config"]) == 1

    captured = capsys.readouterr()
    assert "HITL_PORT" in captured.out
    assert "HITL_PROT" in captured.err


def test_a_bad_value_is_one_line_and_wrong_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_PORT", "http")

    assert run(["config"]) == 2

    error = capsys.readouterr().err
    assert error.startswith("error: HITL_PORT is 'http': it must be a valid integer")
    assert error.count("\n") == 1
