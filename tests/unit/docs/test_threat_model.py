"""The threat model speaks of every route, every secret, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.settings import Settings, StandaloneSettings
from hubspot_hitl.settings.environment import describe, is_secret
from hubspot_hitl.web.routes import ROUTES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security" / "threat-model.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_route_is_in_the_threat_model() -> None:
    rows = [line.split("|")[1] for line in section("Routes").splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    families = tuple(name.removesuffix("...") for name in named if name.endswith("..."))
    paths = {route.path for route in ROUTES}
    assert {path for path in paths - named if not path.startswith(families)} == set()
    assert named - paths == {f"{family}..." for family in families}


def test_every_secret_is_in_the_threat_model() -> None:
    text = section("Secrets")
    secrets = [
        row.name
        for model in (Settings, StandaloneSettings)
        for row, field in zip(describe(model()), model.model_fields.values(), strict=True)
        if is_secret(field)
    ] + [
        field.alias or name
        for name, field in Configuration.model_fields.items()
        if "Secret" in str(field.annotation)
    ]
    assert len(secrets) > 10
    assert [name for name in secrets if f"`{name}`" not in text] == []


def test_every_attack_names_a_test_that_exists() -> None:
    rows = [line for line in section("Attacks, and what meets them").splitlines() if "`" in line]
    assert len(rows) > 10
    named = re.findall(r"`(tests/[\w/]+\.py)`", "\n".join(rows))
    assert all("tests/" in row for row in rows)
    assert [path for path in named if not (ROOT / path).exists()] == []
