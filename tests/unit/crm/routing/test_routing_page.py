"""The examples of docs/how-to/routing.md are run here."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubspot_hitl.crm.routing.hours import hours_of
from hubspot_hitl.crm.routing.matching import reasons
from hubspot_hitl.crm.routing.rule_checks import OWN_FACTS, check_facts, check_inboxes
from hubspot_hitl.crm.routing.rules import read_rules

PAGE = (Path(__file__).parents[4] / "docs" / "how-to" / "routing.md").read_text(encoding="utf-8")
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


NOW = datetime(2026, 5, 28, 12, tzinfo=UTC)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Enterprise to the senior team": (
        {"contact": {"account_tier": "Enterprise"}},
        {"contact": {"account_tier": "Basic"}},
    ),
    "Customers with a large company": (
        {"contact": {"lifecyclestage": "evangelist"}, "company": {"annualrevenue": 100_001}},
        {"contact": {"lifecyclestage": "customer"}, "company": {"annualrevenue": 100_000}},
    ),
    "A deal that closes within a week": (
        {"deals": [{"closedate": "2026-06-03", "amount": 5_000}]},
        {"deals": [{"closedate": "2026-06-03"}, {"closedate": "2026-06-09", "amount": 9_000}]},
    ),
    "Nobody owns the contact": (
        {"contact": {"email": "ada@example.com"}},
        {"contact": {"email": "ada@example.com", "hubspot_owner_id": "7"}},
    ),
    "Large by people or by revenue": (
        {"company": {"numberofemployees": 500}},
        {"company": {"numberofemployees": 499, "annualrevenue": 999_999}},
    ),
    "Closed, but customers get the on-call inbox": (
        {"clock": {"open": False}, "contact": {"lifecyclestage": "customer"}},
        {"clock": {"open": False}, "contact": {"lifecyclestage": "lead"}},
    ),
    "Closed": ({"clock": {"open": False}}, {"clock": {"open": True}}),
    "A long queue": ({"queue": {"waitMinutes": 15.0}}, {"queue": {"waiting": 9}}),
}


def test_every_rule_of_the_page_fits_whom_it_is_meant_for() -> None:
    rules = [rule for text in RULES for rule in read_rules(text)[0].rules]
    assert {rule.name for rule in rules} == set(CASES)
    for rule in rules:
        fitting, other = CASES[rule.name]
        assert reasons(rule.schema, fitting, NOW) == [], rule.name
        assert reasons(rule.schema, other, NOW) != [], rule.name
        assert reasons(rule.schema, {}, NOW) != [], rule.name


def test_the_page_names_every_fact_of_ours() -> None:
    missing = [name for names in OWN_FACTS.values() for name in names if f"`{name}`" not in PAGE]
    assert missing == []
    assert (len(RULES), len(HOURS)) == (4, 1)
