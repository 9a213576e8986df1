"""The CRM actions as Botpress is told of them: cards a person can use, schemas that are true."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from hubspot_hitl.actions import ACTION_HANDLERS
from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.integration.actions import ACTIONS, parse_input
from hubspot_hitl.integration.crm.actions import CRM_ACTIONS
from hubspot_hitl.integration.crm.records import (
    GetRecordOutput,
    RecordOutput,
    SearchRecordsOutput,
    UpsertContactOutput,
)
from hubspot_hitl.integration.wire import WireModel

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
DEFINITION: Json = json.loads((ROOT / "integration.definition.json").read_text(encoding="utf-8"))
RECORD = RecordOutput(id="1", properties={"email": "a@b.example"}, created_at="2026-01-01T00:00Z")
MINIMAL: dict[str, Json] = {
    "createLead": {"contactId": "1"},
    "upsertContact": {"email": "ada@example.com"},
    "getContact": {"email": "ada@example.com"},
    "getCompany": {"id": 7},
    "createNote": {"body": "Hi", "dealId": 3},
    "upsertContacts": {"contacts": [{"email": "ada@example.com"}]},
    "createTimelineEvent": {"eventType": "order_placed", "contactId": 1},
    "sendEmail": {"emailId": 7, "to": "ada@example.com"},
    "createTask": {"subject": "Call", "ticketId": "4"},
    "enrollInSequence": {"contactId": "1", "sequence": 12, "senderEmail": "a@b.example"},
    "addToList": {"list": "x", "contactIds": ["1"]},
    "removeFromList": {"list": "x", "contactIds": ["1"]},
    "getOwner": {"userId": 5},
    "createVisitorToken": {"email": "ada@example.com"},
}


def schema(name: str, side: str) -> Json:
    found: Json = DEFINITION["actions"][name][side]["schema"]
    return found


def fits(wanted: Json, value: Json) -> bool:
    validator: Any = Draft7Validator(wanted)
    return bool(validator.is_valid(value))


def test_every_action_has_a_handler() -> None:
    assert set(ACTION_HANDLERS) == set(ACTIONS)


@pytest.mark.parametrize("name", sorted(CRM_ACTIONS))
def test_every_field_of_a_card_has_a_title_and_a_description(name: str) -> None:
    for side in ("input", "output"):
        for field in schema(name, side)["properties"].values():
            assert field["x-zui"]["title"]
            assert field["description"]


@pytest.mark.parametrize("name", sorted(CRM_ACTIONS))
def test_every_field_that_a_person_types_has_a_placeholder(name: str) -> None:
    for key, field in schema(name, "input")["properties"].items():
        typed = field.get("type") in ("string", "number", "integer")
        if typed and "enum" not in field and "default" not in field:
            assert field["x-zui"].get("placeholder"), key


@pytest.mark.parametrize("name", sorted(CRM_ACTIONS))
def test_the_least_input_fits_schema_and_model(name: str) -> None:
    needed = {"id": "1"} if "id" in schema(name, "input").get("required", []) else {}
    sent = MINIMAL.get(name, needed)
    as_text = {k: str(v) if isinstance(v, int) else v for k, v in sent.items()}
    assert fits(schema(name, "input"), as_text)
    assert parse_input(name, sent) == parse_input(name, {**as_text, "unknown": 1, "ownerId": ""})


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("getContact", GetRecordOutput(found=True, record=RECORD)),
        ("getDeal", GetRecordOutput(found=False)),
        ("createTicket", RECORD),
        ("searchLeads", SearchRecordsOutput(total=1, records=(RECORD,))),
        ("upsertContact", UpsertContactOutput(**RECORD.model_dump(), created=True)),
    ],
)
def test_an_output_fits_its_schema(name: str, output: WireModel) -> None:
    shown = output.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert fits(schema(name, "output"), shown)


@given(
    name=st.sampled_from(sorted(CRM_ACTIONS)),
    sent=st.dictionaries(
        st.sampled_from(["id", "email", "properties", "filters", "limit", "contactIds", "stage"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers()),
    ),
)
def test_malformed_input_is_refused_not_fatal(name: str, sent: Json) -> None:
    with suppress(InvalidPayload):
        parse_input(name, sent)
