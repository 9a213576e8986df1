"""The documentation's links lead somewhere and its examples name things that exist."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from scripts.reference.errors import error_classes

from hubspot_hitl.cli import COMMANDS
from hubspot_hitl.settings import Settings, StandaloneSettings

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """The page without its code."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text()))


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in _FENCE.findall(page.read_text()) if language in languages]


def anchors(page: Path) -> set[str]:
    found = re.findall(r"^#+ +(.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_examples_in_python_json_and_toml_can_be_read(page: Path) -> None:
    for code in blocks(page, "python", "py"):
        ast.parse(code)
    for code in blocks(page, "json"):
        json.loads(code)
    for code in blocks(page, "toml"):
        tomllib.loads(code)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_commands_of_examples_exist(page: Path) -> None:
    # \b and not a space, so that paths such as .../hubspot-hitl/environment do not count
    named = re.findall(r"(?:^|[`\s/])hubspot-hitl ([a-z]+)(?=[\s`])", page.read_text())
    assert set(named) - {"as", "is", "and", "does", "in"} <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_verbs_of_make_in_examples_exist(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= verbs


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_variables_are_settings(page: Path) -> None:
    known = {f"HITL_{name.upper()}" for name in Settings.model_fields} | {"HITL_CI"}
    known |= {f"HUBSPOT_{name.upper()}" for name in StandaloneSettings.model_fields}
    named = re.findall(r"\b((?:HITL|HUBSPOT)_[A-Z0-9_]*[A-Z0-9])\b", page.read_text())
    assert {name.removesuffix("_FILE") for name in named} <= known | {"HITL_TEST_POSTGRES"}


def test_every_error_code_has_its_cure() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    told = re.findall(r"^## `(\w+)`$", page, re.MULTILINE)
    assert told == sorted({error.code for error in error_classes()})


def test_the_tests_that_the_threat_model_names_exist() -> None:
    page = (ROOT / "docs" / "security" / "threat-model.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []
