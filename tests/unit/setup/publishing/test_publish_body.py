from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.integration.definition import INTERFACE_KEY, Definition, load_definition
from hubspot_hitl.setup.publishing.body import (
    UPDATE_FIELDS,
    checked_url,
    create_body,
    full_name,
    update_body,
)


def _body() -> Definition:
    return create_body(
        load_definition(),
        name="acme/hubspot-hitl",
        url="https://hitl.example.com/botpress/abc",
        visibility="private",
        interface_id="ifver_1",
    )


def test_a_name_gets_the_handle_once() -> None:
    assert full_name("acme", "hubspot-hitl") == "acme/hubspot-hitl"
    assert full_name("acme", "acme/other") == "acme/other"


@pytest.mark.parametrize(("handle", "name"), [(None, "a"), ("", "a"), ("acme", "rival/a")])
def test_a_name_that_botpress_would_refuse_is_refused_here(handle: str | None, name: str) -> None:
    with pytest.raises(BadSettings, match="handle"):
        full_name(handle, name)


@pytest.mark.parametrize(
    "url",
    [
        "hitl.example.com",
        "http://hitl.example.com/botpress",
        "https://user:pass@hitl.example.com",
        "https://hitl.example.com/?secret=1",
        "wss://hitl.example.com",
    ],
)
def test_an_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="--url"):
        checked_url(url)


def test_a_loopback_address_needs_no_https() -> None:
    assert checked_url("http://127.0.0.1:8080/botpress/") == "http://127.0.0.1:8080/botpress"


def test_the_body_is_the_definition_with_what_the_publisher_knows() -> None:
    body = _body()

    interfaces = body["interfaces"]
    assert isinstance(interfaces, dict)
    interface = interfaces[INTERFACE_KEY]
    assert isinstance(interface, dict)
    assert interface["id"] == "ifver_1"
    assert body["url"] == "https://hitl.example.com/botpress/abc"
    assert body["icon"]


def test_an_update_of_the_same_removes_nothing() -> None:
    body = _body()

    assert update_body(body, body) == {key: body[key] for key in UPDATE_FIELDS}


def test_removed_things_are_sent_as_null_at_every_level() -> None:
    published: Definition = {
        "states": {"old": {"type": "user"}},
        "attributes": {"gone": "1"},
        "user": {"tags": {"old": {}, "kept": {}}},
        "identifier": {"extractScript": "x"},
        "extraOperations": {"message_updated": {"enabled": True}},
        "events": {"e": {"attributes": {"old": "1"}}},
        "channels": {
            "hitl": {"messages": {"card": {}}, "message": {"tags": {"old": {}}}},
            "sms": {},
        },
    }
    ours: Definition = {
        "states": {},
        "attributes": {},
        "user": {"tags": {"kept": {}}},
        "identifier": {},
        "extraOperations": {},
        "events": {"e": {"schema": {}}},
        "channels": {"hitl": {"messages": {"text": {}}}},
    }

    assert update_body(ours, published) == {
        "states": {"old": None},
        "attributes": {"gone": None},
        "user": {"tags": {"kept": {}, "old": None}},
        "identifier": {"extractScript": None},
        "extraOperations": {"message_updated": {"enabled": False}},
        "events": {"e": {"schema": {}, "attributes": {"old": None}}},
        "channels": {
            "hitl": {
                "messages": {"text": {}, "card": None},
                "conversation": {"tags": {}},
                "message": {"tags": {"old": None}},
            },
            "sms": None,
        },
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(["states", "user", "channels", "events", "identifier", "attributes"])


@given(published=st.dictionaries(_NAMES, _JSON))
def test_whatever_botpress_has_an_update_can_be_made(published: Definition) -> None:
    body = _body()

    assert update_body(body, published).keys() == {key for key in UPDATE_FIELDS if key in body}
