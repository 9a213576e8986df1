from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import NoTurn, VendorFault
from hubspot_hitl.ledger.attempt import TURN_PATIENCE_MS, Attempt
from hubspot_hitl.ledger.backoff import Policy
from hubspot_hitl.ledger.observer import Finished
from hubspot_hitl.ledger.rows import body_of, body_text, storable
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, Done, Later

DELIVERY = Delivery(
    seq=7,
    dedup_key="key",
    lane="a",
    kind="test",
    installation_id="installation",
    body={},
    handoff_id=None,
    timer=False,
    state=DeliveryState.READY,
    attempts=2,
    due_ms=900,
    accepted_ms=500,
)
ATTEMPT = Attempt(DELIVERY, began_ms=1_000, took_s=0.25, cancelled=False, now_ms=1_250)
FAULT = VendorFault("no", vendor="hubspot", operation="publish", retry_after_s=1)


def test_done_is_written_with_its_note() -> None:
    settled = ATTEMPT.succeeded(Done("sent"))
    assert (settled.row.state, settled.row.note, settled.row.attempts) == (
        DeliveryState.DONE,
        "sent",
        2,
    )
    assert settled.event == Finished(DELIVERY, waited_ms=100, took_s=0.25)


@pytest.mark.parametrize("after_s", [-5.0, 0.0, math.nan])
def test_later_without_a_wait_is_the_next_millisecond(after_s: float) -> None:
    settled = ATTEMPT.succeeded(Later(after_s, "soon"))
    assert settled.again == replace(DELIVERY, due_ms=1_251, note="soon")


def test_later_for_ever_is_a_moment_that_can_be_stored() -> None:
    assert ATTEMPT.succeeded(Later(math.inf, "never")).row.due_ms < 2**62


def test_a_failure_counts_and_waits() -> None:
    settled = ATTEMPT.failed(FAULT, Policy(), lambda: 0.0)
    assert settled.again is not None
    assert (settled.again.attempts, settled.again.due_ms) == (3, 2_250)
    assert (settled.row.error_code, settled.row.error) == ("vendor_fault", "no")


@pytest.mark.parametrize(
    ("limit", "late_ms", "attempts"),
    [(5, TURN_PATIENCE_MS, 3), (5, TURN_PATIENCE_MS - 1, 2), (None, TURN_PATIENCE_MS, 2)],
)
def test_waiting_for_a_turn_counts_after_a_while_where_tries_are_limited(
    limit: int | None, late_ms: int, attempts: int
) -> None:
    no_turn = NoTurn("no room", vendor="hubspot", operation="x", retry_after_s=1)
    late = replace(ATTEMPT, now_ms=DELIVERY.accepted_ms + late_ms)
    settled = late.failed(no_turn, Policy(max_attempts=limit), lambda: 0.0)
    assert settled.again is not None
    assert settled.again.attempts == attempts


def test_what_was_cancelled_is_not_tried_again() -> None:
    cancelled = replace(ATTEMPT, cancelled=True)
    assert cancelled.failed(FAULT, Policy(), lambda: 0.0).row.state is DeliveryState.CANCELLED
    assert cancelled.succeeded(Later(1, "x")).again is None
    assert cancelled.succeeded(Done()).row.state is DeliveryState.DONE


def test_the_words_of_a_bug_are_not_stored() -> None:
    settled = ATTEMPT.failed(ValueError("secret words"), Policy(), lambda: 0.0)
    assert settled.row.error == "ValueError in the handler of 'test': see the log (internal_error)"


@given(st.text(alphabet=st.characters()) | st.just("\ud800\x00"))
def test_any_text_for_people_can_be_stored(text: str) -> None:
    kept = storable(text) or ""
    assert kept.encode().decode() == kept
    assert "\x00" not in kept


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_a_body_comes_back_as_it_was(body: dict[str, object]) -> None:
    text = body_text(body, "test")
    assert body_of(text) == body
    assert text.encode().decode() == text
