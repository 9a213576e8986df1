"""The Dockerfile, compose file and systemd unit say what the server understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubspot_hitl.cli import COMMANDS
from hubspot_hitl.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNIT = (ROOT / "deploy" / "systemd" / "hubspot-hitl.service").read_text()
VARIABLES = {f"HITL_{name.upper()}" for name in Settings.model_fields}


def variables(text: str) -> set[str]:
    return {name.removesuffix("_FILE") for name in re.findall(r"\bHITL_[A-Z0-9_]+", text)}


def test_every_variable_is_a_setting() -> None:
    for text in (DOCKERFILE, (ROOT / "compose.yaml").read_text(), UNIT):
        assert variables(text) <= VARIABLES


def test_the_image_runs_as_nobody_and_checks_its_health() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.M)
    assert "HEALTHCHECK" in last
    assert "/livez" in last
    assert 'ENTRYPOINT ["hubspot-hitl"]' in last


def test_the_image_installs_locked_dependencies_only() -> None:
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert all("--no-deps" in one for one in installs)
    assert any("--require-hashes" in one for one in installs)


def test_nothing_that_only_builds_stays_in_the_image() -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text()
    wanted_by = re.findall(r"^([a-z0-9-]+)==.*\n(?:    --hash.*\n)*((?:    #.*\n)+)", lock, re.M)
    building = {"hatchling", "editables"}
    only_builds = building | {
        name
        for name, comment in wanted_by
        if set(re.findall(r"[a-z][a-z0-9-]+", comment)) - {"via"} <= building
    }
    removed = re.search(r"pip uninstall --yes \\\n\s+(.*?) \\$", DOCKERFILE, re.M)
    assert removed is not None
    assert set(removed[1].split()) == only_builds | {"pip"}


def test_what_the_image_copies_is_sent_to_the_builder() -> None:
    sent = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M))
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    }
    assert copied == sent
    assert all((ROOT / path).exists() for path in copied)


def test_compose_migrates_first_and_hardens_both() -> None:
    services = COMPOSE["services"]
    waits_for = services["server"]["depends_on"]["migrate"]["condition"]
    assert waits_for == "service_completed_successfully"
    assert services["migrate"]["command"] == ["migrate"]
    for name in ("server", "migrate"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]


def test_compose_has_every_secret_as_a_file() -> None:
    services = COMPOSE["services"].values()
    used = {secret for service in services for secret in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    for service in services:
        for name, value in service["environment"].items():
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_compose_listens_on_loopback_only() -> None:
    (port,) = COMPOSE["services"]["server"]["ports"]
    assert port.startswith("127.0.0.1:")


def test_the_unit_gives_each_secret_as_a_credential() -> None:
    loaded = set(re.findall(r"^LoadCredential=(\w+):", UNIT, re.M))
    assert loaded == set(re.findall(r"_FILE=%d/(\w+)$", UNIT, re.M))


def test_the_unit_waits_longer_than_the_server_takes_to_stop() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)
    assert found is not None
    assert int(found.group(1)) > Settings().shutdown_grace_s


def test_the_unit_is_ready_when_the_server_says_so_and_watched() -> None:
    assert re.search(r"^Type=notify$", UNIT, re.M)
    assert re.search(r"^WatchdogSec=\d+$", UNIT, re.M)
    assert "AF_UNIX" in UNIT  # the socket that systemd listens on


def test_the_commands_that_are_started_exist() -> None:
    assert {"serve", "migrate"} <= set(COMMANDS)
    assert re.search(r"^ExecStart=\S+/hubspot-hitl serve$", UNIT, re.M)


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "hubspot-hitl.service"
    program = tmp_path / "hubspot-hitl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit.write_text(
        UNIT.replace("/opt/hubspot-hitl/bin/hubspot-hitl", str(program)).replace(
            "file:/opt/hubspot-hitl/README.md", "https://example.com"
        )
    )
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    about_us = [line for line in found.stderr.splitlines() if "hubspot-hitl.service" in line]
    assert about_us == []
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-500:]  # 2.0 of 10 at most
