from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.rooms import handoff

from hubspot_hitl.privacy.receipt import Receipt, is_genuine, signed
from hubspot_hitl.privacy.target import Target

KEYS = {"new": b"n" * 32, "old": b"o" * 32}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def document() -> dict[str, object]:
    receipt = Receipt(
        id="r",
        target=Target("handoff", "handoff"),
        by="cli:ada",
        at_ms=1_760_000_000_000,
        handoffs=(handoff(user_name="Ada", title="secret"),),
        counts={"deliveries": 3},
    )
    return receipt.as_json()


def test_a_receipt_names_ids_and_no_content() -> None:
    text = json.dumps(document())
    assert "Ada" not in text
    assert "secret" not in text
    assert '"threadId": "9"' in text


def test_a_receipt_survives_the_way_through_a_file() -> None:
    assert is_genuine(json.loads(json.dumps(signed(document(), KEYS), indent=2)), KEYS)


def test_a_receipt_of_an_older_key_is_still_genuine() -> None:
    assert is_genuine(signed(document(), {"old": KEYS["old"]}), KEYS)


def test_a_receipt_of_another_house_is_not_genuine() -> None:
    assert not is_genuine(signed(document(), {"new": b"x" * 32}), KEYS)


@given(name=st.sampled_from(sorted(document())), value=JSON)
def test_a_changed_field_is_noticed(name: str, value: object) -> None:
    genuine = signed(document(), KEYS)
    assert is_genuine({**genuine, name: value}, KEYS) == (
        json.dumps(genuine[name], sort_keys=True) == json.dumps(value, sort_keys=True)
    )


@given(JSON | st.dictionaries(st.sampled_from(["signature", "a"]), JSON))
def test_nothing_else_is_a_genuine_receipt(anything: object) -> None:
    assert not is_genuine(anything, KEYS)
