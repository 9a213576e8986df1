"""What the Botpress twin's Runtime API does, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from tests.unit.twins.conftest import BotClient, HandClock, Json, Sink

from hubspot_hitl.twins.botpress import BotpressOptions, BotpressTwin
from hubspot_hitl.twins.faults import Fault, FaultKind

USERS, ROOMS, MESSAGES = "/v1/chat/users", "/v1/chat/conversations", "/v1/chat/messages"
DEFINITION: Json = {
    "user": {"tags": {"id": {}}},
    "channels": {
        "hitl": {
            "conversation": {"tags": {"id": {}}},
            "message": {"tags": {"id": {}}},
            "messages": {
                "text": {
                    "schema": {
                        "type": "object",
                        "properties": {"text": {"type": "string"}},
                        "required": ["text"],
                        "additionalProperties": False,
                    }
                }
            },
        }
    },
    "events": {"hitlStopped": {"schema": {"type": "object", "required": ["conversationId"]}}},
    "states": {"info": {"type": "user", "schema": {"type": "object"}}},
}


@pytest.fixture
async def strict(sink: Sink, clock: HandClock) -> AsyncIterator[BotClient]:
    """A twin that knows the definition above."""
    options = BotpressOptions(rate_limit_per_s=None)
    twin = BotpressTwin(options, clock=clock, definition=DEFINITION)
    await twin.start()
    async with aiohttp.ClientSession(twin.url) as session:
        yield BotClient(twin, session, twin.install(sink.url, {}))
    await twin.stop()


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"Authorization": None}, 401, "Unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "Unauthorized"),
        ({"x_bot_id": None}, 400, "InvalidPayload"),
        ({"x_integration_id": None}, 400, "InvalidPayload"),
        ({"x_integration_alias": None}, 400, "InvalidPayload"),
        ({"x_bot_id": "bot_2"}, 403, "Forbidden"),
        ({"x_integration_id": "int_2"}, 403, "Forbidden"),
        ({"x_integration_alias": "other"}, 403, "Forbidden"),
    ],
)
async def test_a_call_names_its_bot_and_integration(
    bot: BotClient, headers: dict[str, str | None], status: int, kind: str
) -> None:
    answer = await bot.call("GET", USERS, **headers)
    assert (answer.status, answer.json["code"], answer.json["type"]) == (status, status, kind)
    assert answer.json["id"].startswith("err_")


async def test_get_or_create_matches_on_the_discriminating_tags_only(bot: BotClient) -> None:
    body = {"tags": {"id": "A-1", "email": "x"}, "discriminateByTags": ["id"], "name": "Agent"}
    path = f"{USERS}/get-or-create"
    first = await bot.call("POST", path, body)
    second = await bot.call("POST", path, {**body, "tags": {"id": "A-1"}})
    all_tags = await bot.call("POST", path, {"tags": {"id": "A-1"}})
    assert [one.json["meta"]["created"] for one in (first, second, all_tags)] == [
        True,
        False,
        True,
    ]
    assert first.json["user"]["id"] == second.json["user"]["id"]


async def test_discriminating_by_a_tag_that_is_not_given_is_refused(bot: BotClient) -> None:
    body = {"tags": {"id": "A-1"}, "discriminateByTags": ["email"]}
    assert (await bot.call("POST", f"{USERS}/get-or-create", body)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tags": []},
        {"tags": {"id": 5}},
        {"tags": {"id": "x" * 501}},
        {"tags": {}, "name": "x" * 201},
        {"tags": {}, "name": 5},
        {"tags": {}, "pictureUrl": "x" * 40_001},
    ],
)
async def test_a_bad_user_is_refused(bot: BotClient, body: Json) -> None:
    answer = await bot.call("POST", USERS, body)
    assert (answer.status, answer.json["type"]) == (400, "InvalidPayload")


async def test_an_update_merges_and_an_empty_tag_is_removed(bot: BotClient) -> None:
    user = await bot.user("Old", id="1", email="x")
    await bot.call("PUT", f"{USERS}/{user}", {"name": "New", "tags": {"email": "", "lang": "en"}})
    found = (await bot.call("GET", f"{USERS}/{user}")).json["user"]
    assert (found["name"], found["tags"]) == ("New", {"id": "1", "lang": "en"})


async def test_a_removed_tag_finds_nothing_any_more(bot: BotClient) -> None:
    room = await bot.room("T-1")
    await bot.call("PUT", f"{ROOMS}/{room}", {"tags": {"id": None}})
    assert await bot.room("T-1") != room


async def test_lists_filter_by_tags_and_come_in_pages(bot: BotClient) -> None:
    rooms = [await bot.room(f"T-{number}") for number in range(3)]
    tagged = await bot.call("GET", f"{ROOMS}?tags.id=T-1")
    first = await bot.call("GET", f"{ROOMS}?pageSize=2")
    token = first.json["meta"]["nextToken"]
    rest = await bot.call("GET", f"{ROOMS}?pageSize=2&nextToken={token}")
    assert [one["id"] for one in tagged.json["conversations"]] == [rooms[1]]
    assert [one["id"] for one in first.json["conversations"]] == [rooms[2], rooms[1]]
    assert rest.json["meta"] == {}


async def test_participants_come_and_go(bot: BotClient) -> None:
    room, user = await bot.room(), await bot.user()
    path = f"{ROOMS}/{room}/participants"
    assert (await bot.call("GET", f"{path}/{user}")).status == 404
    assert (await bot.call("POST", path, {"userId": user})).status == 201
    assert (await bot.call("POST", path, {"userId": "user_9"})).status == 400
    assert [one["id"] for one in (await bot.call("GET", path)).json["participants"]] == [user]


async def test_a_message_with_the_same_tag_is_made_once(bot: BotClient) -> None:
    room, user = await bot.room(), await bot.user()
    first = await bot.tell(room, user, "Hi", id="hs-1")
    second = await bot.tell(room, user, "Hi", id="hs-1")
    listed = await bot.call("GET", f"{MESSAGES}?conversationId={room}")
    assert [one.json["meta"]["created"] for one in (first, second)] == [True, False]
    assert len(listed.json["messages"]) == 1
    assert listed.json["messages"][0]["direction"] == "incoming"


async def test_messages_to_nowhere_or_by_nobody_are_refused(bot: BotClient) -> None:
    room, user = await bot.room(), await bot.user()
    nowhere, nobody = await bot.tell("conv_9", user, "x"), await bot.tell(room, "user_9", "x")
    assert (nowhere.status, nowhere.json["type"]) == (400, "ReferenceNotFound")
    assert (nobody.status, nobody.json["type"]) == (400, "ReferenceNotFound")


async def test_a_payload_over_128_kilobytes_is_too_large(bot: BotClient) -> None:
    room, user = await bot.room(), await bot.user()
    answer = await bot.tell(room, user, "x" * 131_072)
    assert (answer.status, answer.json["type"]) == (413, "PayloadTooLarge")


async def test_events_can_be_listed_unless_that_is_switched_off(bot: BotClient) -> None:
    room = await bot.room()
    made = await bot.emit("hitlStopped", room)
    listed = await bot.call("GET", f"/v1/chat/events?type=hitlStopped&conversationId={room}")
    bot.twin.options.list_events = False
    assert [one["id"] for one in listed.json["events"]] == [made.json["event"]["id"]]
    assert (await bot.call("GET", "/v1/chat/events")).status == 403


async def test_a_scheduled_event_waits_and_can_be_cancelled(bot: BotClient) -> None:
    body = {"type": "later", "payload": {}, "schedule": {"delay": 60_000}}
    made = (await bot.call("POST", "/v1/chat/events", body)).json["event"]
    path = f"/v1/chat/events/scheduled/{made['id']}"
    assert made["status"] == "scheduled"
    assert [(await bot.call("DELETE", path)).status for _ in range(2)] == [200, 409]


async def test_a_state_is_set_patched_deleted_and_expires(bot: BotClient, clock: HandClock) -> None:
    path = f"/v1/chat/states/user/{await bot.user()}/info"
    assert (await bot.call("GET", path)).status == 404
    await bot.call("POST", path, {"payload": {"a": 1}, "expiry": 1000})
    await bot.call("PATCH", path, {"payload": {"b": 2}})
    assert (await bot.call("GET", path)).json["state"]["payload"] == {"a": 1, "b": 2}
    clock.now += 2
    assert (await bot.call("GET", path)).status == 404
    await bot.call("POST", path, {"payload": {"a": 1}})
    await bot.call("POST", path, {"payload": None})
    assert (await bot.call("GET", path)).status == 404


@pytest.mark.parametrize(
    ("scope", "owner", "status"),
    [("bot", "x", 403), ("user", "user_9", 400), ("integration", "intver_9", 400)],
)
async def test_a_state_of_nobody_is_refused(
    bot: BotClient, scope: str, owner: str, status: int
) -> None:
    path = f"/v1/chat/states/{scope}/{owner}/info"
    assert (await bot.call("POST", path, {"payload": {}})).status == status


async def test_an_expiry_is_at_most_thirty_days(bot: BotClient) -> None:
    path = f"/v1/chat/states/user/{await bot.user()}/info"
    body: Json = {"payload": {}, "expiry": 2_592_000_001}
    assert (await bot.call("POST", path, body)).status == 400


async def test_undeclared_names_are_refused_when_the_definition_is_known(
    strict: BotClient,
) -> None:
    room, user = await strict.room(), await strict.user()
    message: Json = {"userId": user, "conversationId": room, "tags": {}, "type": "text"}
    refused: list[tuple[str, str, Json]] = [
        ("POST", USERS, {"tags": {"shoe": "43"}}),
        ("PUT", f"{USERS}/{user}", {"tags": {"shoe": "43"}}),
        ("POST", ROOMS, {"channel": "hitl", "tags": {"shoe": "43"}}),
        ("POST", ROOMS, {"channel": "pigeon", "tags": {}}),
        ("POST", MESSAGES, {**message, "payload": {"text": "x"}, "tags": {"shoe": "43"}}),
        ("POST", MESSAGES, {**message, "payload": {"text": "x"}, "type": "hologram"}),
        ("POST", MESSAGES, {**message, "payload": {"text": 5}}),
        ("POST", MESSAGES, {**message, "payload": {"text": "x", "extra": 1}}),
        ("POST", "/v1/chat/events", {"type": "sneeze", "payload": {}}),
        ("POST", "/v1/chat/events", {"type": "hitlStopped", "payload": {}}),
        ("POST", f"/v1/chat/states/user/{user}/secrets", {"payload": {}}),
        ("POST", f"/v1/chat/states/conversation/{room}/info", {"payload": {}}),
    ]
    statuses = [(await strict.call(*call)).status for call in refused]
    assert statuses == [400] * len(refused)
    assert (await strict.tell(room, user, "fits", id="1")).status == 200


async def test_the_projects_own_definition_is_understood(sink: Sink) -> None:
    path = Path(__file__).parents[3] / "integration.definition.json"
    twin = BotpressTwin(definition=orjson.loads(path.read_bytes()))
    await twin.start()
    async with aiohttp.ClientSession(twin.url) as session:
        client = BotClient(twin, session, twin.install(sink.url, {}))
        room, user = await client.room(), await client.user(id="A-1")
        told = await client.tell(room, user, "Hi", id="hs-1")
    await twin.stop()
    assert told.status == 200


async def test_the_rate_limit_tells_what_is_left_and_then_refuses(bot: BotClient) -> None:
    bot.twin.options.rate_limit_per_s = 1
    answers = [await bot.call("GET", USERS) for _ in range(2)]
    assert [one.status for one in answers] == [200, 429]
    assert answers[0].headers["RateLimit-Remaining"] == "0"
    assert answers[1].json["type"] == "RateLimited"


async def test_a_reset_after_the_effect_leaves_the_message_there(bot: BotClient) -> None:
    room, user = await bot.room(), await bot.user()
    bot.twin.faults.add(Fault(FaultKind.RESET_AFTER, ("messages.*",), times=1))
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.tell(room, user, "Hi", id="hs-1")
    assert (await bot.tell(room, user, "Hi", id="hs-1")).json["meta"]["created"] is False


@pytest.mark.parametrize("kind", [FaultKind.TOKEN_EXPIRED, FaultKind.GRANT_REVOKED])
async def test_a_refused_token_stays_refused_until_reinstated(
    bot: BotClient, kind: FaultKind
) -> None:
    bot.twin.faults.add(Fault(kind, ("users.*",), times=1))
    statuses = [(await bot.call("GET", USERS)).status for _ in range(2)]
    await bot.call("POST", "/_twin/tokens/reinstate")
    assert statuses == [401, 401]
    assert (await bot.call("GET", USERS)).status == 200


async def test_a_file_is_declared_uploaded_and_read(bot: BotClient) -> None:
    body = {"key": "a.txt", "size": 3, "contentType": "text/plain"}
    made = (await bot.call("PUT", "/v1/files", body)).json["file"]
    await bot.session.put(made["uploadUrl"], data=b"abc")
    async with bot.session.get(made["url"]) as response:
        assert await response.read() == b"abc"


async def test_not_json_is_refused(bot: BotClient) -> None:
    headers = {**bot.headers, "Content-Type": "application/json"}
    for raw in (b"", b"{", b"[]", b"\xff"):
        async with bot.session.post(USERS, data=raw, headers=headers) as response:
            assert response.status in (400, 415)
