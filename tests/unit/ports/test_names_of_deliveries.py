from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from hubspot_hitl.ports.ledger import Delivery, DeliveryState
from hubspot_hitl.ports.reading import name_of
from hubspot_hitl.ports.services import Services

IT = Delivery(
    seq=12,
    dedup_key="hubspot:message:1",
    lane="handoff",
    kind="hubspot.message",
    installation_id="installation",
    body={},
    handoff_id="handoff",
    timer=False,
    state=DeliveryState.READY,
    attempts=0,
    due_ms=0,
    accepted_ms=0,
)


def name(it: Delivery, by_number: int = 0) -> str:
    return name_of(cast(Services, SimpleNamespace(named_by_number=by_number)), it)


def test_a_name_stays_when_the_same_thing_gets_another_number() -> None:
    assert name(IT) == name(replace(IT, seq=99))


def test_another_thing_with_the_same_number_has_another_name() -> None:
    assert name(IT) != name(replace(IT, dedup_key="hubspot:message:2"))


def test_what_was_accepted_before_the_third_schema_keeps_its_number() -> None:
    assert name(IT, by_number=12) == "12"
    assert name(replace(IT, seq=13), by_number=12) == name(IT)
