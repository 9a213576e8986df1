from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.crm.routing.matching import reasons
from hubspot_hitl.crm.routing.rules import read_rules

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
Json = dict[str, Any]


def why(when: Json, facts: Json) -> list[str]:
    rules, problems = read_rules(json.dumps([{"name": "x", "when": when, "then": {}}]))
    assert [one for one in problems if not one.warning] == []
    return reasons(rules.rules[0].schema, facts, NOW)


@pytest.mark.parametrize(
    ("when", "facts", "fits"),
    [
        ({"contact.lifecyclestage": "customer"}, {"contact": {"lifecyclestage": "customer"}}, True),
        ({"contact.lifecyclestage": "customer"}, {"contact": {"lifecyclestage": "lead"}}, False),
        ({"contact.tier": ["gold", "silver"]}, {"contact": {"tier": "silver"}}, True),
        ({"contact.tier": "gold"}, {"contact": {}}, False),
        ({"contact.tier": "gold"}, {}, False),
        ({"contact.tier": None}, {"contact": {}}, True),
        ({"contact.tier": None}, {"contact": {"tier": "gold"}}, False),
        ({"company.annualrevenue": {"exclusiveMinimum": 1e5}}, {"company": {}}, False),
        (
            {"company.annualrevenue": {"exclusiveMinimum": 100_000}},
            {"company": {"annualrevenue": 100_000}},
            False,
        ),
        (
            {"company.annualrevenue": {"exclusiveMinimum": 100_000}},
            {"company": {"annualrevenue": 100_000.5}},
            True,
        ),
        ({"contact.langs": {"contains": {"const": "de"}}}, {"contact": {"langs": ["de"]}}, True),
        ({"clock.open": False}, {"clock": {"open": False}}, True),
        ({"clock.open": False}, {"clock": {}}, False),
    ],
)
def test_the_short_form_means_what_it_says(when: Json, facts: Json, fits: bool) -> None:
    assert (why(when, facts) == []) is fits


@pytest.mark.parametrize(
    ("date", "fits"),
    [
        ("2026-05-31", False),
        ("2026-06-01", True),
        ("2026-06-08", True),
        ("2026-06-09", False),
        ("2026-06-01T09:59:59Z", False),
        ("2026-06-08T10:00:00Z", True),
        ("2026-06-08T10:00:01Z", False),
        ("soon", False),
    ],
)
def test_within_seven_days_counts_from_now(date: str, fits: bool) -> None:
    when = {"deals.closedate": {"withinNextDays": 7}}
    assert (why(when, {"deals": [{"closedate": date}]}) == []) is fits


def test_within_the_last_days_and_fixed_dates() -> None:
    facts = {"contact": {"createdate": "2026-05-30T08:00:00Z"}}
    assert why({"contact.createdate": {"withinLastDays": 3}}, facts) == []
    assert why({"contact.createdate": {"withinLastDays": 1}}, facts) != []
    assert why({"contact.createdate": {"after": "2026-05-30", "before": "2026-06-01"}}, facts) == []


def test_facts_of_deals_belong_to_the_same_deal() -> None:
    when = {"deals.amount": {"minimum": 100}, "deals.stage": "won"}
    deals = [{"amount": 500, "stage": "lost"}, {"amount": 1, "stage": "won"}]
    assert why(when, {"deals": deals}) != []
    assert why(when, {"deals": [*deals, {"amount": 100, "stage": "won"}]}) == []


def test_a_number_is_never_compared_with_a_text() -> None:
    for when in (
        {"contact.age": {"minimum": 5}},
        {
            "required": ["contact"],
            "properties": {"contact": {"properties": {"age": {"minimum": 5}}, "required": ["age"]}},
        },
    ):
        assert why(when, {"contact": {"age": "90"}}) != []
        assert why(when, {"contact": {"age": True}}) != []


def test_a_whole_schema_is_taken_as_it_is() -> None:
    tier = {"properties": {"tier": {"const": "gold"}}, "required": ["tier"]}
    when = {
        "anyOf": [
            {"properties": {"contact": tier}, "required": ["contact"]},
            {"properties": {"company": tier}, "required": ["company"]},
        ]
    }
    assert why(when, {"company": {"tier": "gold"}}) == []
    assert why(when, {"contact": {"tier": "lead"}}) != []


def test_reasons_name_the_fact_and_hold_no_value() -> None:
    told = why({"contact.email": {"pattern": "@example"}}, {"contact": {"email": "ada@secret.org"}})
    assert told == ["contact.email: pattern '@example' does not hold"]
    assert why({"contact.tier": "gold"}, {}) == ["(facts): contact is not there"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "contact.a",
                        "properties",
                        "not",
                        "enum",
                        "minimum",
                        "contact",
                        "$ref",
                        "allOf",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=15,
    )
)
def test_no_condition_is_fatal(when: object) -> None:
    text = json.dumps([{"name": "x", "when": when, "then": {}}])
    rules, problems = read_rules(text)
    for rule in rules.rules:
        reasons(rule.schema, {"contact": {"a": 1}, "deals": []}, NOW)
    assert rules.rules or problems
