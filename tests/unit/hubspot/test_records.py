from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.hubspot import paths, records
from hubspot_hitl.hubspot.fields import Fields, ShapeError, iso_time, time_ms
from hubspot_hitl.ports.hubspot_records import (
    ChannelMessage,
    DeliveryIdentifier,
    FileAttachment,
    IdentifierType,
    LocationAttachment,
    Party,
    QuickRepliesAttachment,
    QuickReply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

USER = Party(DeliveryIdentifier(IdentifierType.EMAIL, "user@example.test"), "User")
ACCOUNT = Party(DeliveryIdentifier(IdentifierType.OPAQUE, "botpress-1"))


def message(**changes: object) -> ChannelMessage:
    values: dict[str, object] = {
        "channel_id": "2900001",
        "channel_account_id": "33",
        "integration_thread_id": "thread-1",
        "idempotency_id": "msg-1",
        "text": "Hi",
        "sender": USER,
        "recipients": (ACCOUNT,),
        "timestamp_ms": 1_760_000_000_123,
    }
    return ChannelMessage(**(values | changes))  # type: ignore[arg-type]  # built by name


def test_a_publish_body_has_every_required_field() -> None:
    assert records.publish_body(message()) == {
        "type": "MESSAGE",
        "channelAccountId": "33",
        "messageDirection": "INCOMING",
        "integrationThreadId": "thread-1",
        "integrationIdempotencyId": "msg-1",
        "text": "Hi",
        "senders": [
            {
                "deliveryIdentifier": {"type": "HS_EMAIL_ADDRESS", "value": "user@example.test"},
                "name": "User",
            }
        ],
        "recipients": [
            {"deliveryIdentifier": {"type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": "botpress-1"}}
        ],
        "attachments": [],
        "timestamp": "2025-10-09T08:53:20.123Z",
    }


def test_a_publish_body_carries_what_is_optional_when_given() -> None:
    body = records.publish_body(
        message(text="", rich_text="<p>Hi</p>", contact_id="512", in_reply_to="m0")
    )
    assert body["text"] == " "
    assert body["richText"] == "<p>Hi</p>"
    assert body["associateWithContactId"] == 512
    assert body["inReplyToId"] == "m0"


def test_attachments_of_each_kind_are_written() -> None:
    body = records.publish_body(
        message(
            attachments=(
                FileAttachment("12", "IMAGE"),
                LocationAttachment(52.5, 13.4, name="Here"),
                QuickRepliesAttachment((QuickReply("yes", "Yes"), QuickReply("no"))),
            )
        )
    )
    assert body["attachments"] == [
        {"type": "FILE", "fileId": "12", "fileUsageType": "IMAGE"},
        {"type": "LOCATION", "latitude": 52.5, "longitude": 13.4, "name": "Here"},
        {
            "type": "QUICK_REPLIES",
            "quickReplies": [
                {"value": "yes", "valueType": "TEXT", "label": "Yes"},
                {"value": "no", "valueType": "TEXT"},
            ],
        },
    ]


def test_a_thread_is_read_with_its_ticket() -> None:
    thread = records.thread(
        Fields(
            {
                "id": 91,
                "status": "CLOSED",
                "inboxId": 5,
                "assignedTo": "A-1",
                "threadAssociations": {"associatedTicketId": 77},
                "latestMessageTimestamp": "1970-01-01T00:00:01Z",
            }
        )
    )
    assert (thread.id, thread.status, thread.ticket_id) == ("91", "CLOSED", "77")
    assert (thread.inbox_id, thread.latest_message_ms) == ("5", 1000)


def test_an_unknown_thread_status_does_not_close_a_thread() -> None:
    assert records.thread(Fields({"id": "1", "status": "SNOOZED"})).status == "OPEN"


def test_history_entries_keep_what_their_kind_says() -> None:
    assigned = records.thread_message(
        Fields({"id": "1", "type": "ASSIGNMENT", "assignedTo": "A-2", "createdAt": 5})
    )
    closed = records.thread_message(
        Fields({"id": "2", "type": "THREAD_STATUS_CHANGE", "newStatus": "CLOSED"})
    )
    moved = records.thread_message(
        Fields({"id": "3", "type": "THREAD_INBOX_CHANGE", "toInboxId": 8})
    )
    cut = records.thread_message(
        Fields({"id": "4", "truncationStatus": "TRUNCATED_TO_MOST_RECENT_REPLY"})
    )
    assert (assigned.assigned_to, assigned.created_ms) == ("A-2", 5)
    assert (closed.new_status, moved.inbox_to, cut.truncated) == ("CLOSED", "8", True)


def test_an_actor_without_a_type_gets_it_from_its_id() -> None:
    assert records.actor(Fields({"id": "L-9"})).type == "LLM"


def test_a_contact_knows_its_email() -> None:
    contact = records.contact(Fields({"id": "1", "properties": {"email": "a@b.test", "x": None}}))
    assert contact.email == "a@b.test"
    assert contact.properties["x"] is None


def test_an_inactive_token_has_no_portal() -> None:
    with pytest.raises(ShapeError, match="not active"):
        records.portal_info(Fields({"active": False, "hub_id": 1}), 0)


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "x" * 600])
def test_an_id_that_would_change_a_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidPayload):
        paths.thread(value)


def test_an_id_is_escaped_in_a_path() -> None:
    assert paths.contact("a/b?c@d.test").endswith("/contacts/a%2Fb%3Fc%40d.test")


@given(st.integers(min_value=0, max_value=253_402_300_799_000))
def test_a_time_survives_writing_and_reading(epoch_ms: int) -> None:
    assert time_ms(iso_time(epoch_ms)) == epoch_ms


@given(st.text(max_size=45) | st.floats() | st.integers() | st.none() | st.booleans())
def test_reading_a_time_never_raises(value: object) -> None:
    read = time_ms(value)
    assert read is None or read >= 0


READERS: list[Callable[[Fields], object]] = [
    records.inbox,
    records.channel,
    records.channel_account,
    records.published,
    records.thread,
    records.thread_message,
    records.actor,
    records.contact,
]
NAMES = ["id", "type", "status", "createdAt", "attachments", "senders", "client", "properties"]
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


@given(st.sampled_from(READERS), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_shape_is_a_record_or_a_shape_error(
    read: Callable[[Fields], object], raw: dict[str, object]
) -> None:
    try:
        record = read(Fields(raw))
    except ShapeError:
        assert read is records.published or Fields(raw).id("id") is None
    else:
        assert record is not None
