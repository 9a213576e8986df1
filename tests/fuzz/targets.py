"""What is fuzzed: name -> (a function of bytes, examples to start from).

A target returns, whatever the bytes, or raises one of `ALLOWED`; everything else is a finding.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hubspot_hitl.botpress import frames, jsontext, wire
from hubspot_hitl.botpress.signature import sign
from hubspot_hitl.botpress.signature import verify as verify_botpress
from hubspot_hitl.connecting.return_url import checked_return_url
from hubspot_hitl.connecting.state import StateExpired, StateSigner
from hubspot_hitl.errors import HitlError
from hubspot_hitl.handoff.markup import html_to_pieces, markdown_to_html
from hubspot_hitl.handoff.to_agent import as_text, to_agent
from hubspot_hitl.hubspot import wire as hubspot_wire
from hubspot_hitl.hubspot.signature import (
    SIGNATURE_V1,
    SIGNATURE_V3,
    TIMESTAMP,
    sign_v3,
    verify_v1,
    verify_v3,
)
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.redaction import redact_text

ALLOWED: Final = (HitlError, StateExpired)
NOW_MS: Final = 1_780_000_000_000
SECRET: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
URL: Final = "https://hitl.example.com/hubspot/webhooks/hook"
_STATES = StateSigner({"k": b"0" * 32})


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of bytes and bytes that it reads well."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _headers(data: bytes) -> tuple[Mapping[str, str], bytes]:
    """Lines of `name: value` until an empty one, then the body."""
    head, _, body = data.partition(b"\n\n")
    pairs = (line.partition(": ") for line in _text(head).split("\n"))
    return {name: value for name, _, value in pairs if name}, body


def _botpress_signature(data: bytes) -> None:
    header, _, body = data.partition(b"\n")
    verify_botpress(header, body, [SECRET], NOW_MS)


def _hubspot_v3(data: bytes) -> None:
    headers, body = _headers(data)
    verify_v3("POST", URL, body, headers, ["secret"], NOW_MS)


def _hubspot_v1(data: bytes) -> None:
    headers, body = _headers(data)
    verify_v1(body, headers, ["secret"])


def _operation(data: bytes) -> None:
    headers, body = _headers(data)
    wire.parse("POST", headers, body)


def _json(data: bytes) -> None:
    try:
        value = jsontext.loads(data)
    except ValueError:
        return
    jsontext.dumps(value)


def _message(data: bytes) -> None:
    type_, _, rest = data.partition(b"\n")
    try:
        payload = jsontext.loads(rest)
    except ValueError:
        return
    as_text(to_agent(_text(type_), payload))


def _html(data: bytes) -> None:
    html_to_pieces(_text(data), "plain")


def _markdown(data: bytes) -> None:
    made = markdown_to_html(_text(data))
    if made is not None and "<script" in made.lower():
        raise AssertionError("a script came through")


def _configuration(data: bytes) -> None:
    try:
        raw = jsontext.loads(data)
    except ValueError:
        return
    parse_configuration(raw)


def _return_url(data: bytes) -> None:
    url = checked_return_url(_text(data), ("good.example",), "https://own.example")
    if url and urlsplit(url).hostname not in {"good.example", "own.example"}:
        raise AssertionError("a strange host came through")


def _redaction(data: bytes) -> None:
    line = redact_text(_text(data))
    if re.search(r"\bhapikey=abcdefgh", line, re.IGNORECASE):
        raise AssertionError("a key came through")


_ENVELOPE = {
    "x-bot-id": "bot",
    "x-bot-user-id": "user",
    "x-integration-id": "int",
    "x-integration-alias": "hitl",
    "x-webhook-id": "hook",
    "x-bp-configuration": base64.b64encode(b'{"appId":"1"}').decode(),
}
_MESSAGE: dict[str, object] = {
    "type": "text",
    "payload": {"text": "hi", "userId": "u"},
    "conversation": {"id": "c", "channel": "hitl", "tags": {"id": "1"}},
    "message": {"id": "m", "type": "text", "payload": {}, "tags": {}, "createdAt": "2026-01-01"},
    "user": {"id": "u", "tags": {}},
}
_EVENT = {
    "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
    "portalId": 1,
    "channelId": "7",
    "eventTimestamp": "2026-06-01T12:00:00.000Z",
    "channelIntegrationThreadIds": ["own"],
    "message": {
        "id": "m1",
        "type": "MESSAGE",
        "conversationsThreadId": "9",
        "createdAt": "2026-06-01T12:00:00.000Z",
        "text": "hello",
        "richText": "<p>hello</p>",
        "senders": [{"actorId": "A-1", "name": "Ada"}],
        "attachments": [{"type": "FILE", "fileId": "1", "url": "https://f.example/x.png"}],
    },
}
_CHANGE = {
    "eventId": 1,
    "subscriptionId": 2,
    "portalId": 1,
    "appId": 3,
    "occurredAt": NOW_MS,
    "subscriptionType": "conversation.propertyChange",
    "objectId": 9,
    "propertyName": "status",
    "propertyValue": "CLOSED",
}


def _envelope(operation: str, body: object) -> bytes:
    lines = [f"{name}: {value}" for name, value in _ENVELOPE.items()]
    head = "\n".join([*lines, f"x-bp-operation: {operation}"])
    return f"{head}\n\n{json.dumps(body)}".encode()


_SIGNED_V3 = (
    f"{SIGNATURE_V3}: {sign_v3('POST', URL, b'[]', NOW_MS, 'secret')}\n{TIMESTAMP}: {NOW_MS}\n\n[]"
)

WEBHOOKS: Final = (json.dumps(_EVENT).encode(), json.dumps([_CHANGE, _CHANGE]).encode())
OPERATIONS: Final = (
    b"ping\n{}",
    b"message_created\n" + json.dumps(_MESSAGE).encode(),
    b'action_triggered\n{"type": "createUser", "input": {"name": "Ada", "email": "a@b.example"}}',
    b'action_triggered\n{"type": "startHitl", "input": {"userId": "u", "title": "t"}}',
    b'action_triggered\n{"type": "stopHitl", "input": {"conversationId": "c"}}',
    b'webhook_received\n{"req": {"method": "POST", "path": "/", "headers": {}, "body": "[]"}}',
)
"""Operation, line end, body: for the door of a running server."""

TARGETS: Final[Mapping[str, Target]] = {
    "botpress signature": Target(
        _botpress_signature, (sign(b"{}", [SECRET], NOW_MS).encode() + b"\n{}",)
    ),
    "hubspot signature v3": Target(_hubspot_v3, (_SIGNED_V3.encode(),)),
    "hubspot signature v1": Target(_hubspot_v1, (f"{SIGNATURE_V1}: {'a' * 64}\n\n[]".encode(),)),
    "botpress operation": Target(
        _operation,
        (
            _envelope("message_created", _MESSAGE),
            _envelope("action_triggered", {"type": "startHitl", "input": {"userId": "u"}}),
            _envelope("webhook_received", {"req": {"method": "POST", "headers": {}, "body": "{}"}}),
            _envelope("register", {"webhookUrl": "https://w.example"}),
        ),
    ),
    "hubspot webhook": Target(
        hubspot_wire.parse_webhook,
        WEBHOOKS,
    ),
    "json": Target(_json, (rb'{"a": ["\ud83d", 1e5, null, true]}', b"[[[[]]]]")),
    "bot message": Target(
        _message,
        (
            b'text\n{"text": "hello"}',
            b'bloc\n{"items": [{"type": "image", "payload": {"imageUrl": "https://x.example"}}]}',
            b'choice\n{"text": "?", "options": [{"label": "a", "value": "b"}]}',
            b'location\n{"latitude": 1, "longitude": 2}',
        ),
    ),
    "agent html": Target(
        _html, (b'<p>Hi <b>you</b> <img src="https://x.example/a.png" alt="b"> &amp; <ul><li>x',)
    ),
    "user markdown": Target(_markdown, (b"**hi** [a](https://b.example)\n\n| a |\n|---|\n| b |",)),
    "configuration": Target(
        _configuration,
        (b'{"appId": "1", "clientId": "c", "inboxId": "5", "refreshToken": "r"}',),
    ),
    "return url": Target(_return_url, (b"https://good.example/x?y=1", b"https://own.example/")),
    "oauth state": Target(
        lambda data: _STATES.read(_text(data), NOW_MS),
        (_STATES.sign("i", "", "https://r.example", "own", NOW_MS)[0].encode(),),
    ),
    "tunnel frame": Target(
        lambda data: frames.parse_frame(data),
        (b'{"id": "1", "method": "POST", "path": "/", "headers": {"a": ["b"]}, "body": "x"}',),
    ),
    "log redaction": Target(
        _redaction, (b"GET https://api.example/x?hapikey=abcdefgh Bearer abc ann@example.com",)
    ),
}
