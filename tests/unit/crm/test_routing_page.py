"""The examples of docs/how-to/routing.md are run here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hubspot_hitl.crm.hours import hours_of
from hubspot_hitl.crm.rule_checks import OWN_FACTS, check_facts, check_inboxes
from hubspot_hitl.crm.rules import read_rules

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "routing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
RULES = [block for block in BLOCKS if block.lstrip().startswith("[")]
HOURS = [block for block in BLOCKS if block.lstrip().startswith("{")]


@pytest.mark.parametrize("text", RULES)
def test_every_list_of_rules_can_be_used(text: str) -> None:
    rules, problems = read_rules(text)
    assert [one for one in problems if not one.warning] == []
    assert len(rules.rules) == len(json.loads(text))
    assert check_facts(rules, {}) == []
    assert check_inboxes(rules, ["1263703961"]) == []


@pytest.mark.parametrize("text", HOURS)
def test_every_setting_of_hours_can_be_used(text: str) -> None:
    assert hours_of(text).of("1263703961") is not None


def test_the_page_names_every_fact_of_ours() -> None:
    missing = [name for names in OWN_FACTS.values() for name in names if f"`{name}`" not in PAGE]
    assert missing == []
    assert (len(RULES), len(HOURS)) == (4, 1)
