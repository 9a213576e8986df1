from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import BadSignature
from hubspot_hitl.hubspot.signature import (
    SIGNATURE_V1,
    SIGNATURE_V3,
    SIGNATURE_VERSION,
    TIMESTAMP,
    SignatureRefused,
    sign_v1,
    sign_v3,
    signed_headers_v3,
    verify_v1,
    verify_v3,
)

SECRET = "test-client-secret-0001"
URL = "https://hooks.example.test/hs/abc"
EVENT = b'{"type":"OUTGOING_CHANNEL_MESSAGE_CREATED"}'
NOW = 1_760_000_000_000

VECTORS = [
    (EVENT, URL, NOW, "i1BxR/BASexDT6jeu2pkJHu3ZJOr5DiytPMU/OGpX6g="),
    (
        '{"text":"h\u00e9llo \u2713"}'.encode(),
        URL,
        NOW + 1,
        "WAkfkzzFOUZYRDZh/mCIZwxLQxqs4v06NbEWe4MWbQI=",
    ),
    (
        b"[]",
        f"{URL}?u=https%3A%2F%2Fa.test%2Fb",
        NOW + 2,
        "a1iijRe+ktrI4u+OTuRUASGIkDMdctXjhTVV7QWzasI=",
    ),
    (b"", URL, NOW + 3, "yBUiEGAbt6RBFwyiZMr/K0C+TJpQUC156m4zBIAogQ4="),
]


def refusal(
    headers: dict[str, str], *, body: bytes = EVENT, now_ms: int = NOW, secret: str = SECRET
) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        verify_v3("POST", URL, body, headers, [secret], now_ms)
    return caught.value


@pytest.mark.parametrize(("body", "url", "timestamp", "signature"), VECTORS)
def test_v3_vectors_hold(body: bytes, url: str, timestamp: int, signature: str) -> None:
    headers = {SIGNATURE_V3: signature, TIMESTAMP: str(timestamp)}
    assert sign_v3("post", url, body, timestamp, SECRET) == signature
    verify_v3("POST", url, body, headers, [SECRET], NOW)


def test_the_v1_vector_holds() -> None:
    signature = "45f9305ffefd472fc0bbfe9c2ed7e48cf11ae5bc2734a2ac824c8ca2338ee15a"
    assert sign_v1(EVENT, SECRET) == signature
    verify_v1(EVENT, {SIGNATURE_V1: signature, SIGNATURE_VERSION: "v1"}, ["other", SECRET])


def test_exactly_twelve_escapes_are_decoded() -> None:
    escaped = "%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B"
    kept = "%20%26%3D%23%25%2B"
    plain = sign_v3("POST", f"{URL}?a=:/?@!$'()*,;{kept}", b"", NOW, SECRET)
    assert sign_v3("POST", f"{URL}?a={escaped}{kept}", b"", NOW, SECRET) == plain


def test_header_names_match_in_any_case() -> None:
    headers = {
        name.lower(): value
        for name, value in signed_headers_v3("POST", URL, EVENT, NOW, SECRET).items()
    }
    verify_v3("POST", URL, EVENT, headers, [SECRET], NOW)


def test_the_old_secret_still_holds_during_rotation() -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, "old")
    verify_v3("POST", URL, EVENT, headers, ["new", "old"], NOW)


@pytest.mark.parametrize("absent", [SIGNATURE_V3, TIMESTAMP])
def test_an_absent_header_is_missing(absent: str) -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, SECRET)
    del headers[absent]
    assert refusal(headers).reason == "missing"


@pytest.mark.parametrize("signature", ["", "short", "é" * 44, "=" * 44, "A" * 43 + "!", "\ud800"])
def test_a_signature_that_is_no_digest_is_malformed(signature: str) -> None:
    assert refusal({SIGNATURE_V3: signature, TIMESTAMP: str(NOW)}).reason == "malformed"


@pytest.mark.parametrize("timestamp", ["", "soon", "NaN", "-1", "1e12", "\uff11\uff17", "9" * 5000])
def test_a_timestamp_that_is_no_time_is_malformed(timestamp: str) -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, SECRET) | {TIMESTAMP: timestamp}
    assert refusal(headers).reason == "malformed"


def test_a_timestamp_may_be_five_minutes_off_and_no_more() -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, SECRET)
    verify_v3("POST", URL, EVENT, headers, [SECRET], NOW + 300_000)
    verify_v3("POST", URL, EVENT, headers, [SECRET], NOW - 300_000)
    assert refusal(headers, now_ms=NOW + 300_001).reason == "stale"
    assert refusal(headers, now_ms=NOW - 300_001).reason == "future"


def test_another_body_url_method_or_secret_is_a_mismatch() -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, SECRET)
    assert refusal(headers, body=EVENT + b" ").reason == "mismatch"
    assert refusal(headers, secret="other").reason == "mismatch"
    for method, url in (("PUT", URL), ("POST", f"{URL}/")):
        with pytest.raises(SignatureRefused, match="does not fit"):
            verify_v3(method, url, EVENT, headers, [SECRET], NOW)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_passes(secrets: list[str]) -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, "")
    with pytest.raises(SignatureRefused) as caught:
        verify_v3("POST", URL, EVENT, headers, secrets, NOW)
    assert caught.value.reason == "unconfigured"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({SIGNATURE_V1: "é"}, "malformed"),
        ({SIGNATURE_V1: "0" * 64}, "mismatch"),
        ({SIGNATURE_V1: sign_v1(EVENT, SECRET), SIGNATURE_VERSION: "v2"}, "malformed"),
    ],
)
def test_a_bad_v1_signature_is_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verify_v1(EVENT, headers, [SECRET])
    assert caught.value.reason == reason


def test_no_refusal_tells_a_secret_or_a_signature() -> None:
    headers = signed_headers_v3("POST", URL, EVENT, NOW, SECRET)
    error = refusal(headers, secret="another-secret")
    assert "another-secret" not in error.message
    assert headers[SIGNATURE_V3] not in error.message


any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(
    any_text,
    any_text,
    st.binary(max_size=200),
    st.dictionaries(
        st.sampled_from([SIGNATURE_V3, TIMESTAMP, SIGNATURE_V1, SIGNATURE_VERSION]) | any_text,
        st.sampled_from([str(NOW), "A" * 43 + "=", "a" * 64]) | any_text,
        max_size=6,
    ),
    st.lists(any_text, max_size=3),
)
def test_whatever_arrives_the_answer_is_a_refusal(
    method: str, url: str, body: bytes, headers: dict[str, str], secrets: list[str]
) -> None:
    with pytest.raises(BadSignature):
        verify_v3(method, url, body, headers, secrets, NOW)
    with pytest.raises(BadSignature):
        verify_v1(body, headers, secrets)


@given(st.binary(max_size=200), st.text(max_size=60), st.text(min_size=1, max_size=30))
def test_what_is_signed_verifies(body: bytes, path: str, secret: str) -> None:
    headers = signed_headers_v3("POST", URL + path, body, NOW, secret)
    verify_v3("post", URL + path, body, headers, ["x", secret], NOW)
