"""The envelope of v12's HITL Next, byte for byte, and who is sent it when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.dispatch import RETRYING
from hubspot_hitl.effects import agent_presence, webhook_out
from hubspot_hitl.effects.agent_presence import agent_seen
from hubspot_hitl.effects.webhook_out import moved_event
from hubspot_hitl.errors import HookFailed
from hubspot_hitl.handoff.events_envelope import (
    LastSaid,
    Told,
    agent_event,
    body_of,
    handoff_event,
    number_of,
)
from hubspot_hitl.handoff.records import Handoff, HandoffState, Person
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.subscribers import subscribers_of
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.worker import WorkerOptions
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState, NewDelivery

URL, OTHER = "https://example.com/hook", "https://example.org/second?key=k"
NUMBER = number_of("handoff")
USER = Person("hook", "user", name="Ada", email="ada@example.com", language="pt")
S = HandoffState

CREATED = (
    '{"botId":"bot","resource":"handoff","type":"create","id":#,"payload":{"id":#,'
    '"botId":"bot","agentId":null,"userId":"user","userThreadId":"conversation",'
    '"userChannel":"hitl","agentThreadId":null,"status":"pending","tags":null,'
    '"assignedAt":null,"resolvedAt":null,"createdAt":"2025-10-09T08:53:20.000Z",'
    '"updatedAt":"2025-10-09T08:53:20.007Z","comments":[],'
    '"user":{"id":"user","attributes":{"name":"Ada","email":"ada@example.com","language":"pt"}},'
    '"userConversation":null}}'
).replace("#", str(NUMBER))

ASSIGNED = (
    '{"botId":"bot","resource":"handoff","type":"update","id":#,"payload":{"id":#,'
    '"botId":"bot","agentId":"A-7","userId":"user","userThreadId":"conversation",'
    '"userChannel":"hitl","agentThreadId":"9","status":"assigned","tags":null,'
    '"assignedAt":"2025-10-09T08:53:21.000Z","resolvedAt":null,'
    '"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2025-10-09T08:53:20.007Z","comments":[],'
    '"user":{"id":"user","attributes":{}},'
    '"userConversation":{"id":"m1","direction":"incoming","botId":"bot","channel":"hitl",'
    '"success":true,"createdOn":"2025-10-09T08:53:22.500Z","threadId":"conversation",'
    '"type":"text","event":{"type":"text","channel":"hitl","direction":"incoming",'
    '"payload":{"type":"text","text":"Olá \\"José\\" 👋"},"target":"user","botId":"bot",'
    '"createdOn":"2025-10-09T08:53:22.500Z","threadId":"conversation","id":"m1",'
    '"preview":"Olá \\"José\\" 👋","flags":{},"state":{"__stacktrace":[],"user":{},'
    '"context":{"currentFlow":"","currentNode":"","previousFlow":"","previousNode":"",'
    '"jumpPoints":[],"queue":{"instructions":[]}},'
    '"session":{"lastMessages":[],"workflows":{},"slots":{}},"temp":{}},'
    '"messageId":"m1","suggestions":[],"nlu":{"entities":[],"language":"","ambiguous":false,'
    '"slots":{},"intent":{"name":"none","confidence":0,"context":""},"intents":[],'
    '"errored":false,"includedContexts":[],"ms":0},"processing":{},"activeProcessing":{},'
    '"decision":{"decision":{"reason":"","status":""},"confidence":0,"payloads":[],'
    '"source":"","sourceDetails":""}}}}}'
).replace("#", str(NUMBER))


def test_a_created_handoff_is_v12s_envelope_byte_for_byte() -> None:
    told = Told("bot", "create", 1_760_000_000_007, user=USER)
    assert body_of(handoff_event(handoff(state=S.PENDING), told)).decode() == CREATED


def test_an_assigned_handoff_is_v12s_envelope_byte_for_byte() -> None:
    said = LastSaid("m1", "text", 'Olá "José" 👋', 1_760_000_002_500)
    told = Told("bot", "update", 1_760_000_000_007, said=said)
    taken = handoff(agent_actor_id="A-7", assigned_ms=1_760_000_001_000)
    assert body_of(handoff_event(taken, told)).decode() == ASSIGNED


@pytest.mark.parametrize("online", [True, False])
def test_an_agent_is_v12s_envelope_byte_for_byte(online: bool) -> None:
    assert body_of(agent_event("bot", "A-7", online=online)).decode() == (
        '{"botId":"bot","resource":"agent","type":"update","id":"A-7",'
        f'"payload":{{"online":{str(online).lower()}}}}}'
    )


@pytest.mark.parametrize(
    ("state", "status", "resolved_at"),
    [
        (S.RESOLVED, "resolved", "2025-10-09T08:54:00.000Z"),
        (S.REJECTED, "rejected", "2025-10-09T08:54:00.000Z"),
        (S.CANCELLED, "rejected", "2025-10-09T08:54:00.000Z"),
        (S.FAILED, "rejected", "2025-10-09T08:54:00.000Z"),
        (S.EXPIRED, "expired", None),
    ],
)
def test_every_end_has_a_status_of_v12(state: S, status: str, resolved_at: str | None) -> None:
    ended = handoff(state=state, ended_ms=1_760_000_040_000)
    event: Any = handoff_event(ended, Told("bot", "update", 0))
    assert (event["payload"]["status"], event["payload"]["resolvedAt"]) == (status, resolved_at)


# -- who is sent what
@dataclass(slots=True)
class Subscribers:
    """Takes every post; addresses in `broken` answer with their status."""

    broken: dict[str, int] = field(default_factory=dict[str, int])
    heard: list[tuple[str, bytes, Mapping[str, str]]] = field(
        default_factory=list[tuple[str, bytes, Mapping[str, str]]]
    )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.heard.append((url, body, headers))
        if url in self.broken:
            status = self.broken[url]
            raise HookFailed(f"the subscriber answered {status}", status=status)
        return 204

    def at(self, url: str) -> list[Any]:
        return [json.loads(body) for to, body, _ in self.heard if to == url]


@dataclass(slots=True)
class Post:
    """Our side of the post: a ledger with its worker, and the installation."""

    rooms: Rooms
    ledger: LaneLedger
    one: Installation
    subscribers: Subscribers

    async def tell(self, *moves: tuple[Handoff, Handoff]) -> None:
        for before, after in moves:
            await self.ledger.accept(moved_event(self.one, before, after, self.now_ms))
            await self.settle()

    @property
    def now_ms(self) -> int:
        return self.rooms.clock.now_ms()

    async def settle(self) -> None:
        """Until nothing waits that is not a timer."""
        ready = DeliveryFilter(states=(DeliveryState.READY,))
        while any(not one.timer for one in await self.ledger.find(ready)):
            await self.rooms.clock.sleep(0.5)

    async def pass_minutes(self, minutes: float) -> None:
        end_ms = self.now_ms + round(minutes * 60_000)
        while self.now_ms < end_ms:
            await self.rooms.clock.sleep(10)
        await self.settle()


@asynccontextmanager
async def post(config: object, **settings: Any) -> AsyncGenerator[Post]:
    async with open_rooms() as rooms:
        one = installation(eventsWebhook=config, **settings)
        await rooms.services.installations.remember(one)
        await rooms.services.people.remember(USER)
        told = Subscribers()
        handlers: dict[str, Any] = {}
        ledger = LaneLedger(MemoryEngine(), handlers, rooms.clock, WorkerOptions(policies=RETRYING))
        services = replace(rooms.services, hooks=told, ledger=ledger)
        for kind, handle in {**webhook_out.DELIVERIES, **agent_presence.DELIVERIES}.items():
            handlers[kind] = partial(handle, services)
        await services.handoffs.open(handoff(state=S.STARTING))
        opened = await services.handoffs.get("handoff")
        assert opened is not None
        await services.handoffs.save(replace(opened, state=S.PENDING))
        await ledger.start()
        yield Post(rooms, ledger, one, told)
        await ledger.stop(0)


def moves() -> list[tuple[Handoff, Handoff]]:
    """A handoff from its start to its end, as it is saved."""
    starting = handoff(state=S.STARTING)
    pending = replace(starting, state=S.PENDING, version=1)
    assigned = replace(pending, state=S.ASSIGNED, agent_actor_id="A-7", version=2)
    resolved = replace(assigned, state=S.RESOLVED, ended_ms=1_760_000_040_000, version=3)
    return [(starting, pending), (pending, assigned), (assigned, resolved)]


def statuses(events: list[Any]) -> list[str]:
    return [event["payload"]["status"] for event in events if event["resource"] == "handoff"]


async def test_each_of_several_subscribers_gets_each_event_once_and_in_order() -> None:
    both = [{"url": URL}, {"url": OTHER, "headers": {"x-api-key": "k"}, "secret": "s3cret"}]
    async with post(both) as it:
        await it.tell(*moves())
        await it.tell(*moves())  # a repeat after a crash tells nobody again
        assert statuses(it.subscribers.at(URL)) == ["pending", "assigned", "resolved"]
        assert it.subscribers.at(URL) == it.subscribers.at(OTHER)


async def test_a_subscriber_that_fails_holds_up_no_other() -> None:
    async with post([{"url": URL}, {"url": OTHER}]) as it:
        it.subscribers.broken[URL] = 500
        await it.tell(moves()[0])
        assert len(it.subscribers.at(URL)) == webhook_out.ATTEMPTS
        assert statuses(it.subscribers.at(OTHER)) == ["pending"]


async def test_headers_of_ones_own_and_the_signature_go_with_each_post() -> None:
    secret = f"whsec_{base64.b64encode(b'a key of ours').decode()}"
    config = {"url": URL, "headers": {"authorization": "Bearer x", "x-team": "é"}, "secret": secret}
    async with post(config) as it:
        await it.tell(moves()[0])
        ((_, body, headers),) = it.subscribers.heard
        assert (headers["authorization"], headers["x-team"]) == ("Bearer x", "é")
        id_, at = headers["webhook-id"], headers["webhook-timestamp"]
        signed = f"{id_}.{at}.".encode() + body
        digest = base64.b64encode(hmac.new(b"a key of ours", signed, hashlib.sha256).digest())
        assert headers["webhook-signature"] == f"v1,{digest.decode()}"
        assert abs(int(at) * 1000 - it.now_ms) < 60_000


async def test_the_pauses_between_ten_attempts_grow_and_the_first_and_last_are_warned_of() -> None:
    async with post({"url": URL}) as it:
        it.subscribers.broken[URL] = 500
        with capture_logs() as logs:
            await it.tell(moves()[0])
        warned = [one["attempt"] for one in logs if one["event"] == "event_not_taken"]
        assert warned == [1, 10]
        pauses = RETRYING.by_kind[webhook_out.SEND]
        assert (pauses.max_attempts, pauses.base_s, pauses.cap_s) == (10, 1.0, 1_800.0)
        assert not pauses.jitter


async def test_a_503_at_first_is_not_warned_of() -> None:
    async with post({"url": URL}) as it:
        it.subscribers.broken[URL] = 503
        with capture_logs() as logs:
            await it.tell(moves()[0])
        warned = [one["attempt"] for one in logs if one["event"] == "event_not_taken"]
        assert warned == [10]


async def test_a_replayed_event_has_the_same_bytes_and_the_same_id() -> None:
    async with post({"url": URL, "secret": "s3cret"}) as it:
        it.subscribers.broken[URL] = 500
        await it.tell(moves()[0])
        (dead,) = await it.ledger.find(DeliveryFilter(states=(DeliveryState.DEAD,)))
        it.subscribers.broken.clear()
        assert await it.ledger.replay([dead.seq]) == 1
        await it.settle()
        heard = it.subscribers.heard
        assert len(heard) == webhook_out.ATTEMPTS + 1
        assert len({(body, headers["webhook-id"]) for _, body, headers in heard}) == 1


async def test_who_subscribes_no_longer_is_sent_nothing_more() -> None:
    async with post([{"url": URL}, {"url": OTHER}]) as it:
        await it.rooms.services.installations.remember(installation(eventsWebhook={"url": OTHER}))
        await it.tell(moves()[0])
        assert it.subscribers.at(URL) == []
        assert len(it.subscribers.at(OTHER)) == 1


def presence(events: list[Any]) -> list[bool]:
    return [event["payload"]["online"] for event in events if event["resource"] == "agent"]


async def writes(it: Post, agent: str = "A-7") -> None:
    await it.ledger.accept(agent_seen(it.one, handoff(), agent, it.now_ms))
    await it.settle()


async def test_an_agent_goes_offline_after_a_session_of_silence_and_comes_back() -> None:
    async with post({"url": URL}, agentSessionMinutes=10) as it:
        for _ in range(4):  # four times within the session
            await writes(it)
            await it.pass_minutes(4)
        assert presence(it.subscribers.at(URL)) == [True]
        await it.pass_minutes(8)
        assert presence(it.subscribers.at(URL)) == [True, False]
        await writes(it)
        assert presence(it.subscribers.at(URL)) == [True, False, True]
        await it.pass_minutes(12)
        assert presence(it.subscribers.at(URL)) == [True, False, True, False]


async def test_agents_come_and_go_each_for_themselves() -> None:
    async with post({"url": URL}, agentSessionMinutes=5) as it:
        await writes(it, "A-7")
        await it.pass_minutes(4)
        await writes(it, "A-8")
        await it.pass_minutes(3)
        told = [(one["id"], one["payload"]["online"]) for one in it.subscribers.at(URL)]
        assert told == [("A-7", True), ("A-8", True), ("A-7", False)]


async def test_without_a_session_length_nobody_is_said_to_be_offline() -> None:
    async with post({"url": URL}) as it:
        for _ in range(3):
            await writes(it)
            await it.pass_minutes(60)
        assert presence(it.subscribers.at(URL)) == [True]


async def test_where_nobody_listens_presence_is_not_kept() -> None:
    assert agent_seen(installation(agentSessionMinutes=10), handoff(), "A-7", 0) == []
    one = installation(eventsWebhook={"url": URL}, agentSessionMinutes=10)
    assert agent_seen(one, handoff(), "S-hubspot", 0) == []
    assert len(subscribers_of(json.dumps({"url": URL}))) == 1


def test_an_event_is_written_down_only_for_moves_that_v12_tells() -> None:
    one = installation(eventsWebhook={"url": URL})
    started, *_ = moves()
    told: list[NewDelivery] = moved_event(one, *started, 0)
    assert [it.body["type"] for it in told] == ["create"]
    failed = replace(started[0], state=S.FAILED)
    assert moved_event(one, started[0], failed, 0) == []
