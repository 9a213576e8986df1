from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.integration.messages import (
    MESSAGES,
    BlocMessage,
    LocationPart,
    TextMessage,
    parse_message,
)


def test_the_plugins_extra_type_key_is_ignored() -> None:
    payload = {"type": "text", "text": "Hi", "userId": "user_1", "additionalData": "{}"}
    assert parse_message("text", payload) == TextMessage(
        text="Hi", user_id="user_1", additional_data="{}"
    )


def test_the_items_of_a_bloc_are_typed() -> None:
    item = {"type": "location", "payload": {"latitude": 52.5, "longitude": 13.4}}
    bloc = parse_message("bloc", {"items": [item]})
    assert isinstance(bloc, BlocMessage)
    assert isinstance(bloc.items[0], LocationPart)


def test_an_unknown_kind_is_refused_in_the_sdks_words() -> None:
    with pytest.raises(InvalidPayload, match="Message of type sticker not found in channel hitl"):
        parse_message("sticker", {})


def test_a_wrong_message_is_named_without_its_words() -> None:
    with pytest.raises(InvalidPayload) as caught:
        parse_message("image", {"imageUrl": 5, "title": "private words"})
    assert "imageUrl" in caught.value.message
    assert "private words" not in caught.value.message


@given(
    type_=st.sampled_from(sorted(MESSAGES)) | st.text(max_size=300),
    payload=st.dictionaries(
        st.sampled_from(["text", "items", "title", "actions", "options", "userId", "latitude"]),
        st.none() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=5)),
    ),
)
def test_any_payload_is_parsed_or_refused(type_: str, payload: dict[str, object]) -> None:
    refused = ""
    try:
        parse_message(type_, payload)
    except InvalidPayload as error:
        refused = error.message
    assert len(refused) < 2_000
