from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.botpress.failures import failure_of, retry_after_s

NOW_MS = 1_780_000_000_000


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"RateLimit-Reset": "2", "Retry-After": "9"}, 2.0),
        ({"X-RateLimit-Reset": "3"}, 3.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"RateLimit-Reset": "soon", "Retry-After": "9"}, 9.0),
        ({"Retry-After": "Thu, 28 May 2026 20:26:50 GMT"}, 10.0),
        ({"Retry-After": "Thu, 28 May 2026 20:00:00 GMT"}, 0.0),
        ({"RateLimit-Reset": "1780000007"}, 7.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "99999"}, 3600.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_botpress_asks_for(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(429, headers, NOW_MS) == expected


def test_reset_headers_mean_nothing_outside_a_429() -> None:
    assert retry_after_s(503, {"RateLimit-Reset": "2", "Retry-After": "9"}, NOW_MS) == 9
    assert retry_after_s(400, {"Retry-After": "9"}, NOW_MS) is None


@given(value=st.text(), body=st.binary(), status=st.integers(300, 599))
def test_any_header_and_body_make_an_error(value: str, body: bytes, status: int) -> None:
    error = failure_of("getUser", status, {"Retry-After": value}, body, NOW_MS)
    assert error.status == status
    assert error.retry_after_s is None or 0 <= error.retry_after_s <= 3600
