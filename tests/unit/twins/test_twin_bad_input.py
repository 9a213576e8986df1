"""Whatever is sent to a twin, it refuses in the vendor's shape and lives."""

from __future__ import annotations

import orjson
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.twins.conftest import CHANNELS, THREADS, BotClient, HubClient

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
PUBLISH_FIELDS = (
    "channelAccountId",
    "messageDirection",
    "text",
    "senders",
    "recipients",
    "timestamp",
    "attachments",
    "integrationThreadId",
    "integrationIdempotencyId",
    "associateWithContactId",
)
LIVE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def post(session: ClientSession, path: str, raw: bytes, headers: dict[str, str]) -> int:
    named = {"Content-Type": "application/json", **headers}
    async with session.post(path, data=raw, headers=named) as response:
        assert response.content_type == "application/json"
        return response.status


@LIVE
@given(field=st.sampled_from(PUBLISH_FIELDS), value=JSON)
async def test_any_value_in_a_published_message_is_taken_or_refused(
    hub: HubClient, field: str, value: object
) -> None:
    raw = orjson.dumps(hub.message() | {field: value})
    headers = {"Authorization": f"Bearer {hub.token}"}
    path = f"{CHANNELS}/{hub.channel_id}/messages"
    assert await post(hub.session, path, raw, headers) in (200, 201, 400, 404)


@LIVE
@given(body=st.binary(max_size=40) | JSON.map(orjson.dumps))
async def test_any_body_of_a_thread_message_is_taken_or_refused(
    hub: HubClient, body: bytes
) -> None:
    thread_id = await hub.thread()
    headers = {"Authorization": f"Bearer {hub.token}"}
    assert await post(hub.session, f"{THREADS}/{thread_id}/messages", body, headers) == 400


@LIVE
@given(
    path=st.sampled_from(("users", "users/get-or-create", "conversations", "messages", "events")),
    body=st.binary(max_size=40) | JSON.map(orjson.dumps),
)
async def test_any_body_of_the_runtime_api_is_refused_unless_it_fits(
    bot: BotClient, path: str, body: bytes
) -> None:
    assert await post(bot.session, f"/v1/chat/{path}", body, bot.headers) == 400


@LIVE
@given(
    path=st.sampled_from(("users/get-or-create", "conversations", "messages", "events")),
    field=st.sampled_from(
        ("tags", "type", "payload", "discriminateByTags", "schedule", "channel", "name", "userId")
    ),
    value=JSON,
)
async def test_any_value_in_a_body_of_the_runtime_api_is_taken_or_refused(
    bot: BotClient, path: str, field: str, value: object
) -> None:
    good = {
        "tags": {"id": "1"},
        "discriminateByTags": ["id"],
        "type": "text",
        "payload": {"text": "x"},
        "channel": "hitl",
        "userId": await bot.user(),
        "conversationId": await bot.room(),
    }
    raw = orjson.dumps(good | {field: value})
    assert await post(bot.session, f"/v1/chat/{path}", raw, bot.headers) in (200, 201, 400)
