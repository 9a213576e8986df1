from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.integration.actions import (
    ACTIONS,
    CreateUserInput,
    SendMessageInput,
    StartHitlInput,
    StopHitlInput,
    parse_input,
)
from hubspot_hitl.integration.history import TextEntry, UnreadableEntry, UserSource

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["userId", "title", "hitlSession", "messageHistory", "conversationId", "text", "message"]
)


def start(**fields: object) -> StartHitlInput:
    parsed = parse_input("startHitl", {"userId": "user_1", "messageHistory": [], **fields})
    assert isinstance(parsed, StartHitlInput)
    return parsed


def test_fields_that_botpress_adds_later_are_ignored() -> None:
    parsed = parse_input("createUser", {"name": "Ada", "new": {"deep": 1}, "email": None})
    assert parsed == CreateUserInput(name="Ada")
    stop = parse_input("stopHitl", {"conversationId": "conv_1", "reason": "timeout"})
    assert stop == StopHitlInput(conversation_id="conv_1")


def test_a_history_entry_is_read_by_its_type() -> None:
    entry = {"type": "text", "source": {"type": "user", "userId": "u"}, "payload": {"text": "Hi"}}
    (read,) = start(messageHistory=[entry]).message_history
    assert isinstance(read, TextEntry)
    assert read.source == UserSource(type="user", user_id="u")
    assert read.model_dump(by_alias=True) == entry


def test_an_unreadable_history_entry_is_kept_as_it_came() -> None:
    odd = {"type": "sticker", "source": {"type": "agent"}, "payload": {"url": "https://x.test"}}
    (read,) = start(messageHistory=[odd]).message_history
    assert isinstance(read, UnreadableEntry)
    assert read.model_dump(by_alias=True) == odd


@given(entries=st.lists(JSON, max_size=5))
def test_no_history_entry_keeps_a_user_from_an_agent(entries: list[Any]) -> None:
    assert len(start(messageHistory=entries).message_history) == len(entries)


def test_blank_session_fields_of_the_studio_count_as_not_given() -> None:
    session = start(hitlSession={"inboxId": " ", "priority": "", "language": "de"}).hitl_session
    assert session is not None
    assert (session.inbox_id, session.priority, session.language) == (None, None, "de")


def test_the_inbox_of_a_session_may_be_a_number_or_an_address() -> None:
    url = "https://app-na3.hubspot.com/live-messages-settings/341/inboxes/126/channels"
    for given_ in (126, "126", url):
        session = start(hitlSession={"inboxId": given_}).hitl_session
        assert session is not None
        assert session.inbox_id == "126"


@pytest.mark.parametrize(
    "content", [{}, {"text": ""}, {"text": "Hi", "message": {"type": "text", "payload": {}}}]
)
def test_send_message_wants_either_text_or_a_message(content: dict[str, object]) -> None:
    with pytest.raises(InvalidPayload, match="sendMessage is wrong"):
        parse_input("sendMessage", {"conversationId": "conv_1", **content})


def test_send_message_takes_any_kind_and_ignores_blank_fields() -> None:
    place = {"type": "location", "payload": {"latitude": 1, "longitude": 2.5}}
    parsed = parse_input(
        "sendMessage", {"conversationId": "conv_1", "text": "", "userId": "", "message": place}
    )
    assert isinstance(parsed, SendMessageInput)
    assert parsed.user_id is None
    assert parsed.message is not None
    assert parsed.message.type == "location"


def test_an_unknown_action_is_named() -> None:
    with pytest.raises(InvalidPayload, match="Action dance not found"):
        parse_input("dance", {})


def test_an_error_names_the_field_and_repeats_no_value() -> None:
    with pytest.raises(InvalidPayload) as caught:
        parse_input("createUser", {"name": {"secret": "s3cr3t-value"}, "email": ["s3cr3t-value"]})
    assert "name" in caught.value.message
    assert "s3cr3t-value" not in caught.value.message


@given(name=st.sampled_from(sorted(ACTIONS)), input_=JSON | st.dictionaries(FIELDS, JSON))
def test_any_json_is_parsed_or_refused(name: str, input_: object) -> None:
    refused = ""
    try:
        parse_input(name, input_)
    except InvalidPayload as error:
        refused = error.message
    assert len(refused) < 2_000
