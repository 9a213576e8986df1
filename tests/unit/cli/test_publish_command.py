from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubspot_hitl.cli import run
from hubspot_hitl.cli.publish import shown_url
from hubspot_hitl.redaction import forget_secrets
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin, Entry

PATH_SECRET = "path-s3cret-path"


@pytest.fixture
async def twin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[BotpressAdminTwin]:
    for name in [one for one in os.environ if one.startswith(("HITL_", "HUBSPOT_", "BP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    twin = BotpressAdminTwin()
    await twin.start()
    monkeypatch.setenv("HITL_BOTPRESS_API_URL", twin.url)
    monkeypatch.setenv("HITL_BOTPRESS_TOKEN", twin.options.token)
    monkeypatch.setenv("BP_WORKSPACE_ID", twin.options.workspace_id)
    monkeypatch.setenv("HITL_PUBLIC_URL", "https://hitl.example.com")
    monkeypatch.setenv("HITL_BOTPRESS_PATH_SECRET", PATH_SECRET)
    yield twin
    await twin.stop()
    forget_secrets()


async def _run(*arguments: str) -> int:
    """The command in a thread of its own, as it has an event loop of its own."""
    return await asyncio.to_thread(run, list(arguments))


def _only(twin: BotpressAdminTwin) -> Entry:
    (entry,) = twin.integrations.values()
    return entry


async def test_publishing_twice_makes_one_integration(
    twin: BotpressAdminTwin, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _run("publish", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert await _run("publish", "--json") == 0
    second = json.loads(capsys.readouterr().out)

    assert (first["did"], second["did"]) == ("created", "updated")
    assert first["id"] == second["id"] == _only(twin).id
    assert (second["signingSecret"], second["accessKey"]) == ("held", "held")
    assert _only(twin).body["url"] == f"https://hitl.example.com/botpress/{PATH_SECRET}"


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_no_secret_is_printed_unless_asked(
    twin: BotpressAdminTwin, capsys: pytest.CaptureFixture[str], form: tuple[str, ...]
) -> None:
    assert await _run("publish", *form) == 0

    captured = capsys.readouterr()
    shown = captured.out + captured.err
    secrets = (*_only(twin).secrets, *twin.access_keys, PATH_SECRET, twin.options.token)
    assert not [secret for secret in secrets if secret in shown]


async def test_secrets_are_printed_when_asked(
    twin: BotpressAdminTwin, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _run("publish", "--json", "--show-secrets") == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["signingSecretValue"] == _only(twin).secrets[0]
    assert shown["accessKeyValue"] in twin.access_keys


async def test_the_vault_on_disk_holds_no_plain_secret(
    twin: BotpressAdminTwin, tmp_path: Path
) -> None:
    assert await _run("publish") == 0

    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert _only(twin).secrets[0].encode() not in kept
    assert not [key for key in twin.access_keys if key.encode() in kept]


async def test_a_dry_run_writes_neither_there_nor_here(
    twin: BotpressAdminTwin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _run("publish", "--validate", "--json") == 0

    assert json.loads(capsys.readouterr().out)["would"] == "create"
    assert twin.integrations == {}
    assert not (tmp_path / "data").exists()


async def test_the_operator_is_told_what_comes_next(
    twin: BotpressAdminTwin, capsys: pytest.CaptureFixture[str]
) -> None:
    await _run("publish")

    shown = capsys.readouterr().out
    assert "acme/hubspot-hitl" in shown
    assert "install the integration" in shown
    assert "HITL_BOTPRESS_TOKEN" in shown


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("HITL_BOTPRESS_TOKEN", "", "HITL_BOTPRESS_ADMIN_TOKEN"),
        ("HITL_BOTPRESS_TOKEN", "bp_iak_abc", "HITL_BOTPRESS_ADMIN_TOKEN"),
        ("BP_WORKSPACE_ID", "", "HITL_BOTPRESS_WORKSPACE_ID"),
        ("HITL_PUBLIC_URL", "", "HITL_PUBLIC_URL"),
        ("HITL_PUBLIC_URL", "http://hitl.example.com", "https"),
    ],
)
async def test_a_missing_setting_is_wrong_use(
    twin: BotpressAdminTwin,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    named: str,
) -> None:
    monkeypatch.setenv(variable, value)

    assert await _run("publish") == 2

    assert named in capsys.readouterr().err
    assert twin.integrations == {}


async def test_the_admin_token_leaves_the_servers_key_alone(
    twin: BotpressAdminTwin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HITL_BOTPRESS_TOKEN", "bp_iak_abc")
    monkeypatch.setenv("HITL_BOTPRESS_ADMIN_TOKEN", twin.options.token)

    assert await _run("publish", "--json") == 0

    assert json.loads(capsys.readouterr().out)["accessKey"] == "given"
    assert _only(twin).keys == {}


async def test_a_refusal_is_a_finding_with_its_cure(
    twin: BotpressAdminTwin, capsys: pytest.CaptureFixture[str]
) -> None:
    twin.options.most_integrations = 0

    assert await _run("publish") == 1

    assert "delete those" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example.com", "https://h.example.com"),
        ("https://h.example.com/botpress", "https://h.example.com/botpress"),
        ("https://h.example.com/botpress/abc", "https://h.example.com/botpress/********"),
        ("https://h.example.com/abc/def", "https://h.example.com/********"),
    ],
)
def test_the_secret_part_of_an_address_is_masked(url: str, shown: str) -> None:
    assert shown_url(url) == shown
