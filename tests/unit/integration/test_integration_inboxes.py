from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.integration.inboxes import InboxReference, inbox_reference, inbox_references

SETTINGS = "app-na3.hubspot.com/live-messages-settings/341662569/inboxes/1263703960"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" 1263703960\n", InboxReference("1263703960")),
        (f"https://{SETTINGS}/channels", InboxReference("1263703960", "341662569", "na3")),
        (f"{SETTINGS}?tab=1#x", InboxReference("1263703960", "341662569", "na3")),
        (
            "https://app.hubspot.com/live-messages-settings/1/inboxes/2/edit/live-chat/primary",
            InboxReference("2", "1"),
        ),
        ("HTTPS://APP-EU1.HubSpot.com/settings/1/inbox/2", InboxReference("2", "1", "eu1")),
        ("https://app.hubspot.com/help-desk-settings/1/help-desks/2/x", InboxReference("2", "1")),
        ("https://app.hubspot.com/settings/1/connect?x=1&inboxId=2", InboxReference("2", "1")),
    ],
)
def test_an_inbox_is_read_from_an_id_or_an_address(value: str, expected: InboxReference) -> None:
    assert inbox_reference(value) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "neither an inbox id nor an address"),
        ("my inbox", "neither an inbox id nor an address"),
        ("https://evil.test/live-messages-settings/1/inboxes/2", "neither"),
        ("https://app.hubspot.com.evil.test/x/1/inboxes/2", "neither"),
        ("https://app.hubspot.com/live-messages/1/inbox/2", "address of a conversation"),
        ("https://app.hubspot.com/help-desk/1/view/2/ticket/3", "address of a conversation"),
        ("https://app.hubspot.com/contacts/1/record/0-1/2", "names no inbox"),
        ("https://app.hubspot.com/live-messages-settings/1/inboxes/2x", "names no inbox"),
    ],
)
def test_what_names_no_inbox_is_refused_with_a_cure(value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        inbox_reference(value)
    assert "inbox settings" in str(caught.value)


def test_several_inboxes_keep_their_order_and_come_once() -> None:
    found = inbox_references(f"7, https://{SETTINGS}\n7,,8 ")
    assert [inbox.inbox_id for inbox in found] == ["7", "1263703960", "8"]


def test_the_unreadable_entry_is_named_by_its_position() -> None:
    with pytest.raises(ValueError, match="entry 2: this is neither"):
        inbox_references("7,not an id")


@given(st.text() | st.from_regex(r"https://app\.hubspot\.com/[a-z/0-9?=&#-]{0,80}"))
def test_any_text_is_an_inbox_or_a_value_error(value: str) -> None:
    try:
        reference = inbox_reference(value)
    except ValueError:
        return
    assert reference.inbox_id.isascii()
    assert len(reference.inbox_id) <= 64
