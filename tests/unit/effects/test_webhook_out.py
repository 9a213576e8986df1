"""Events for subscribers: the envelope, ten attempts, nothing without an address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.dispatch import RETRYING
from hubspot_hitl.effects import webhook_out
from hubspot_hitl.errors import BadConfiguration, HookFailed, HookRefused
from hubspot_hitl.fetch.post import open_hooks
from hubspot_hitl.handoff.events_envelope import (
    LastSaid,
    Told,
    handoff_event,
    number_of,
    signature_headers,
)
from hubspot_hitl.handoff.records import HandoffState
from hubspot_hitl.integration.subscribers import subscribers_of
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState, NewDelivery

URL = "https://example.com/hook"
FIELDS = [
    "id",
    "botId",
    "agentId",
    "userId",
    "userThreadId",
    "userChannel",
    "agentThreadId",
    "status",
    "tags",
    "assignedAt",
    "resolvedAt",
    "createdAt",
    "updatedAt",
    "comments",
    "user",
    "userConversation",
]


@dataclass(slots=True)
class Deaf:
    """A subscriber who takes nothing."""

    bodies: list[bytes] = field(default_factory=list[bytes])

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.bodies.append(body)
        raise HookFailed("the subscriber answered 500", status=500)


async def dead_after_ten(rooms: Rooms) -> list[bytes]:
    deaf = Deaf()
    one = installation(eventsWebhook={"url": URL})
    await rooms.services.installations.remember(one)
    services = replace(rooms.services, hooks=deaf)
    send = {webhook_out.SEND: partial(webhook_out.send_event, services)}
    ledger = LaneLedger(MemoryEngine(), send, rooms.clock, WorkerOptions(policies=RETRYING))
    await ledger.start()
    (subscriber,) = webhook_out.subscribers(one)
    body = {"id": "evt_1", "subscriber": subscriber.id, "event": "{}"}
    await ledger.accept([NewDelivery("k", "l", webhook_out.SEND, one.id, body)])
    dead = DeliveryFilter(states=(DeliveryState.DEAD,))
    while not await ledger.find(dead):
        await rooms.clock.sleep(1)
    await ledger.stop(0)
    return deaf.bodies


async def test_ten_attempts_are_made_with_the_same_bytes() -> None:
    async with open_rooms() as rooms:
        assert await dead_after_ten(rooms) == [b"{}"] * 10


def test_without_an_address_nothing_is_written_down() -> None:
    before, after = handoff(state=HandoffState.PENDING), handoff(agent_actor_id="A-7")
    assert webhook_out.moved_event(installation(), before, after, 0) == []
    assert webhook_out.moved_event(installation(eventsWebhook={"url": ""}), before, after, 0) == []


def test_the_same_state_again_is_no_event() -> None:
    one = installation(eventsWebhook=[{"url": URL}, {"url": f"{URL}/2"}])
    assert webhook_out.moved_event(one, handoff(), handoff(last_agent_ms=5), 0) == []


def test_a_waiting_handoff_has_v12s_fields_and_no_agent() -> None:
    told = Told("bot", "create", 1, said=LastSaid("m", "text", "hi", 1))
    event = handoff_event(handoff(state=HandoffState.PENDING), told)
    payload = cast("dict[str, object]", event["payload"])
    assert list(event) == ["botId", "resource", "type", "id", "payload"]
    assert list(payload) == FIELDS
    assert event["id"] == payload["id"] == number_of("handoff")
    nobody = ("agentId", "agentThreadId", "assignedAt", "resolvedAt")
    assert [payload[name] for name in nobody] == [None] * 4
    assert payload["status"] == "pending"
    assert payload["createdAt"] == "2025-10-09T08:53:20.000Z"
    json.dumps(event)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    (one,) = subscribers_of(json.dumps({"url": URL, "secret": "whsec_c2VjcmV0"}))
    headers = signature_headers(one.key, "evt_1", 1_700_000_000, b"{}")
    digest = hmac.new(b"secret", b"evt_1.1700000000.{}", hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        '{"url": "ftp://example.com"}',
        '{"url": "https://e.com", "headers": {"host": "x"}}',
        '{"url": "https://e.com", "headers": {"a": "b\\r\\nc: d"}}',
        '{"url": "https://e.com", "secert": "x"}',
        '{"url": "https://e.com", "secret": "whsec_?"}',
        "[1]",
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadConfiguration, match="eventsWebhook"):
        subscribers_of(text)


async def test_neighbours_are_not_called() -> None:
    async with open_hooks() as hooks:
        for url in ("http://127.0.0.1:1/x", "http://[::1]/", "http://169.254.169.254/"):
            with pytest.raises(HookRefused):
                await hooks.post(url, b"{}", {})
