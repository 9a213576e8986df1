from __future__ import annotations

import json
from typing import Any

import pytest

from hubspot_hitl.crm.drift import FieldChange
from hubspot_hitl.crm.routing.rule_checks import broken_by, check_facts, check_inboxes
from hubspot_hitl.crm.routing.rules import AgentChoice, TeamChoice, read_rules, rules_of
from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Option, Property

Json = dict[str, Any]
FIELDS = {
    CrmType.CONTACT: FieldSnapshot(
        CrmType.CONTACT,
        (
            Property(
                "tier",
                "Tier",
                "enumeration",
                "select",
                options=(Option("gold", "Gold"), Option("lead", "Lead")),
            ),
            Property("age", "Age", "number", "number"),
            Property("langs", "Languages", "enumeration", "checkbox", options=(Option("de", "D"),)),
            Property("joined", "Joined", "date", "date"),
        ),
        0,
    )
}


def one(when: Json | None = None, then: Json | None = None, **more: Any) -> str:
    return json.dumps([{"name": "a", "when": when or {}, "then": then or {}, **more}])


def told(text: str) -> list[tuple[str, str]]:
    return [(p.place, p.message) for p in read_rules(text)[1]]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("{", "rules", "not valid JSON (line 1)"),
        ("3", "rules", "must be a list"),
        (one(then={"inbx": "1"}), "rules[0].then.inbx", "no known key"),
        (one(then={"priority": "top"}), "rules[0].then.priority", "'low'"),
        (one(then={"assign": "owner"}), "rules[0].then.assign", "contact-owner"),
        (one(then={"inbox": "a b"}), "rules[0].then.inbox", "neither an inbox id"),
        (one(then={"stay": True, "inbox": "1"}), "rules[0].then", "'stay'"),
        (one(when={"kontact.tier": 1}), "rules[0].when.kontact.tier", "begins with"),
        (one(when={"contact.a": 1, "not": {}}), "rules[0].when.not", "do not mix"),
        (one(when={"contact.a": {"minimun": 1}}), "rules[0].when.contact.a.minimun", "no keyword"),
        (one(when={"contact.a": {"$ref": "#"}}), "rules[0].when.contact.a.$ref", "refer"),
        (one(when={"contact.a": {"pattern": "(a+)+"}}), "rules[0].when.contact.a.pattern", "ever"),
        (one(when={"contact.a": {"pattern": "("}}), "rules[0].when.contact.a.pattern", "regular"),
        (one(when={"contact.a": {"enum": []}}), "rules[0].when.contact.a.enum", "empty"),
        (
            one(when={"contact.a": {"minimum": 5, "maximum": 4}}),
            "rules[0].when.contact.a",
            "never hold",
        ),
        (
            one(when={"contact.a": {"withinNextDays": -1}}),
            "rules[0].when.contact.a.withinNextDays",
            "days",
        ),
        (one(when={"anyOf": []}), "rules[0].when.anyOf", "list of conditions"),
    ],
)
def test_a_bad_rule_is_refused_with_its_place(text: str, place: str, message: str) -> None:
    assert any(p == place and message in m for p, m in told(text)), told(text)
    with pytest.raises(BadConfiguration, match="routing rules cannot be used"):
        rules_of(text)


def test_one_bad_rule_switches_all_off() -> None:
    text = json.dumps([{"name": "good", "then": {}}, {"name": "bad", "then": {"x": 1}}])
    assert read_rules(text)[0].rules == ()


def test_deep_nesting_is_refused_and_not_fatal() -> None:
    when: Json = {"contact.a": {"const": 1}}
    nested: Json = {}
    for _ in range(50):
        nested = {"not": nested}
    assert any("deeply" in m for _, m in told(one(when={**when, "contact.b": nested})))
    assert read_rules("[" * 100_000)[0].rules == ()


def test_rules_that_are_never_reached_are_warned_of() -> None:
    text = json.dumps([{"name": "all", "then": {}}, {"name": "late", "then": {}}])
    (problem,) = read_rules(text)[1]
    assert problem.warning
    assert "never reached: 'all'" in problem.message
    assert len(rules_of(text).rules) == 2


@pytest.mark.parametrize(
    ("earlier", "later", "reached"),
    [
        ({"contact.tier": "gold"}, {"contact.tier": "gold", "clock.open": True}, False),
        ({"contact.tier": "gold"}, {"contact.tier": "gold"}, False),
        ({"contact.tier": "gold", "clock.open": True}, {"contact.tier": "gold"}, True),
        ({"contact.tier": "gold"}, {"contact.tier": "lead", "clock.open": True}, True),
    ],
)
def test_a_rule_that_an_earlier_one_covers_is_warned_of(
    earlier: Json, later: Json, reached: bool
) -> None:
    rules = [{"name": "a", "when": earlier, "then": {}}, {"name": "b", "when": later, "then": {}}]
    problems = read_rules(json.dumps(rules))[1]
    assert [one.place for one in problems] == ([] if reached else ["rules[1]"])
    assert all(one.warning and "'a' before it fits" in one.message for one in problems)


@pytest.mark.parametrize(
    "condition",
    [
        {"minimum": 5, "maximum": 4},
        {"exclusiveMinimum": 5, "maximum": 5},
        {"minLength": 3, "maxLength": 2},
        {"minItems": 3, "maxItems": 2},
        {"after": "2026-06-01", "before": "2026-05-01"},
        {"const": 3, "enum": [1, 2]},
        {"not": {}},
        {"allOf": [{"minimum": 5, "maximum": 4}]},
        {"anyOf": [False]},
    ],
)
def test_what_can_never_hold_is_refused_with_its_place(condition: Json) -> None:
    found = told(one(when={"contact.age": condition}))
    assert [place for place, m in found if "can never hold" in m] == [
        next(place for place, _ in found)
    ]
    assert found[0][0].startswith("rules[0].when.contact.age")


