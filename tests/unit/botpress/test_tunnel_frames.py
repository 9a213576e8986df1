from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.botpress.frames import (
    HELLO,
    Answer,
    end_to_end,
    parse_frame,
    request_id_of,
    response_text,
)
from hubspot_hitl.errors import InvalidPayload


def _text(**changes: object) -> str:
    frame = {"type": "request", "id": "r1", "method": "POST", "path": "/", **changes}
    return json.dumps({name: value for name, value in frame.items() if value is not None})


def test_a_request_is_read_with_its_headers_and_body() -> None:
    request = parse_frame(_text(headers={"a": "1", "b": ["2", "3"], "c": None}, body="hé"))

    assert request is not None
    assert (request.id, request.method, request.path, request.body) == ("r1", "POST", "/", "hé")
    assert request.headers == {"a": "1", "b": "2, 3"}


def test_a_request_of_the_older_kind_has_no_type() -> None:
    request = parse_frame(_text(type=None))

    assert request is not None


@pytest.mark.parametrize("text", [HELLO, '{"type":"news","id":"1"}'])
def test_hello_and_new_kinds_are_no_requests(text: str) -> None:
    assert parse_frame(text) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"id":"r1"}', _text(method="GET /"), _text(headers=[1])]
)
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(InvalidPayload):
        parse_frame(text)


def test_an_unreadable_request_still_has_an_id() -> None:
    assert request_id_of('{"id":"r1","method":5}') == "r1"
    assert request_id_of('{"id":5}') is None


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(InvalidPayload) as raised:
        parse_frame(_text(method="s3cret value"))

    assert "s3cret" not in raised.value.message


@given(st.text())
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    try:
        parse_frame(text)
    except InvalidPayload:
        request_id_of(text)


@given(st.text(), st.integers(200, 599), st.none() | st.text())
def test_every_answer_becomes_one_frame(id_: str, status: int, body: str | None) -> None:
    frame = json.loads(response_text(id_, Answer(status, {"a": "b"}, body)))

    assert (frame["type"], frame["status"]) == ("response", status)
    assert ("body" in frame) == (body is not None)


def test_headers_of_one_connection_stay_behind() -> None:
    headers = [
        ("Connection", "close, X-Private"),
        ("X-Private", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Host", "tunnel"),
        ("Content-Length", "4"),
        ("X-BP-Signature", "1,abc"),
        ("Accept", "a"),
        ("accept", "b"),
    ]

    assert end_to_end(headers) == {"x-bp-signature": "1,abc", "accept": "a, b"}
