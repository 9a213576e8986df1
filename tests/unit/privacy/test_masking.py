from __future__ import annotations

import pytest

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.handoff.to_agent import to_agent
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.readiness import parse_configuration, require_ready
from hubspot_hitl.privacy.masking import (
    mask_content,
    mask_history,
    mask_payload,
    mask_text,
    redactor_of,
)

CARD = "4111 1111 1111 1111"
MASKED = "[•••• 1111]"
COMPLETE = {
    "developerApiKey": "k",
    "appId": "1",
    "clientId": "c",
    "clientSecret": "s",
    "refreshToken": "r",
    "inboxId": "1",
}
ON = parse_configuration({"redaction": "mask", "redactionPatterns": [r"KD-\d+"]})


def test_masking_is_off_unless_asked_for() -> None:
    assert redactor_of(Configuration()) is None
    assert mask_text(Configuration(), CARD) == CARD


def test_a_message_for_the_agent_is_masked_in_all_its_texts() -> None:
    said = mask_content(ON, to_agent("markdown", {"markdown": f"**{CARD}** of KD-17"}))
    assert said.text == f"**{MASKED}** of [•••]"
    assert said.text_with_links == said.text
    assert said.rich_text is None


def test_formatting_stays_where_nothing_was_found() -> None:
    said = mask_content(ON, to_agent("markdown", {"markdown": "**order 1234567890123**"}))
    assert said.rich_text is not None
    assert "1234567890123" in said.rich_text


def test_digits_of_two_items_are_no_card_number() -> None:
    items = [
        {"type": "text", "payload": {"text": "4111 1111"}},
        {"type": "text", "payload": {"text": "1111 1111"}},
    ]
    said = mask_content(ON, to_agent("bloc", {"items": items}))
    assert said.text == "4111 1111\n1111 1111"


def test_a_card_number_in_one_item_of_several_is_masked() -> None:
    items = [
        {"type": "text", "payload": {"text": "my card"}},
        {"type": "text", "payload": {"text": CARD}},
    ]
    assert mask_content(ON, to_agent("bloc", {"items": items})).text == f"my card\n{MASKED}"


def test_the_address_of_a_file_stays_and_its_title_is_masked() -> None:
    url = "https://files.example/4111111111111111.pdf"
    said = mask_content(ON, to_agent("file", {"fileUrl": url, "title": f"card {CARD}"}))
    assert said.files[0].url == url
    assert said.files[0].title == f"card {MASKED}"
    assert url in said.text_with_links
    assert CARD not in said.text + said.text_with_links


def test_a_message_for_the_user_is_masked_but_for_ids_and_addresses() -> None:
    payload = {"text": f"IBAN DE89370400440532013000, {CARD}", "options": [{"label": CARD}]}
    assert mask_payload(ON, payload) == {
        "text": f"IBAN [IBAN •••• 3000], {MASKED}",
        "options": [{"label": MASKED}],
    }
    file = {"fileUrl": "https://x.example/4111111111111111"}
    assert mask_payload(ON, file) == file


def test_the_history_is_masked_entry_by_entry() -> None:
    history = [
        {"source": {"type": "user", "userId": "4111111111111111"}, "type": "text"},
        {"type": "text", "payload": {"text": CARD}},
        {"type": "text", "payload": {"text": "4111111111111112 is no card"}},
    ]
    masked = mask_history(ON, history)
    assert masked == [history[0], {"type": "text", "payload": {"text": MASKED}}, history[2]]


def test_a_pattern_that_cannot_be_used_is_refused_by_its_number() -> None:
    bad = parse_configuration(
        {**COMPLETE, "redaction": "mask", "redactionPatterns": ["ok", "(a+)+"]}
    )
    with pytest.raises(BadConfiguration, match="Redaction pattern 2 repeats a group"):
        require_ready(bad)
    require_ready(parse_configuration({**COMPLETE, "redactionPatterns": ["ok"]}))


def test_a_bad_pattern_stops_neither_messages_nor_the_other_patterns() -> None:
    bad = parse_configuration({"redaction": "mask", "redactionPatterns": ["(", "secret"]})
    assert mask_text(bad, f"secret {CARD}") == f"[•••] {MASKED}"
