"""Running twins, a client for each, and a server that receives what they send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from hubspot_hitl.twins.botpress import BotpressOptions, BotpressTwin
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.hubspot import HubSpotOptions, HubSpotTwin

Json = dict[str, Any]
CHANNELS = "/conversations/v3/custom-channels"
THREADS = "/conversations/v3/conversations/threads"
OPAQUE = "CHANNEL_SPECIFIC_OPAQUE_ID"
CAPABILITIES: Json = {
    "deliveryIdentifierTypes": ["HS_EMAIL_ADDRESS", OPAQUE],
    "threadingModel": "INTEGRATION_THREAD_ID",
    "allowOutgoingMessages": True,
    "outgoingAttachmentTypes": ["FILE", "QUICK_REPLIES"],
}


class HandClock:
    """Epoch seconds that move only when told."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Received:
    """One request that reached the sink."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass(slots=True)
class Sink:
    """Receives whatever is sent; `statuses` are used up first, then `reply` answers."""

    url: str = ""
    received: list[Received] = field(default_factory=list[Received])
    statuses: list[int] = field(default_factory=list[int])
    replies: dict[str, Json] = field(default_factory=dict[str, Json])
    """The answer's body by operation or action type."""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        found = Received(request.method, request.path_qs, request.headers, raw)
        self.received.append(found)
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        operation = request.headers.get("x-bp-operation", "")
        name = found.json["type"] if operation == "action_triggered" else operation
        return web.json_response(self.replies.get(name, {}), headers=self.headers)

    def channel_events(self) -> list[Json]:
        return [one.json for one in self.received if one.raw.startswith(b"{")]

    def app_events(self) -> list[Json]:
        return [event for one in self.received if one.raw.startswith(b"[") for event in one.json]

    def operations(self, name: str) -> list[Received]:
        return [one for one in self.received if one.headers.get("x-bp-operation") == name]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.handle)
    runner = web.AppRunner(app, max_field_size=65_536, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any
    headers: Mapping[str, str]


class HubClient:
    """Calls a HubSpot twin as the app, with a channel connected to its first inbox."""

    def __init__(self, twin: HubSpotTwin, session: aiohttp.ClientSession) -> None:
        self.twin = twin
        self.session = session
        self.token = twin.access_token()
        self.channel_id = ""
        self.account_id = ""

    @property
    def app(self) -> dict[str, str]:
        options = self.twin.options
        return {"hapikey": options.developer_api_key, "appId": options.app_id}

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        params: Mapping[str, str] | None = None,
        form: object = None,
    ) -> Answer:
        """`token` empty means the own one, None means none."""
        value = self.token if token == "" else token
        headers = {} if value is None else {"Authorization": f"Bearer {value}"}
        async with self.session.request(
            method, path, json=body, data=form, params=params, headers=headers
        ) as response:
            raw = await response.read()
            kind = response.content_type
            found = orjson.loads(raw) if kind == "application/json" else raw.decode()
            return Answer(response.status, found, response.headers)

    async def make_channel(self, hook: str, **capabilities: object) -> str:
        body = {
            "name": "Bot",
            "webhookUrl": hook,
            "capabilities": {**CAPABILITIES, **capabilities},
        }
        made = await self.call("POST", CHANNELS, body, token=None, params=self.app)
        self.channel_id = made.json["id"]
        return self.channel_id

    def inbox(self, kind: str = "INBOX") -> str:
        portal = self.twin.world.portals[self.twin.options.portal_id]
        return next(one.id for one in portal.inboxes.values() if one.type == kind)

    async def connect(self, inbox_id: str | None = None) -> str:
        body = {
            "inboxId": inbox_id or self.inbox(),
            "name": "Bot",
            "authorized": True,
            "deliveryIdentifier": {"type": OPAQUE, "value": "the-bot"},
        }
        path = f"{CHANNELS}/{self.channel_id}/channel-accounts"
        self.account_id = (await self.call("POST", path, body)).json["id"]
        return self.account_id

    def message(self, text: str = "Hello", **more: object) -> Json:
        user = {"deliveryIdentifier": {"type": OPAQUE, "value": "user-1"}, "name": "User"}
        bot = {"deliveryIdentifier": {"type": OPAQUE, "value": "the-bot"}}
        return {
            "channelAccountId": self.account_id,
            "messageDirection": "INCOMING",
            "text": text,
            "senders": [user],
            "recipients": [bot],
            "timestamp": "2026-05-28T20:26:40.000Z",
            "attachments": [],
            "integrationThreadId": "thread-1",
            **more,
        }

    async def publish(self, body: Json) -> Answer:
        return await self.call("POST", f"{CHANNELS}/{self.channel_id}/messages", body)

    async def thread(self, text: str = "Hello", **more: object) -> str:
        return str((await self.publish(self.message(text, **more))).json["conversationsThreadId"])

    @property
    def agent(self) -> str:
        return self.twin.agents.list()[0].actor_id


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def bare_hub(clock: HandClock) -> AsyncIterator[HubClient]:
    """A client of a twin without channels."""
    twin = HubSpotTwin(HubSpotOptions(rate_limit=None, hook_retry_base_s=0.001), clock=clock)
    await twin.start()
    async with aiohttp.ClientSession(twin.url) as session:
        yield HubClient(twin, session)
    await twin.stop()


