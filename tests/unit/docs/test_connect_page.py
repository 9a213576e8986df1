from __future__ import annotations

from pathlib import Path
from typing import get_args

from hubspot_hitl.connecting.landing import ConnectCode
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.scopes import DEFAULT_FEATURES, TABLE

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "connect.md").read_text()


def rows(title: str) -> dict[str, list[str]]:
    """First cell -> the other cells, of the table with this title cell."""
    table = PAGE.partition(f"| {title} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[one.strip() for one in line.strip("|").split("|")] for line in table]
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_page_lists_the_scopes_that_are_asked_for() -> None:
    def listed(cell: str) -> tuple[str, ...]:
        return tuple(one.strip("`") for one in cell.split("<br>") if one != "-")

    told = {name: tuple(map(listed, cells)) for name, cells in rows("feature").items()}
    assert told == {name: (one.required, one.optional) for name, one in TABLE.items()}


def test_the_default_features_are_the_same_everywhere() -> None:
    assert Settings().oauth_features == DEFAULT_FEATURES
    assert f"`{','.join(DEFAULT_FEATURES)}`" in PAGE


def test_every_code_of_a_failed_consent_has_its_cure() -> None:
    assert rows("code").keys() == set(get_args(ConnectCode))
