"""A delivery whose body cannot be read becomes a dead letter at its first attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.intake.hubspot_events import parked_event
from hubspot_hitl.ledger.attempt import Attempt
from hubspot_hitl.ledger.backoff import Policy
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryState

PARKED: Mapping[str, object] = {"kind": "k", "dedupKey": "d", "threadId": "9", "body": {}}


def since(it: Delivery) -> int:
    return it.number("sinceMs")


def delivery(body: Mapping[str, object]) -> Delivery:
    return Delivery(
        seq=7,
        dedup_key="key",
        lane="a",
        kind="test",
        installation_id="installation",
        body=body,
        handoff_id=None,
        timer=False,
        state=DeliveryState.READY,
        attempts=0,
        due_ms=0,
        accepted_ms=0,
    )


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (message_of, ERASED),
        (message_of, {"message": None}),
        (message_of, {"message": ["text"]}),
        (parked_event, ERASED),
        (parked_event, {**PARKED, "occurredMs": 1, "body": "text"}),
        (parked_event, PARKED),
        (since, ERASED),
        (since, {"sinceMs": "1"}),
        (since, {"sinceMs": None}),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_at_once(
    read: Callable[[Delivery], object], body: Mapping[str, object]
) -> None:
    it = delivery(body)
    with pytest.raises(InvalidPayload, match="delivery 7 of kind 'test'") as raised:
        read(it)
    attempt = Attempt(it, began_ms=0, took_s=0.0, cancelled=False, now_ms=1)
    settled = attempt.failed(raised.value, Policy(), lambda: 0.0)
    assert (settled.row.state, settled.row.error_code) == (DeliveryState.DEAD, "invalid_payload")


def test_what_can_be_read_is() -> None:
    event = parked_event(delivery({**PARKED, "occurredMs": 5, "integrationThreadIds": ["1", "2"]}))
    assert (event.occurred_ms, event.integration_thread_ids) == (5, ("1", "2"))
    assert since(delivery({"sinceMs": 0})) == 0
