from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.hubspot.wire import (
    ChannelAccountChanged,
    OutgoingMessage,
    ThreadCreated,
    ThreadDeleted,
    ThreadNewMessage,
    ThreadPropertyChanged,
    UnknownEvent,
    WebhookEvent,
    parse_webhook,
)

MESSAGE: dict[str, object] = {
    "id": "0f1",
    "type": "MESSAGE",
    "channelAccountId": "330000001",
    "conversationsThreadId": "9100000001",
    "createdAt": "2026-06-01T12:00:00.000Z",
    "createdBy": "A-1111",
    "direction": "OUTGOING",
    "truncationStatus": "NOT_TRUNCATED",
    "status": "SENT",
    "senders": [{"actorId": "A-1111", "name": "Ada"}],
    "text": "Hello",
    "richText": "<p>Hello</p>",
    "attachments": [
        {
            "type": "FILE",
            "fileId": 123,
            "fileUsageType": "IMAGE",
            "name": "a.png",
            "url": "https://a",
        },
        {"type": "QUICK_REPLIES", "quickReplies": [{"value": "yes", "label": "Yes"}, {}]},
    ],
}
OUTGOING: dict[str, object] = {
    "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
    "portalId": "1234567",
    "channelId": 2900001,
    "eventTimestamp": "2026-06-01T12:00:00.000Z",
    "eventId": "opaque",
    "channelIntegrationThreadIds": ["our-thread"],
    "message": MESSAGE,
}
ASSIGNED: dict[str, object] = {
    "eventId": 1,
    "subscriptionId": 25,
    "portalId": 1234567,
    "appId": 1160452,
    "occurredAt": 1780315200000,
    "subscriptionType": "conversation.propertyChange",
    "attemptNumber": 0,
    "objectId": 9100000001,
    "propertyName": "assignedTo",
    "propertyValue": "A-1111",
    "changeSource": "USER",
}


def parse(value: object) -> tuple[WebhookEvent, ...]:
    return parse_webhook(json.dumps(value).encode())


def only(value: object) -> WebhookEvent:
    (event,) = parse(value)
    return event


def test_an_agents_message_is_read_whole() -> None:
    event = only(OUTGOING)
    assert isinstance(event, OutgoingMessage)
    assert (event.portal_id, event.channel_id) == ("1234567", "2900001")
    assert (event.thread_id, event.integration_thread_ids) == ("9100000001", ("our-thread",))
    assert (event.sender_actor_id, event.message.sender_name) == ("A-1111", "Ada")
    assert event.occurred_ms == 1780315200000
    assert event.dedup_key == "hubspot:outgoing:1234567:0f1"
    assert (event.message.text, event.message.rich_text) == ("Hello", "<p>Hello</p>")
    assert event.message.status_type == "SENT"
    file, replies = event.message.attachments
    assert (file.file_id, file.usage, file.url) == ("123", "IMAGE", "https://a")
    assert [reply.value for reply in replies.replies] == ["yes"]


def test_integration_thread_ids_and_channel_are_also_found_inside_the_message() -> None:
    message = {
        "id": 7,
        "conversationsThreadId": 9,
        "channelId": 2,
        "channelIntegrationThreadIds": ["inner"],
        "status": {"statusType": "SENT"},
        "createdBy": "A-2",
    }
    event = only({"type": OUTGOING["type"], "portalId": 1, "message": message})
    assert isinstance(event, OutgoingMessage)
    assert (event.integration_thread_ids, event.channel_id) == (("inner",), "2")
    assert (event.message.status_type, event.sender_actor_id) == ("SENT", "A-2")


def test_a_message_without_its_own_time_has_the_time_of_its_event() -> None:
    message = {key: value for key, value in MESSAGE.items() if key != "createdAt"}
    event = only({**OUTGOING, "message": message})
    assert isinstance(event, OutgoingMessage)
    assert event.message.created_ms == event.occurred_ms == 1780315200000


def test_words_of_hubspots_lists_are_read_in_capitals() -> None:
    message = {**MESSAGE, "type": "message", "direction": "outgoing"}
    event = only({**OUTGOING, "message": message})
    assert isinstance(event, OutgoingMessage)
    assert (event.message.type, event.message.direction) == ("MESSAGE", "OUTGOING")


def test_an_assignment_is_read_with_ids_as_strings() -> None:
    event = only([ASSIGNED])
    assert isinstance(event, ThreadPropertyChanged)
    assert (event.portal_id, event.app_id, event.thread_id) == (
        "1234567",
        "1160452",
        "9100000001",
    )
    assert (event.property, event.value) == ("assignedTo", "A-1111")
    assert event.occurred_ms == 1780315200000


@pytest.mark.parametrize(("sent", "read"), [(None, ""), ("", ""), (True, "true"), (12, "12")])
def test_property_values_become_text(sent: object, read: str) -> None:
    event = only(ASSIGNED | {"propertyValue": sent})
    assert isinstance(event, ThreadPropertyChanged)
    assert event.value == read


def test_the_property_key_ignores_the_event_id_and_the_attempt() -> None:
    first, again = parse([ASSIGNED, ASSIGNED | {"eventId": 2, "attemptNumber": 3}])
    assert isinstance(first, ThreadPropertyChanged)
    assert isinstance(again, ThreadPropertyChanged)
    assert first.dedup_key == again.dedup_key


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("portalId", 2),
        ("subscriptionId", 26),
        ("objectId", 5),
        ("propertyName", "status"),
        ("propertyValue", ""),
        ("occurredAt", 1780315200001),
    ],
)
def test_each_part_of_the_property_key_counts(field: str, value: object) -> None:
    first, other = parse([ASSIGNED, ASSIGNED | {field: value}])
    assert isinstance(first, ThreadPropertyChanged)
    assert isinstance(other, ThreadPropertyChanged)
    assert first.dedup_key != other.dedup_key


def test_a_long_property_value_makes_a_short_key() -> None:
    event = only(ASSIGNED | {"propertyValue": "x" * 5000})
    assert isinstance(event, ThreadPropertyChanged)
    assert len(event.dedup_key) < 120


def test_a_new_message_is_keyed_by_its_id() -> None:
    event = only(
        ASSIGNED
        | {
            "subscriptionType": "conversation.newMessage",
            "messageId": "m1",
            "messageType": "COMMENT",
        }
    )
    assert isinstance(event, ThreadNewMessage)
    assert (event.message_id, event.message_type) == ("m1", "COMMENT")
    assert event.dedup_key == "hubspot:new-message:1234567:m1"


def test_creation_and_both_deletions_are_told_apart() -> None:
    created, soft, hard = parse(
        [
            ASSIGNED | {"subscriptionType": f"conversation.{kind}"}
            for kind in ("creation", "deletion", "privacyDeletion")
        ]
    )
    assert isinstance(created, ThreadCreated)
    assert isinstance(soft, ThreadDeleted)
    assert isinstance(hard, ThreadDeleted)
    assert (soft.privacy, hard.privacy) == (False, True)
    assert len({created.dedup_key, soft.dedup_key, hard.dedup_key}) == 3


@pytest.mark.parametrize("kind", ["created", "updated", "purged"])
@pytest.mark.parametrize(
    "identifier", ["botpress", {"type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": "botpress"}]
)
def test_account_events_take_both_identifier_shapes(kind: str, identifier: object) -> None:
    event = only(
        {
            "type": f"CHANNEL_ACCOUNT_{kind.upper()}",
            "portalId": "1",
            "channelId": "2",
            "channelAccountId": 3,
            "eventTimestamp": "2026-06-01T12:00:00Z",
            "channelAccountDeliveryIdentifier": identifier,
        }
    )
    assert isinstance(event, ChannelAccountChanged)
    assert (event.kind, event.account_id) == (kind, "3")
    assert event.identifier is not None
    assert event.identifier.value == "botpress"


def test_an_array_may_mix_both_kinds_and_strangers() -> None:
    events = parse([OUTGOING, ASSIGNED, {"subscriptionType": "contact.creation"}])
    kinds = [type(event) for event in events]
    assert kinds == [OutgoingMessage, ThreadPropertyChanged, UnknownEvent]
    assert events[2] == UnknownEvent("contact.creation")


def test_one_damaged_event_does_not_lose_the_others() -> None:
    damaged, good, stranger = parse([ASSIGNED | {"objectId": None}, ASSIGNED, 12])
    assert isinstance(damaged, UnknownEvent)
    assert damaged.problem == "the field 'objectId' is missing or is not an id"
    assert isinstance(good, ThreadPropertyChanged)
    assert isinstance(stranger, UnknownEvent)


def test_an_empty_array_holds_no_events() -> None:
    assert parse([]) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"null",
        b"12",
        b"{}",
        b"[1]",
        b'{"type": 5}',
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 5_000_000,
        json.dumps({"type": "OUTGOING_CHANNEL_MESSAGE_CREATED"}).encode(),
    ],
    ids=lambda body: f"{body[:12]!r}-{len(body)}",
)
def test_a_body_without_events_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        parse_webhook(body)


def test_a_text_of_five_megabytes_is_read() -> None:
    event = only(
        OUTGOING
        | {
            "message": {
                "id": "1",
                "conversationsThreadId": "2",
                "channelId": "3",
                "text": "x" * 5_000_000,
            }
        }
    )
    assert isinstance(event, OutgoingMessage)
    assert len(event.message.text) == 5_000_000


def test_a_refusal_does_not_repeat_the_body() -> None:
    with pytest.raises(InvalidPayload) as caught:
        parse([ASSIGNED | {"portalId": {"secret": "value"}}])
    assert "value" not in caught.value.message


junk: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
types = st.sampled_from(
    [
        "OUTGOING_CHANNEL_MESSAGE_CREATED",
        "CHANNEL_ACCOUNT_UPDATED",
        "conversation.propertyChange",
        "conversation.newMessage",
        "conversation.deletion",
        "conversation.creation",
    ]
)
fields = st.sampled_from([*OUTGOING, *ASSIGNED, "channelAccountId", "messageId"])


@st.composite
def known_events(draw: st.DrawFn) -> dict[str, object]:
    inner = st.dictionaries(st.sampled_from(sorted(MESSAGE)), junk, max_size=8)
    event = draw(st.dictionaries(fields, junk, max_size=8))
    return event | {"type": draw(types), "message": draw(inner | junk)}


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        parsed = parse_webhook(body)
    except InvalidPayload:
        return
    assert isinstance(parsed, tuple)


@given(st.lists(known_events(), min_size=1, max_size=3))
def test_any_shape_of_a_known_event_is_parsed_or_refused(value: list[dict[str, object]]) -> None:
    try:
        parsed = parse(value)
    except InvalidPayload:
        return
    assert len(parsed) == len(value)
