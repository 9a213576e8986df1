from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.botpress.signature import WINDOW_MS, key_of, sign, verify
from hubspot_hitl.errors import BadSettings, BadSignature

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
OTHER = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"
NOW = 1767225600000
BODY = '{"type":"startHitl","input":{"userId":"user_01J","title":"Hé"}}'.encode()
VECTOR = "1767225600000,rMkzAZHsI_R990XeWaTS50HJbg9eFHeuULz01-xTU30"


def test_the_vendors_vector_is_accepted() -> None:
    verify(VECTOR, BODY, [SECRET], NOW)
    verify(VECTOR.encode(), BODY, [SECRET], NOW)


def test_signing_makes_the_vendors_vector() -> None:
    assert sign(BODY, [SECRET], NOW) == VECTOR


def test_during_a_rotation_either_secret_verifies() -> None:
    both = sign(BODY, [OTHER, SECRET], NOW)
    verify(both, BODY, [SECRET], NOW)
    verify(sign(BODY, [SECRET], NOW), BODY, [OTHER, SECRET], NOW)


def test_padding_and_the_other_base64_alphabet_of_a_secret_do_not_matter() -> None:
    assert key_of("-_-_") == key_of("+/+/")
    assert key_of(SECRET + "=") == key_of(SECRET) == bytes(range(32))


@pytest.mark.parametrize("offset_ms", [-WINDOW_MS, WINDOW_MS])
def test_five_minutes_either_way_are_still_accepted(offset_ms: int) -> None:
    verify(VECTOR, BODY, [SECRET], NOW + offset_ms)


@pytest.mark.parametrize("offset_ms", [-WINDOW_MS - 1, WINDOW_MS + 1])
def test_a_stale_or_future_stamp_is_refused(offset_ms: int) -> None:
    with pytest.raises(BadSignature, match="five minutes"):
        verify(VECTOR, BODY, [SECRET], NOW + offset_ms)


def test_an_empty_body_is_refused_even_when_signed() -> None:
    with pytest.raises(BadSignature, match="without a body"):
        verify(sign(b"", [SECRET], NOW), b"", [SECRET], NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "1767225600000",
        "1767225600000,",
        VECTOR + "A",
        VECTOR[:-1],
        VECTOR + "\n",
        " " + VECTOR,
        VECTOR.replace("1767225600000", "NaN"),
        VECTOR.replace("1767225600000", "-1"),
        VECTOR.replace("1767225600000", "1e12"),
        VECTOR.replace("1767225600000", "١٧٦٧٢٢٥٦٠٠٠٠٠"),
        VECTOR.replace("1767225600000", "9" * 5000),
        VECTOR + ("," + "A" * 43) * 5,
        "1767225600000," + "é" * 43,
        "1767225600000,\udcff" + "A" * 42,
    ],
)
def test_a_header_of_another_form_is_refused(header: str | None) -> None:
    with pytest.raises(BadSignature):
        verify(header, BODY, [SECRET], NOW)


def test_a_changed_body_or_secret_is_refused() -> None:
    with pytest.raises(BadSignature, match="none of the signing secrets"):
        verify(VECTOR, BODY + b" ", [SECRET], NOW)
    with pytest.raises(BadSignature, match="none of the signing secrets"):
        verify(VECTOR, BODY, [OTHER], NOW)
    with pytest.raises(BadSignature, match="none of the signing secrets"):
        verify(VECTOR, BODY, [], NOW)


@given(header=st.text() | st.binary(), body=st.binary(), secret=st.text())
def test_whatever_arrives_only_bad_signature_is_raised(
    header: str | bytes, body: bytes, secret: str
) -> None:
    with pytest.raises(BadSignature):
        verify(header, body, [secret, SECRET], NOW)


@given(
    stamp=st.integers(NOW - 10, NOW + 10) | st.integers(),
    hashes=st.lists(st.from_regex(r"[A-Za-z0-9_-]{42,44}", fullmatch=True), max_size=7),
)
def test_a_well_formed_header_with_wrong_hashes_is_refused(stamp: int, hashes: list[str]) -> None:
    with pytest.raises(BadSignature):
        verify(",".join([str(stamp), *hashes]), BODY, [SECRET], NOW)


@given(body=st.binary(min_size=1), count=st.integers(1, 5))
def test_what_is_signed_verifies(body: bytes, count: int) -> None:
    verify(sign(body, [OTHER] * (count - 1) + [SECRET], NOW), body, [SECRET], NOW)


@pytest.mark.parametrize("secret", ["", "   ", "not base64!", "A", "AAAAA", "é" * 8])
def test_a_secret_that_is_not_base64url_is_a_setting_to_mend(secret: str) -> None:
    with pytest.raises(BadSettings) as caught:
        key_of(secret)
    assert secret.strip() == "" or len(secret) == 1 or secret not in caught.value.message


@pytest.mark.parametrize("count", [0, 6])
def test_none_or_more_than_five_secrets_cannot_sign(count: int) -> None:
    with pytest.raises(BadSettings):
        sign(BODY, [SECRET] * count, NOW)
