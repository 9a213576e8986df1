from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.crm.drift import drift
from hubspot_hitl.crm.pipelines import find_place
from hubspot_hitl.crm.routing.queue import wait_ms
from hubspot_hitl.crm.values import typed
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Option, Pipeline, Property, Stage

KINDS = ("string", "number", "bool", "date", "datetime", "enumeration", "phone_number", "new")
HOUR_MS = 3_600_000


def field(kind: str, field_type: str = "text") -> Property:
    return Property("x", "X", kind, field_type)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "12", 12),
        ("number", "12.50", 12.5),
        ("number", "many", None),
        ("number", "nan", None),
        ("bool", "true", True),
        ("bool", "yes", None),
        ("date", "2026-05-31", "2026-05-31"),
        ("date", "1780185600000", "2026-05-31"),
        ("datetime", "2026-05-31T10:00:00+02:00", "2026-05-31T08:00:00Z"),
        ("enumeration", "a;b", "a;b"),
        ("string", "7", "7"),
        ("string", "", None),
    ],
)
def test_a_value_gets_its_type(kind: str, text: str, value: object) -> None:
    assert typed(field(kind), text) == value


def test_choices_of_many_are_a_list() -> None:
    assert typed(field("enumeration", "checkbox"), ";a; b;") == ["a", "b"]


@given(kind=st.sampled_from(KINDS), text=st.text(max_size=30) | st.integers().map(str))
def test_no_text_is_fatal(kind: str, text: str) -> None:
    typed(field(kind), text)


def test_drift_tells_what_matters() -> None:
    tier = Property("tier", "Tier", "enumeration", "select", options=(Option("a", "A"),))
    before = FieldSnapshot(CrmType.DEAL, (tier, field("string")), 0)
    moved = dataclasses.replace(tier, options=(Option("b", "B"),), read_only=True)
    after = FieldSnapshot(CrmType.DEAL, (moved, Property("y", "Y", "string", "text")), 1)
    assert [(c.name, c.what, c.detail) for c in drift(before, after)] == [
        ("tier", "read-only", "writable -> read-only"),
        ("tier", "options", "gone: a; new: b"),
        ("x", "removed", ""),
        ("y", "added", "string"),
    ]
    assert drift(after, after) == ()


def test_a_stage_is_found_by_name_in_any_pipeline() -> None:
    one = Pipeline("1", "Sales", (Stage("11", "New"), Stage("12", "Won")))
    two = Pipeline("2", "Renewals", (Stage("21", "New"), Stage("22", "Kept")))
    place = find_place((one, two), None, "kept")
    assert place is not None
    assert (place.pipeline.id, place.stage.id) == ("2", "22")
    named = find_place((one, two), "renewals", "NEW")
    assert named is not None
    assert named.stage.id == "21"
    assert find_place((one, two), "Sales", "Kept") is None


def handoff(number: int, wait: int | None, inbox: str = "1") -> Handoff:
    created = 1_000_000_000_000 + number
    return Handoff(
        id=str(number),
        installation_id="i",
        user_id="u",
        start_key=str(number),
        integration_thread_id="t",
        state=HandoffState.RESOLVED,
        created_ms=created,
        inbox_id=inbox,
        channel_id="c",
        channel_account_id="a",
        first_reply_ms=None if wait is None else created + wait,
    )


def test_the_waiting_time_is_the_middle_of_our_own_history() -> None:
    now = 1_000_000_000_000 + HOUR_MS
    some = [handoff(1, 60_000), handoff(2, 90_000), handoff(3, 9 * HOUR_MS), handoff(4, None)]
    assert wait_ms(some, now) == 90_000
    assert wait_ms(some, now, inbox_id="2") is None
    assert wait_ms(some[:2], now) is None
    assert wait_ms(some, now + 30 * 24 * HOUR_MS) is None
