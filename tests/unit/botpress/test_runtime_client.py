from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.ports import own_port
from tests.unit.botpress.support import TRACE, QuickClock

from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.trace import Trace, current_trace
from hubspot_hitl.errors import (
    AuthorizationLost,
    BadSettings,
    InvalidPayload,
    MissingScope,
    UnexpectedAnswer,
    VendorConflict,
    VendorError,
    VendorFault,
    VendorNotFound,
    VendorRefused,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime

INSTALLATION = Installation("wh_1", "bot_1", "int_1", "hubspot-hitl", Configuration())
USER = {"user": {"id": "user_1", "name": "Ann", "tags": {"id": "1"}}, "meta": {"created": True}}


@dataclass
class Cloud:
    """A scripted API: answers in order, the last one again and again; notes every request."""

    script: list[web.Response | str | Callable[[], web.Response]] = field(default_factory=list[Any])
    requests: list[web.Request] = field(default_factory=list[web.Request])
    bodies: list[Any] = field(default_factory=list[Any])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step == "drop":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        assert callable(step)
        return step()


def says(status: int, body: Any = None, **headers: str) -> Callable[[], web.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return lambda: web.Response(status=status, text=body, headers=named)
    return lambda: web.json_response(body if body is not None else {}, status=status, headers=named)


@dataclass
class Bench:
    """A runtime in front of a scripted cloud."""

    cloud: Cloud
    runtime: BotRuntime
    clock: QuickClock
    calls: list[tuple[str, str]]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    cloud, clock = Cloud(), QuickClock()
    calls: list[tuple[str, str]] = []
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", cloud.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        runtimes = BotpressRuntimes(
            session,
            base_url=str(server.make_url("/")),
            token="tok_123",
            clock=clock,
            observe=lambda seen: calls.append((seen.operation, seen.outcome)),
        )
        yield Bench(cloud, runtimes.of(INSTALLATION), clock, calls)


async def test_get_or_create_tells_whether_it_created(bench: Bench) -> None:
    bench.cloud.script = [says(200, USER)]
    user, created = await bench.runtime.get_or_create_user(
        {"id": "1"}, discriminate_by=["id"], name="Ann"
    )
    assert (user.id, user.name, user.tags, created) == ("user_1", "Ann", {"id": "1"}, True)
    assert bench.cloud.bodies == [
        {"tags": {"id": "1"}, "name": "Ann", "discriminateByTags": ["id"]}
    ]
    assert bench.calls == [("getOrCreateUser", "ok")]


async def test_a_message_is_sent_with_its_discriminating_tags(bench: Bench) -> None:
    bench.cloud.script = [says(200, {"message": {"id": "msg_1"}, "meta": {"created": False}})]
    sent = await bench.runtime.get_or_create_message(
        "conv_1", "user_1", "text", {"text": "half \ud83d"}, {"id": "hs"}, discriminate_by=["id"]
    )
    assert sent == ("msg_1", False)
    assert bench.cloud.bodies[0]["payload"] == {"text": "half \ufffd"}
    assert bench.cloud.bodies[0]["discriminateByTags"] == ["id"]


async def test_conversations_are_found_read_and_tagged(bench: Bench) -> None:
    bench.cloud.script = [says(200, {"conversation": {"id": "c/1", "channel": "hitl"}})]
    found, created = await bench.runtime.get_or_create_conversation(
        "hitl", {"id": "t"}, discriminate_by=["id"]
    )
    assert (found.channel, created) == ("hitl", False)
    await bench.runtime.get_conversation("c/1")
    await bench.runtime.update_conversation("c/1", {"id": ""})
    assert [request.raw_path for request in bench.cloud.requests[1:]] == [
        "/v1/chat/conversations/c%2F1"
    ] * 2
    assert bench.cloud.bodies[2] == {"tags": {"id": ""}}


async def test_an_update_sends_only_what_is_given(bench: Bench) -> None:
    bench.cloud.script = [says(200, USER)]
    await bench.runtime.update_user("user_1", name="Ann")
    await bench.runtime.update_user("user_1", tags={"a": "b"})
    assert bench.cloud.bodies == [{"name": "Ann"}, {"tags": {"a": "b"}}]


async def test_a_long_name_is_cut_and_a_huge_picture_left_out(bench: Bench) -> None:
    bench.cloud.script = [says(200, USER)]
    await bench.runtime.update_user("user_1", name="😀" * 150, picture_url="x" * 40_001)
    assert bench.cloud.bodies == [{"name": "😀" * 100}]


@pytest.mark.parametrize("tags", [{"id": "x" * 501}, {"id": ""}, {}])
async def test_tags_that_would_find_the_wrong_object_are_refused_unsent(
    bench: Bench, tags: dict[str, str]
) -> None:
    with pytest.raises(InvalidPayload, match="Tag 'id'"):
        await bench.runtime.get_or_create_user(tags, discriminate_by=["id"])
    assert bench.cloud.requests == []


@pytest.mark.parametrize("user_id", ["", ".", ".."])
async def test_an_id_that_names_no_object_is_refused_unsent(bench: Bench, user_id: str) -> None:
    with pytest.raises(InvalidPayload):
        await bench.runtime.get_user(user_id)
    assert bench.cloud.requests == []


async def test_a_payload_that_is_not_json_is_refused_unsent(bench: Bench) -> None:
    with pytest.raises(InvalidPayload, match="createEvent"):
        await bench.runtime.create_event("hitlStopped", {"x": object()}, user_id="user_1")
    assert bench.calls == [("createEvent", "invalid_payload")]
    assert bench.cloud.requests == []


async def test_a_state_that_was_never_set_is_none(bench: Bench) -> None:
    bench.cloud.script = [says(404, {"type": "ResourceNotFound", "message": "no"})]
    assert await bench.runtime.get_state("integration", "int_1", "x") is None
    bench.cloud.script = [says(200, {"state": {"payload": {"a": 1}}, "meta": {}})]
    assert await bench.runtime.get_state("integration", "int_1", "x") == {"a": 1}


async def test_the_trace_travels_on(bench: Bench) -> None:
    bench.cloud.script = [says(200, USER)]
    token = current_trace.set(Trace(TRACE, "a=1"))
    await bench.runtime.get_user("user_1")
    current_trace.reset(token)
    await bench.runtime.get_user("user_1")
    first, second = bench.cloud.requests
    assert (first.headers["traceparent"], first.headers["tracestate"]) == (TRACE, "a=1")
    assert "traceparent" not in second.headers


@pytest.mark.parametrize(
    ("status", "type_", "expected"),
    [
        (400, "InvalidPayload", VendorRefused),
        (400, "ReferenceNotFound", VendorNotFound),
        (401, "Unauthorized", AuthorizationLost),
        (402, "PaymentRequired", VendorRefused),
        (403, "Forbidden", MissingScope),
        (403, "QuotaExceeded", VendorRefused),
        (404, "ResourceNotFound", VendorNotFound),
        (409, "AlreadyExists", VendorConflict),
        (409, "ResourceLockedConflict", VendorFault),
        (410, "ResourceGone", VendorNotFound),
        (413, "PayloadTooLarge", VendorRefused),
        (429, "RateLimited", VendorThrottled),
        (500, "Internal", VendorFault),
        (504, "OperationTimeout", VendorFault),
    ],
)
async def test_each_status_is_one_of_our_errors(
    bench: Bench, status: int, type_: str, expected: type[VendorError]
) -> None:
    bench.cloud.script = [says(status, {"id": "e1", "type": type_, "message": "because"})]
    with pytest.raises(VendorError) as caught:
        await bench.runtime.create_event("hitlStopped", {})
    error = caught.value
    assert type(error) is expected
    assert (error.vendor, error.operation, error.status) == ("botpress", "createEvent", status)
    assert (error.vendor_code, error.correlation_id) == (type_, "e1")
    assert "because" in error.message
    assert "tok_123" not in repr(error)


@pytest.mark.parametrize("body", ["", "<html>", "[1]", '{"message":5}', '{"type":null}'])
async def test_an_error_body_may_be_anything(bench: Bench, body: str) -> None:
    bench.cloud.script = [says(400, body)]
    with pytest.raises(VendorRefused):
        await bench.runtime.get_user("user_1")


async def test_a_success_that_was_cut_off_is_asked_for_again(bench: Bench) -> None:
    whole = '{"user":{"id":"user_1","tags":{}}}'
    bench.cloud.script = [says(200, whole[:20]), says(200, ""), says(200, whole)]
    assert (await bench.runtime.get_user("user_1")).id == "user_1"
    assert [outcome for _, outcome in bench.calls] == ["vendor_unreachable"] * 2 + ["ok"]


@pytest.mark.parametrize("body", ["[]", "{}", '{"user":{}}', '{"user":null}'])
async def test_a_success_of_another_shape_is_unexpected(bench: Bench, body: str) -> None:
    bench.cloud.script = [says(200, body)]
    with pytest.raises(UnexpectedAnswer):
        await bench.runtime.get_user("user_1")
    assert bench.calls == [("getUser", "unexpected_answer")]


async def test_a_redirect_is_not_followed(bench: Bench) -> None:
    bench.cloud.script = [says(302, location="https://elsewhere.example/")]
    with pytest.raises(VendorRefused):
        await bench.runtime.get_user("user_1")


Verb = Callable[[BotRuntime], Awaitable[object]]
REPEATABLE: list[Verb] = [
    lambda runtime: runtime.get_user("user_1"),
    lambda runtime: runtime.update_user("user_1", name="x"),
    lambda runtime: runtime.get_or_create_user({"id": "1"}, discriminate_by=["id"]),
]


@pytest.mark.parametrize("verb", REPEATABLE)
@pytest.mark.parametrize("first", [says(500), says(503), says(502), says(429), "drop"])
async def test_a_repeatable_call_is_tried_again(bench: Bench, verb: Verb, first: Any) -> None:
    bench.cloud.script = [first, says(200, USER)]
    await verb(bench.runtime)
    assert len(bench.calls) >= 2 or len(bench.cloud.requests) == 2
    assert sum(bench.clock.slept) <= 3


async def test_an_event_is_tried_again_when_it_was_not_taken(bench: Bench) -> None:
    bench.cloud.script = [says(429), says(201, {"event": {"id": "evt_1"}})]
    assert await bench.runtime.create_event("hitlStopped", {}) == "evt_1"


@pytest.mark.parametrize("first", [says(500), says(502), says(503), says(504), "drop"])
async def test_an_event_that_may_have_been_taken_is_not_sent_again(
    bench: Bench, first: Any
) -> None:
    bench.cloud.script = [first, says(201, {"event": {"id": "evt_1"}})]
    with pytest.raises(VendorError) as caught:
        await bench.runtime.create_event("hitlStopped", {})
    assert caught.value.retryable
    assert len(bench.cloud.requests) == 1


async def test_a_lasting_fault_ends_after_four_attempts_in_three_seconds(bench: Bench) -> None:
    bench.cloud.script = [says(500)]
    with pytest.raises(VendorFault):
        await bench.runtime.get_user("user_1")
    assert len(bench.cloud.requests) == 4
    assert sum(bench.clock.slept) <= 3


async def test_a_short_wait_that_botpress_asks_for_is_kept(bench: Bench) -> None:
    bench.cloud.script = [says(429, RateLimit_Reset="1"), says(200, USER)]
    await bench.runtime.get_user("user_1")
    assert bench.clock.slept == [1.0]


async def test_a_long_wait_is_left_to_the_caller(bench: Bench) -> None:
    bench.cloud.script = [says(429, RateLimit_Reset="60")]
    with pytest.raises(VendorThrottled) as caught:
        await bench.runtime.get_user("user_1")
    assert caught.value.retry_after_s == 60
    assert bench.clock.slept == []


async def test_a_refused_connection_was_certainly_not_sent() -> None:
    clock = QuickClock()
    async with aiohttp.ClientSession() as session:
        runtimes = BotpressRuntimes(
            session, base_url=f"http://127.0.0.1:{own_port()}", token="t", clock=clock
        )
        with pytest.raises(VendorUnreachable) as caught:
            await runtimes.of(INSTALLATION).create_event("hitlStopped", {})
    assert caught.value.sent is False
    assert len(clock.slept) == 3


async def test_a_lost_answer_may_have_been_sent(bench: Bench) -> None:
    bench.cloud.script = ["drop"]
    with pytest.raises(VendorUnreachable) as caught:
        await bench.runtime.create_event("hitlStopped", {})
    assert caught.value.sent is True


async def test_an_event_is_found_by_type_conversation_and_payload(bench: Bench) -> None:
    def event(id_: str, type_: str, place: str, user: str) -> dict[str, object]:
        payload = {"conversationId": place, "userId": user}
        return {"id": id_, "type": type_, "payload": payload, "conversationId": place}

    pages = [
        {
            "events": [event("1", "other", "c", "u"), event("2", "hitlAssigned", "d", "u")],
            "meta": {"nextToken": "n"},
        },
        {"events": [event("3", "hitlAssigned", "c", "v"), event("4", "hitlAssigned", "c", "u")]},
    ]
    bench.cloud.script = [says(200, page) for page in pages]
    found = await bench.runtime.find_event("hitlAssigned", "c", {"userId": "u"})
    assert found == "4"
    assert dict(bench.cloud.requests[1].query) == {
        "type": "hitlAssigned",
        "conversationId": "c",
        "nextToken": "n",
    }


async def test_an_event_of_before_the_time_asked_for_does_not_count(bench: Bench) -> None:
    def event(id_: str, created_at: str) -> dict[str, object]:
        place = {"conversationId": "c"}
        return {"id": id_, "type": "hitlStopped", "payload": place, "createdAt": created_at}

    old, new = event("old", "2026-01-01T00:00:00.000Z"), event("new", "2026-01-01T00:00:00.001Z")
    since_ms = 1_767_225_600_001
    bench.cloud.script = [says(200, {"events": [old, new]}), says(200, {"events": [old]})]
    assert await bench.runtime.find_event("hitlStopped", "c", since_ms=since_ms) == "new"
    assert await bench.runtime.find_event("hitlStopped", "c", since_ms=since_ms) is None


async def test_an_event_that_is_not_listed_is_none(bench: Bench) -> None:
    bench.cloud.script = [says(200, {"events": []})]
    assert await bench.runtime.find_event("hitlAssigned", "c") is None


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_runtime_that_cannot_list_events_says_so(bench: Bench, status: int) -> None:
    bench.cloud.script = [says(status)]
    with pytest.raises(VendorRefused):
        await bench.runtime.find_event("hitlAssigned", "c")


async def test_an_endless_list_of_events_is_not_read_for_ever(bench: Bench) -> None:
    bench.cloud.script = [says(200, {"events": [], "meta": {"nextToken": "n"}})]
    with pytest.raises(VendorRefused):
        await bench.runtime.find_event("hitlAssigned", "c")
    assert len(bench.cloud.requests) == 10


async def test_one_installation_has_one_runtime() -> None:
    async with aiohttp.ClientSession() as session:
        runtimes = BotpressRuntimes(
            session, base_url="http://127.0.0.1:1", token="t", clock=QuickClock()
        )
        other = Installation("wh_2", "bot_2", "int_1", "hubspot-hitl", Configuration())
        assert runtimes.of(INSTALLATION) is runtimes.of(INSTALLATION)
        assert runtimes.of(INSTALLATION) is not runtimes.of(other)


@pytest.mark.parametrize(("url", "token"), [("ftp://x", "t"), ("x", "t"), ("http://x", "t\n")])
async def test_settings_that_cannot_work_are_named(url: str, token: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(BadSettings, match="HITL_BOTPRESS_"):
            BotpressRuntimes(session, base_url=url, token=token, clock=QuickClock())


async def test_the_ids_of_a_conversations_messages_come_from_every_page(bench: Bench) -> None:
    bench.cloud.script = [
        says(200, {"messages": [{"id": "m2"}], "meta": {"nextToken": "more"}}),
        says(200, {"messages": [{"id": "m1"}], "meta": {}}),
    ]
    assert await bench.runtime.message_ids("conv_1") == ["m2", "m1"]
    first, second = bench.cloud.requests
    assert (first.path, first.query["conversationId"]) == ("/v1/chat/messages", "conv_1")
    assert second.query["nextToken"] == "more"


async def test_messages_and_users_are_deleted_by_id(bench: Bench) -> None:
    bench.cloud.script = [says(200, {})]
    await bench.runtime.delete_message("msg_1")
    await bench.runtime.delete_user("user_1")
    assert [(one.method, one.path) for one in bench.cloud.requests] == [
        ("DELETE", "/v1/chat/messages/msg_1"),
        ("DELETE", "/v1/chat/users/user_1"),
    ]


async def test_deleting_what_is_gone_says_so(bench: Bench) -> None:
    bench.cloud.script = [says(404, {"code": 404, "type": "ResourceNotFound", "message": "no"})]
    with pytest.raises(VendorNotFound):
        await bench.runtime.delete_user("user_1")
