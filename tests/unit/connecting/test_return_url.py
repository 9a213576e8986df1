from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.connecting.return_url import checked_return_url, with_query
from hubspot_hitl.errors import InvalidPayload

HOSTS = ("app.example.com", "other.example:8443")


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "https://APP.example.com/done?x=1&x=2",
        "https://app.example.com:443/",
        "https://other.example:8443/a",
        "https://hitl.example/console",
    ],
)
def test_a_named_host_or_our_own_is_allowed(url: str) -> None:
    assert checked_return_url(url, HOSTS, "https://hitl.example") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/",
        "https://other.example/",
        "https://app.example.com:8443/",
        "https://app.example.com.evil.example/",
        "https://user@app.example.com/",
        "https://app.example.com\\@evil.example/",
        "https://app.example.com/#fragment",
        "https://[::1",
        "https://app.example.com:99999/",
        "//app.example.com/",
        "/done",
        "javascript:alert(1)//app.example.com",
        "https://app.example.com/ a",
        "https://\N{CYRILLIC SMALL LETTER A}pp.example.com/",
        "https://app.example.com/" + "a" * 2_000,
    ],
)
def test_every_other_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        checked_return_url(url, HOSTS, "https://hitl.example")
    assert url not in str(caught.value)


@given(st.text(max_size=60))
def test_whatever_is_allowed_leads_to_a_named_host(text: str) -> None:
    for url in (text, f"https://app.example.com{text}", f"https://{text}"):
        try:
            allowed = checked_return_url(url, HOSTS, None)
        except InvalidPayload:
            continue
        assert allowed == "" or urlsplit(allowed).hostname in {"app.example.com", "other.example"}


def test_parameters_are_added_to_those_there_are() -> None:
    url = with_query(
        "https://a.example/x?hubspot_error=old&b=", {"hubspot_error": "new", "n": "ä b"}
    )

    assert url == "https://a.example/x?b=&hubspot_error=new&n=%C3%A4%20b"
