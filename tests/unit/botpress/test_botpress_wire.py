from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.botpress.operations import (
    ActionTriggered,
    MessageCreated,
    Operation,
    Ping,
    Register,
    WebhookReceived,
)
from hubspot_hitl.botpress.wire import OPERATIONS, BadEnvelope, configuration_of, parse
from hubspot_hitl.errors import InvalidPayload

CONFIGURATION = {"appId": "7", "clientSecret": "s3cret?>ÿ"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def headers(operation: str | None = "ping", **changes: str | None) -> dict[str, str]:
    base: dict[str, str | None] = {
        "X-Bot-Id": "bot_1",
        "X-Bot-User-Id": "user_bot",
        "X-Integration-Id": "intver_1",
        "X-Integration-Alias": "hubspot-hitl",
        "X-Webhook-Id": "wh_1",
        "X-Bp-Operation": operation,
        "X-Bp-Configuration": encoded(CONFIGURATION),
        "traceparent": TRACE,
    }
    base |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in base.items() if value is not None}


def operation(name: str, body: Any) -> Operation:
    return parse("POST", headers(name), json.dumps(body).encode())[1]


MESSAGE: dict[str, object] = {
    "type": "text",
    "payload": {"text": "hi", "userId": "user_2"},
    "conversation": {"id": "conv_1", "channel": "hitl", "tags": {"id": "t1", "n": 3, "x": None}},
    "user": {"id": "bot_user", "tags": {}},
    "message": {"id": "msg_1", "conversationId": "conv_1", "type": "text", "direction": "outgoing"},
}


def test_the_headers_become_a_context() -> None:
    context, ping = parse("POST", headers(), b"")
    assert isinstance(ping, Ping)
    assert (context.bot_id, context.bot_user_id, context.alias) == (
        "bot_1",
        "user_bot",
        "hubspot-hitl",
    )
    assert context.configuration == CONFIGURATION
    assert context.configuration_type is None
    assert context.traceparent == TRACE
    assert "s3cret" not in repr(context)


def test_older_clouds_send_no_bot_user_id_and_are_served() -> None:
    assert parse("POST", headers(X_Bot_User_Id=None), b"")[0].bot_user_id is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("X_Bot_Id", "Missing bot header"),
        ("X_Integration_Id", "Missing integration header"),
        ("X_Integration_Alias", "Missing integration alias header"),
        ("X_Webhook_Id", "Missing webhook header"),
        ("X_Bp_Operation", "Missing operation header"),
        ("X_Bp_Configuration", "Missing configuration header"),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_header_is_named(name: str, message: str, value: str | None) -> None:
    with pytest.raises(BadEnvelope, match=message):
        parse("POST", headers(**{name: value}), b"")


@pytest.mark.parametrize("value", ["wh\udcff", "wé", " ", "a\tb"])
def test_an_id_that_could_not_travel_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(BadEnvelope, match="Invalid webhook header"):
        parse("POST", headers(X_Webhook_Id=value), b"")


def test_the_configuration_may_be_url_safe_and_unpadded() -> None:
    text = encoded(CONFIGURATION)
    assert "=" in text or "+" in text or "/" in text
    loose = text.rstrip("=").replace("+", "-").replace("/", "_")
    assert configuration_of(loose) == configuration_of(f" {text}\t") == CONFIGURATION


@pytest.mark.parametrize(
    "value",
    ["%%%", "e", "bm90IGpzb24", encoded([1]), encoded(None), "é", "\udcff", "gICA", "e" * 4001],
)
def test_a_configuration_that_is_not_base64_of_an_object_is_refused(value: str) -> None:
    with pytest.raises(BadEnvelope, match="Configuration header"):
        parse("POST", headers(X_Bp_Configuration=value), b"")


@given(st.text())
def test_any_configuration_header_parses_or_is_refused(value: str) -> None:
    with contextlib.suppress(BadEnvelope):
        assert isinstance(configuration_of(value), dict)


@pytest.mark.parametrize("traceparent", ["", "x", TRACE.upper(), TRACE + "\udcff", "é"])
def test_a_malformed_trace_is_left_out(traceparent: str) -> None:
    context, _ = parse("POST", headers(traceparent=traceparent, tracestate="a=1"), b"")
    assert (context.traceparent, context.tracestate) == (None, None)