def test_a_schema_that_fits_nothing_is_refused() -> None:
    when = {"properties": {"contact": False}, "required": ["contact"]}
    assert "rules[0].when.properties.contact" in [place for place, _ in told(one(when=when))]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"clock.weekday": "Monday"}, "it takes 'monday', 'tuesday'"),
        ({"clock.weekday": ["saturday", "sonday"]}, "it takes 'monday'"),
        ({"clock.hour": {"minimum": 24}}, "a number from 0 to 23"),
        ({"clock.open": "true"}, "without quotation marks"),
        ({"clock.time": {"minimum": 9}}, "'time' is no number but a string"),
        ({"clock.openInboxes": "126"}, "use 'contains'"),
        ({"queue.agentPresence": "online"}, "it takes 'unknown'"),
        ({"queue.waiting": "3"}, "without quotation marks"),
        ({"handoff.priority": "very"}, "it takes 'low', 'medium', 'high', 'urgent'"),
        ({"handoff.hasEmail": {"withinNextDays": 1}}, "no date but a bool"),
    ],
)
def test_our_own_facts_are_typed_too(when: Json, message: str) -> None:
    found = check_facts(rules_of(one(when=when)), {})
    assert any(message in problem.message for problem in found), found


def test_right_conditions_on_our_own_facts_pass() -> None:
    when = {
        "clock.weekday": ["saturday", "sunday"],
        "clock.hour": {"minimum": 0, "maximum": 23},
        "clock.open": False,
        "clock.date": {"after": "2026-05-31"},
        "clock.time": {"pattern": "^1[0-9]:"},
        "clock.openInboxes": {"contains": {"const": "126"}},
        "queue.agentPresence": "unknown",
        "queue.waitMinutes": {"minimum": 15},
        "handoff.priority": "urgent",
        "handoff.language": {"pattern": "^de"},
    }
    assert check_facts(rules_of(one(when=when)), {}) == []


def test_a_schema_that_forgets_required_is_warned_of() -> None:
    when = {"properties": {"contact": {"properties": {"tier": {"const": "gold"}}}}}
    problems = read_rules(one(when=when))[1]
    assert {p.place for p in problems} == {
        "rules[0].when.properties.contact",
        "rules[0].when.properties.contact.properties.tier",
    }
    assert all(p.warning for p in problems)


def test_a_rule_tells_which_facts_it_needs() -> None:
    when = {"contact.tier": "gold", "deals.amount": {"minimum": 1}, "clock.open": True}
    (rule,) = rules_of(one(when=when)).rules
    assert rule.needs == {("contact", "tier"), ("deals", "amount"), ("clock", "open")}
    assert rules_of(one(when=when)).names("deals") == ("amount",)


def test_switched_off_rules_do_not_count() -> None:
    assert rules_of(one(enabled=False)).rules == ()


def test_assignments_are_read() -> None:
    team = rules_of(one(then={"assign": {"team": "Senior", "by": "least-busy"}})).rules[0].then
    agent = rules_of(one(then={"assign": {"agent": 70001}})).rules[0].then
    assert team.assign == TeamChoice(team="Senior", by="least-busy")
    assert agent.assign == AgentChoice(agent="70001")


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"contact.teir": "gold"}, "no property 'teir'; did you mean 'tier'"),
        ({"contact.tier": "platin"}, "never has this value; it takes 'gold', 'lead'"),
        ({"contact.tier": {"minimum": 1}}, "no number but a enumeration"),
        ({"contact.age": "36"}, "without quotation marks"),
        ({"contact.age": {"withinNextDays": 1}}, "no date but a number"),
        ({"contact.langs": "de"}, "use 'contains'"),
        ({"clock.opne": True}, "no fact 'opne'; did you mean 'open'"),
    ],
)
def test_facts_are_checked_against_the_portal(when: Json, message: str) -> None:
    found = check_facts(rules_of(one(when=when)), FIELDS)
    assert any(message in problem.message for problem in found), found


def test_right_facts_and_types_that_are_not_known_pass() -> None:
    when = {
        "contact.tier": ["gold", "lead"],
        "contact.age": {"minimum": 18},
        "contact.joined": {"withinLastDays": 30},
        "contact.langs": {"contains": {"const": "de"}},
        "company.anything": 1,
    }
    assert check_facts(rules_of(one(when=when)), FIELDS) == []


def test_inboxes_and_texts_must_exist() -> None:
    rules = rules_of(one(then={"inbox": "7", "texts": {"no-agnet": "x", "nudge.fr": "y"}}))
    places = [problem.place for problem in check_inboxes(rules, ["1"])]
    assert places == ["rules[0].then.inbox", "rules[0].then.texts.no-agnet"]


def test_a_field_that_is_gone_breaks_the_rules_that_look_at_it() -> None:
    rules = rules_of(one(when={"contact.tier": "gold"}))
    gone = FieldChange(CrmType.CONTACT, "tier", "removed")
    other = FieldChange(CrmType.DEAL, "tier", "removed")
    label = FieldChange(CrmType.CONTACT, "tier", "label", "'a' -> 'b'")
    (problem,) = broken_by(rules, [gone, other, label])
    assert "contact property 'tier' was removed" in problem.message
