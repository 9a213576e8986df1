"""The page on the architecture draws the layers that the import contracts keep."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "hubspot_hitl"
MADE_LATER = {"data/", "dev/", "dist/"}
"""Directories of a checkout in use, which the repository does not have."""
CONTRACTS = {
    one["id"]: one
    for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}


def layers(id_: str) -> list[list[str]]:
    return [
        [name.strip().removeprefix("hubspot_hitl.") for name in re.split(r"[|:]", row)]
        for row in CONTRACTS[id_]["layers"]
    ]


def test_the_drawing_has_the_layers_of_the_contract_in_their_order() -> None:
    block = PAGE.split("## Layers")[1].split("```")[1]
    rows = [row for row in block.splitlines() if row.strip()]
    drawn = [re.split(r" {4,}", row.strip())[0] for row in rows]
    assert [sorted(re.split(r" \| | {2}", row)) for row in drawn] == [
        sorted(row) for row in layers("layers")
    ]


def test_every_module_has_its_place_in_a_contract() -> None:
    placed = {
        name.split(".")[0] for id_ in ("layers", "leaves") for row in layers(id_) for name in row
    }
    found = {path.stem for path in PACKAGE.glob("[a-z]*.py")}
    found |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == placed | ({"settings"} & found)


def test_what_was_asked_for_is_where_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("### Where is what was asked for")[1].split("\n## ")[0]
    answers = [row.rpartition(" | ")[2] for row in table.splitlines() if row.startswith("| ")]
    named = re.findall(r"`([a-z_./]+\.(?:py|json|toml)|(?:src|tests)/[a-z_/]+)`", "".join(answers))
    assert len(named) > 10
    assert [one for one in named if not ((ROOT / one).exists() or (PACKAGE / one).exists())] == []


def test_the_readme_lists_every_package() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name for name in folders if f"  {name}/ " not in readme} == set()


def test_every_module_that_a_page_names_exists() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        named = re.findall(r"`([a-z_]+/(?:[a-z_]+/)*(?:[a-z_]+\.py)?)`", text)
        missing = [
            one
            for one in named
            if not any((root / one).exists() for root in (ROOT, PACKAGE, ROOT / "tests"))
        ]
        assert set(missing) - MADE_LATER == set(), page.name
