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
from hubspot_hitl.integration.configuration import Configuration
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


def options_of_commands() -> dict[str, set[str]]:
    """Command with its subcommand -> its options, as the generated page has them."""
    page = (ROOT / "docs" / "reference" / "commands.md").read_text()
    sections = re.findall(r"^## `hubspot-hitl ([a-z ]+)`\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    return {name: set(re.findall(r"`(--[a-z-]+)`", text)) | {"--help"} for name, text in sections}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_options_of_examples_exist(page: Path) -> None:
    known = options_of_commands()
    said = re.findall(r"hubspot-hitl ([a-z]+)(?: ([a-z]+))?([^`\n#|]*)", page.read_text())
    for command, sub, rest in said:
        name = f"{command} {sub}" if f"{command} {sub}" in known else command
        used = set(re.findall(r"(?<!\S)(--[a-z-]+)", rest))
        assert used <= known.get(name, set()), f"{name}: {used - known.get(name, set())}"


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
    told = re.findall(r"^### `(\w+)`$", page, re.MULTILINE)
    assert told == sorted({error.code for error in error_classes()})


def test_every_message_of_troubleshooting_is_one_that_is_said() -> None:
    table = (ROOT / "docs" / "troubleshooting.md").read_text().split("## By message")[1]
    rows = table.split("\n## ")[0].splitlines()
    quoted = [cell for row in rows for cell in re.findall(r"^\| `([^`]+)` \|", row)]
    said = (ROOT / "Makefile").read_text() + "".join(
        path.read_text() for path in (ROOT / "src").rglob("*.py")
    )
    said = re.sub(r"[\"']\s*\n\s*f?[\"']", "", said)
    parts = [part.strip(" ,") for message in quoted for part in message.split("...")]
    assert len(quoted) > 5
    assert [part for part in parts if part not in said] == []


def test_the_log_lines_that_pages_name_are_written() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    for page in PAGES:
        named = re.findall(r"\blog(?:s| lines?| says)?(?: it as)?\s+`(\w+)`", page.read_text())
        assert [one for one in named if f'"{one}"' not in source] == [], page.name


def test_every_command_is_used_in_a_page_for_people() -> None:
    pages = [page for page in PAGES if "reference" not in page.parts]
    text = "\n".join(page.read_text() for page in pages)
    used = set(re.findall(r"hubspot-hitl ([a-z]+)", text))
    assert set(COMMANDS) - used == set()


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in _LINK.findall(prose(page))]
        ahead += [(page.parent / link).resolve() for link in links if link and ":" not in link]
    assert [page for page in PAGES if page not in seen] == []


def test_fields_of_the_configuration_are_written_as_they_are() -> None:
    """A field is told as **Title** (`name`): both must be those of one field."""
    titles = {
        field.title: field.alias or name for name, field in Configuration.model_fields.items()
    }
    for page in PAGES:
        told = re.findall(r"\*\*([^*\n]+)\*\*\s+\(`(\w+)`", page.read_text())
        assert [pair for pair in told if titles.get(pair[0]) != pair[1]] == [], page.name


def test_the_tests_that_the_threat_model_names_exist() -> None:
    page = (ROOT / "docs" / "security" / "threat-model.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []
