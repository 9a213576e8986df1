from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.intake.codec import message_from_json, message_to_json
from hubspot_hitl.ports.hubspot_records import QuickReply, ThreadAttachment, ThreadMessage

TEXT = st.text(max_size=30)
MAYBE = st.none() | TEXT
REPLIES = st.builds(
    QuickReply, value=TEXT, label=MAYBE, value_type=st.sampled_from(["TEXT", "URL"])
)
DEGREES = st.none() | st.floats(-180, 180)
ATTACHMENTS = st.builds(
    ThreadAttachment,
    type=TEXT,
    file_id=MAYBE,
    usage=MAYBE,
    name=MAYBE,
    url=MAYBE,
    replies=st.lists(REPLIES, max_size=3).map(tuple),
    latitude=DEGREES,
    longitude=DEGREES,
    address=MAYBE,
)
MESSAGES = st.builds(
    ThreadMessage,
    id=TEXT,
    type=TEXT,
    created_ms=st.integers(0, 2**53),
    created_by=MAYBE,
    direction=MAYBE,
    text=TEXT,
    rich_text=MAYBE,
    attachments=st.lists(ATTACHMENTS, max_size=3).map(tuple),
    truncated=st.booleans(),
    sender_actor_ids=st.lists(TEXT, max_size=3).map(tuple),
    in_reply_to=MAYBE,
    new_status=MAYBE,
    assigned_to=MAYBE,
)


@given(MESSAGES)
def test_a_message_survives_the_ledgers_json(message: ThreadMessage) -> None:
    stored = json.loads(json.dumps(message_to_json(message)))
    assert message_from_json(stored) == message


@given(MESSAGES, st.dictionaries(st.text(min_size=20, max_size=25), TEXT, max_size=2))
def test_fields_of_a_later_version_are_passed_over(
    message: ThreadMessage, more: dict[str, str]
) -> None:
    assert message_from_json({**message_to_json(message), **more}) == message
