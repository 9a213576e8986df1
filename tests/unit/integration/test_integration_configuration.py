from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.readiness import parse_configuration, require_ready

READY = {
    "developerApiKey": "key-of-the-developer",
    "appId": "1160452",
    "clientId": "client",
    "clientSecret": "secret-of-the-client",
    "inboxId": "1263703960",
    "refreshToken": "token-to-refresh",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from([*READY, "historyMode", "createContacts", "app_id", "inbox_id"])


def test_the_six_values_make_it_ready() -> None:
    configuration = parse_configuration(READY)
    require_ready(configuration)
    assert configuration.inbox_ids == ("1263703960",)
    assert configuration.client_secret.get_secret_value() == "secret-of-the-client"


def test_snake_case_names_are_read_too() -> None:
    configuration = parse_configuration({"developer_api_key": "k", "app_id": 7, "inbox_id": 8})
    assert configuration.developer_api_key is not None
    assert (configuration.app_id, configuration.inbox_id) == ("7", "8")


def test_blanks_around_pasted_values_are_cut_and_empty_values_take_the_default() -> None:
    configuration = parse_configuration(
        {"refreshToken": " token\n", "historyMode": "", "createContacts": None, "appId": "  "}
    )
    assert configuration.refresh_token.get_secret_value() == "token"
    assert configuration.history_mode == "comment"
    assert configuration.create_contacts is True
    assert configuration.app_id == ""


def test_every_missing_field_is_named_with_its_cure_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        require_ready(Configuration())
    for name in READY:
        assert f"({name}) is missing." in caught.value.message
    assert "scripts/get_refresh_token.py" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("appId", "my app", "App ID (appId) must be the app's number"),
        ("inboxId", "https://example.com/inboxes/1", "Inbox ID (inboxId) cannot be used"),
        ("inboxId", ",", "Inbox ID (inboxId) is missing"),
    ],
)
def test_a_value_that_cannot_work_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        require_ready(parse_configuration({**READY, name: value}))
    assert words in caught.value.message


def test_inboxes_of_two_portals_are_refused() -> None:
    urls = ",".join(
        f"https://app.hubspot.com/live-messages-settings/{portal}/inboxes/{portal}9"
        for portal in (1, 2)
    )
    with pytest.raises(BadConfiguration, match="portals 1, 2"):
        require_ready(parse_configuration({**READY, "inboxId": urls}))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"clientId": 5.5}, "Client ID (clientId) must be text."),
        ({"clientSecret": ["x"]}, "Client secret (clientSecret) must be text."),
        ({"historyMode": "loud"}, "must be 'comment', 'messages' or 'off'."),
        ({"createContacts": "perhaps"}, "must be true or false."),
        ({"refreshToken": "x" * 5_000}, "is longer than 4000 characters."),
        ([], "is not a JSON object"),
    ],
)
def test_a_wrong_field_is_said_in_plain_words(raw: object, words: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_configuration(raw)
    assert words in caught.value.message


def test_no_message_repeats_a_value_that_may_be_a_secret() -> None:
    hostile = {"clientId": {"pasted": "s3cr3t"}, "appId": ["s3cr3t"], "historyMode": "s3cr3t"}
    with pytest.raises(BadConfiguration) as caught:
        parse_configuration(hostile)
    assert "s3cr3t" not in caught.value.message
    assert caught.value.__cause__ is None
    with pytest.raises(BadConfiguration) as caught:
        require_ready(parse_configuration({**READY, "inboxId": "s3cr3t / s3cr3t"}))
    assert "s3cr3t" not in caught.value.message
    assert "token-to-refresh" not in repr(parse_configuration(READY))


@given(raw=JSON | st.dictionaries(NAMES, JSON | st.text(), max_size=6))
def test_any_configuration_is_read_or_refused(raw: object) -> None:
    refused = ""
    try:
        require_ready(parse_configuration(raw))
    except BadConfiguration as error:
        refused = error.message
    assert len(refused) < 4_000


def test_huge_values_are_refused_briefly() -> None:
    huge = {name: "9" * 1_000_000 for name in READY} | {f"extra{n}": n for n in range(10_000)}
    with pytest.raises(BadConfiguration) as caught:
        parse_configuration(huge)
    assert len(caught.value.message) < 2_000
    with pytest.raises(BadConfiguration):
        parse_configuration({"appId": 10**5_000})
