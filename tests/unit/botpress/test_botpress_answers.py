from __future__ import annotations

import json
import re

import pytest

from hubspot_hitl.botpress.answers import STORE_AWAY, UNEXPECTED, error_answer
from hubspot_hitl.botpress.wire import BadEnvelope
from hubspot_hitl.errors import (
    ActionRefused,
    AuthorizationLost,
    BadConfiguration,
    BadSettings,
    BadSignature,
    Busy,
    HitlError,
    IllegalMove,
    InvalidPayload,
    MissingScope,
    StoreUnavailable,
    UnexpectedAnswer,
    UnknownInstallation,
    Vendor,
    VendorError,
    VendorFault,
    VendorNotFound,
    VendorRefused,
    VendorThrottled,
)

NOW_MS = 1795226000123


def vendor_error(type_: type[VendorError], vendor: Vendor = "hubspot") -> VendorError:
    return type_("HubSpot said no.", vendor=vendor, operation="publish", status=400)


@pytest.mark.parametrize(
    ("error", "status", "type_"),
    [
        (ActionRefused("Shown to user"), 400, "Runtime"),
        (BadConfiguration("inboxId is empty"), 400, "Runtime"),
        (IllegalMove("already resolved"), 400, "Runtime"),
        (UnknownInstallation("no such"), 400, "Runtime"),
        (InvalidPayload("Missing body"), 400, "InvalidPayload"),
        (BadSignature("no"), 401, "Unauthorized"),
        (Busy("full"), 503, "Runtime"),
        (vendor_error(VendorFault), 500, "Runtime"),
        (vendor_error(VendorThrottled), 500, "Runtime"),
        (vendor_error(UnexpectedAnswer), 500, "Runtime"),
        (vendor_error(VendorNotFound, "botpress"), 500, "Runtime"),
    ],
)
def test_each_error_has_its_status_and_says_its_own_message(
    error: HitlError, status: int, type_: str
) -> None:
    answer = error_answer(error, NOW_MS, operation="action_triggered")
    body = json.loads(answer.body)
    assert answer.status == status
    assert (body["type"], body["message"]) == (type_, error.message)
    assert body["code"] == (401 if status == 401 else 400)


@pytest.mark.parametrize("type_", [VendorRefused, VendorNotFound, MissingScope, AuthorizationLost])
def test_what_the_bot_owner_can_mend_in_hubspot_is_400_with_advice(
    type_: type[VendorError],
) -> None:
    answer = error_answer(vendor_error(type_), NOW_MS, operation="action_triggered")
    message = json.loads(answer.body)["message"]
    assert answer.status == 400
    assert message.startswith("HubSpot said no. ")
    assert message.endswith(".")


def test_a_refusal_inside_a_webhook_is_500_so_that_hubspot_delivers_again() -> None:
    error = vendor_error(VendorRefused)
    assert error_answer(error, NOW_MS, operation="webhook_received").status == 500


def test_a_store_that_is_away_does_not_tell_where_it_is() -> None:
    answer = error_answer(StoreUnavailable("PostgreSQL at db.internal:5432 is away"), NOW_MS)
    assert answer.status == 503
    assert json.loads(answer.body)["message"] == STORE_AWAY


@pytest.mark.parametrize("error", [KeyError("secret"), BadSettings("HITL_PORT"), RuntimeError()])
def test_anything_else_is_a_fixed_text(error: Exception) -> None:
    answer = error_answer(error, NOW_MS)
    assert answer.status == 500
    assert json.loads(answer.body)["message"] == UNEXPECTED


def test_the_id_tells_the_time_and_is_hex() -> None:
    assert error_answer(KeyError(), NOW_MS, nonce="fb641629").error_id == (
        "err_20261121015320xFB641629"
    )
    drawn = error_answer(KeyError(), NOW_MS).error_id
    assert drawn is not None
    assert re.fullmatch(r"err_\d{14}x[0-9A-F]{8}", drawn)


def test_header_faults_have_the_sdks_other_shape() -> None:
    answer = error_answer(BadEnvelope("Missing bot header"), NOW_MS)
    assert (answer.status, json.loads(answer.body)) == (500, {"error": "Missing bot header"})


def test_a_long_message_is_cut_to_what_botpress_keeps() -> None:
    answer = error_answer(ActionRefused("x" * 5000), NOW_MS)
    assert len(json.loads(answer.body)["message"]) == 2000
