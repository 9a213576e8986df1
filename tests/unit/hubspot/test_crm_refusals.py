from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import MissingScope, VendorConflict, VendorRefused
from hubspot_hitl.hubspot.answers import Answer
from hubspot_hitl.hubspot.crm.refusals import existing_id, refusal
from hubspot_hitl.ports.crm_records import FieldsRefused


def answer(body: object, status: int = 400) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_reasons_inside_the_message_are_read() -> None:
    inner = [
        {
            "isValid": False,
            "message": 'Property "tier_" does not exist',
            "error": "PROPERTY_DOESNT_EXIST",
            "name": "tier_",
        },
        {
            "isValid": False,
            "message": '"hunter2" was not one of the allowed options: [a]',
            "error": "INVALID_OPTION",
            "name": "stage",
        },
    ]
    body = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": f"Property values were not valid: {json.dumps(inner)}",
        "correlationId": "c-1",
    }
    error = refusal(answer(body), "deals.create", 0)
    assert isinstance(error, FieldsRefused)
    assert error.message == (
        "HubSpot refused deals.create: 'tier_': there is no such property;"
        " 'stage': the value is none of its options"
    )
    assert (error.correlation_id, error.vendor_code) == ("c-1", "PROPERTY_DOESNT_EXIST")


def test_reasons_in_the_details_are_read() -> None:
    detail = {
        "message": 'the value "hunter2" must be longer than 3',
        "code": "PORTAL_RULE",
        "context": {"propertyName": ["zip"]},
    }
    error = refusal(answer({"message": "no", "errors": [detail]}), "contacts.update", 0)
    assert isinstance(error, FieldsRefused)
    assert error.message.endswith("'zip': the value ... must be longer than 3")


def test_a_refusal_without_fields_stays_what_it_is() -> None:
    error = refusal(answer({"message": "Invalid input JSON"}), "contacts.create", 0)
    assert type(error) is VendorRefused


def test_a_missing_scope_is_named_with_the_edition() -> None:
    detail = {"message": "x", "context": {"requiredGranularScopes": ["crm.objects.leads.write"]}}
    error = refusal(answer({"errors": [detail]}, 403), "leads.create", 0)
    assert isinstance(error, MissingScope)
    assert "crm.objects.leads.write" in error.message
    assert "Sales Hub Professional" in error.message


@pytest.mark.parametrize("text", ["Contact already exists. Existing ID: 77", "Existing ID:77"])
def test_a_conflict_names_the_record_that_exists(text: str) -> None:
    assert existing_id(VendorConflict(text, vendor="hubspot", operation="x")) == "77"


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_no_body_is_fatal(raw: bytes) -> None:
    assert refusal(answer(raw), "x.y", 0).message
    wrapped = {"message": "Property values were not valid: [{" + raw.decode("latin-1") + "}]"}
    assert refusal(answer(wrapped), "x.y", 0).message