@pytest.fixture
async def hub(bare_hub: HubClient, sink: Sink) -> HubClient:
    """A client with a connected channel whose hooks, like the app's, go to the sink."""
    await bare_hub.make_channel(sink.url)
    await bare_hub.connect()
    bare_hub.twin.deliver_to(sink.url)
    return bare_hub


class BotClient:
    """Calls a Botpress twin as the integration that is installed in it."""

    def __init__(
        self, twin: BotpressTwin, session: aiohttp.ClientSession, installation: Installation
    ) -> None:
        self.twin = twin
        self.session = session
        self.installation = installation
        self.headers = {
            "Authorization": f"Bearer {twin.options.token}",
            "x-bot-id": installation.bot_id,
            "x-integration-id": installation.integration_id,
            "x-integration-alias": installation.alias,
        }

    async def call(
        self, method: str, path: str, body: object = None, **headers: str | None
    ) -> Answer:
        """Keyword arguments replace headers; None leaves one out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {k: v for k, v in {**self.headers, **named}.items() if v is not None}
        async with self.session.request(method, path, json=body, headers=merged) as response:
            raw = await response.read()
            return Answer(response.status, orjson.loads(raw or b"null"), response.headers)

    async def user(self, name: str = "Agent", **tags: str) -> str:
        made = await self.call("POST", "/v1/chat/users", {"name": name, "tags": tags})
        return str(made.json["user"]["id"])

    async def room(self, thread_id: str = "9100000001") -> str:
        body = {"channel": "hitl", "tags": {"id": thread_id}, "discriminateByTags": ["id"]}
        made = await self.call("POST", "/v1/chat/conversations/get-or-create", body)
        return str(made.json["conversation"]["id"])

    async def tell(self, room: str, user: str, text: str, **tags: str) -> Answer:
        body: Json = {
            "type": "text",
            "payload": {"text": text},
            "userId": user,
            "conversationId": room,
            "tags": tags,
        }
        if tags:
            body["discriminateByTags"] = list(tags)
            return await self.call("POST", "/v1/chat/messages/get-or-create", body)
        return await self.call("POST", "/v1/chat/messages", body)

    async def emit(self, kind: str, room: str, **payload: object) -> Answer:
        body = {
            "type": kind,
            "payload": {"conversationId": room, **payload},
            "conversationId": room,
        }
        return await self.call("POST", "/v1/chat/events", body)


@pytest.fixture
async def bot(sink: Sink, clock: HandClock) -> AsyncIterator[BotClient]:
    """A Botpress twin whose integration is the sink."""
    options = BotpressOptions(rate_limit_per_s=None, message_retry_base_s=0.001)
    twin = BotpressTwin(options, clock=clock)
    await twin.start()
    installation = twin.install(sink.url, {"appId": "1"}, webhook_id="wh-1")
    async with aiohttp.ClientSession(twin.url) as session:
        yield BotClient(twin, session, installation)
    await twin.stop()