def test_each_operation_has_a_type() -> None:
    assert len(OPERATIONS) == 10


def test_register_carries_the_webhook_url() -> None:
    parsed = operation("register", {"webhookUrl": "https://webhook.botpress.cloud/wh_1"})
    assert parsed == Register(webhook_url="https://webhook.botpress.cloud/wh_1")


def test_a_webhook_keeps_its_raw_body_and_lower_case_headers() -> None:
    req = {"method": "POST", "path": "/a", "query": "x=1", "headers": {"X-A": "1"}, "body": "{ }"}
    parsed = operation("webhook_received", {"req": req, "new": 1})
    assert isinstance(parsed, WebhookReceived)
    assert (parsed.req.headers, parsed.req.body) == ({"x-a": "1"}, "{ }")


def test_a_webhook_of_a_get_has_no_body() -> None:
    parsed = operation("webhook_received", {"req": {"method": "GET", "path": "/oauth"}})
    assert isinstance(parsed, WebhookReceived)
    assert parsed.req.body is None


def test_a_message_keeps_all_it_needs_and_odd_tags_cost_nothing() -> None:
    parsed = operation("message_created", MESSAGE)
    assert isinstance(parsed, MessageCreated)
    assert parsed.conversation.tags == {"id": "t1", "n": "3"}
    assert parsed.payload == {"text": "hi", "userId": "user_2"}
    assert parsed.message.id == "msg_1"


def test_half_an_emoji_does_not_cost_the_message() -> None:
    body = b'{"type":"a","input":{"text":"ok \\ud83d"}}'
    _, parsed = parse("POST", headers("action_triggered"), body)
    assert isinstance(parsed, ActionTriggered)
    assert parsed.input == {"text": "ok \ufffd"}


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("action_triggered", b"", "Missing body"),
        ("action_triggered", b"not json", "not valid JSON"),
        ("action_triggered", b"\xff\xfe", "not valid JSON"),
        ("action_triggered", b"[" * 100_000, "not valid JSON"),
        ("action_triggered", b'["\\ud83d",' + b"[" * 100_000, "not valid JSON"),
        ("action_triggered", b'{"a":NaN,"b":"\\ud83d"}', "not valid JSON"),
        ("action_triggered", b"[]", "not a JSON object"),
        ("action_triggered", b'{"input":{}}', "Missing action type"),
        ("action_triggered", b'{"type":5}', "does not fit: type"),
        ("register", b"{}", "does not fit: webhookUrl"),
        ("message_created", b'{"type":"text"}', "does not fit: conversation"),
        ("webhook_received", b'{"req":[]}', "does not fit: req"),
        ("some_unknown", b"{}", "Unknown operation some_unknown"),
    ],
)
def test_a_body_that_does_not_fit_is_named(name: str, body: bytes, message: str) -> None:
    with pytest.raises(InvalidPayload, match=message):
        parse("POST", headers(name), body)


def test_the_body_of_a_get_is_not_looked_at() -> None:
    assert parse("GET", headers("ping"), b"junk")[1] == Ping()
    with pytest.raises(InvalidPayload, match="Missing body"):
        parse("GET", headers("action_triggered"), b'{"type":"a"}')


def test_a_refusal_quotes_no_content() -> None:
    with pytest.raises(InvalidPayload) as caught:
        operation("message_created", MESSAGE | {"payload": "my secret words"})
    assert "secret" not in caught.value.message


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["type", "input", "req", "webhookUrl", "message", "conversation", "payload", "tags", "id"]
)


@given(
    name=st.sampled_from(sorted(OPERATIONS)),
    body=st.binary()
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(FIELDS, JSON_VALUES | st.dictionaries(FIELDS, JSON_VALUES)).map(
        lambda value: json.dumps(value).encode()
    ),
)
def test_any_body_parses_or_is_an_invalid_payload(name: str, body: bytes) -> None:
    with contextlib.suppress(InvalidPayload):
        assert type(parse("POST", headers(name), body)[1]) is OPERATIONS[name]
