from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest
from tests.ports import own_port
from tests.unit.hubspot.fake_clock import START_MS, FakeClock

from hubspot_hitl.errors import (
    AuthorizationLost,
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
from hubspot_hitl.hubspot.answers import Answer, error_of, json_of, retry_after
from hubspot_hitl.hubspot.limiter import RateLimiter
from hubspot_hitl.hubspot.transport import Call, Observed, Transport, encoded, query_of

if TYPE_CHECKING:
    import aiohttp
    from tests.unit.hubspot.fake_hubspot import FakeHubSpot

READ = Call("thing.read", "GET", "/thing")
WRITE = Call("thing.write", "POST", "/thing", body={"a": 1})


class FakeTokens:
    def __init__(self) -> None:
        self.current = "old"
        self.renewals = 0
        self.passes: list[str] = []

    async def token(self) -> str:
        return self.current

    async def renew(self, stale: str) -> str:
        assert stale == self.current
        self.renewals += 1
        self.current = f"new-{self.renewals}"
        return self.current

    def passed(self, token: str) -> None:
        self.passes.append(token)


@pytest.fixture
def tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def observed() -> list[Observed]:
    return []


@pytest.fixture
def transport(
    base_url: str,
    session: aiohttp.ClientSession,
    clock: FakeClock,
    tokens: FakeTokens,
    observed: list[Observed],
) -> Transport:
    return Transport(
        base_url,
        lambda: session,
        clock,
        tokens=tokens,
        limiter=RateLimiter(clock),
        observer=observed.append,
        jitter=lambda: 0.5,
    )


async def test_a_call_carries_token_query_and_json(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": "1"}, 201)
    call = Call("thing", "POST", "/a%2Fb", query=(("q", "x&y"),), body={"text": "h\u00e9"})
    answer = await transport.send(call)
    (request,) = hubspot.requests
    assert json_of(answer, "thing") == {"id": "1"}
    assert (request.method, request.path, request.query) == ("POST", "/a%2Fb", {"q": "x&y"})
    assert request.bearer == "Bearer old"
    assert request.body == '{"text":"h\u00e9"}'.encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VendorRefused),
        (403, MissingScope),
        (404, VendorNotFound),
        (410, VendorNotFound),
        (409, VendorConflict),
        (414, VendorRefused),
        (429, VendorThrottled),
        (423, VendorFault),
        (477, VendorFault),
        (500, VendorFault),
        (502, VendorFault),
        (521, VendorFault),
        (524, VendorFault),
        (302, UnexpectedAnswer),
    ],
)
def test_each_status_is_one_error(status: int, kind: type[VendorError]) -> None:
    body = (
        b'{"status":"error","category":"VALIDATION_ERROR","subCategory":"Custom.BAD",'
        b'"message":"Name is wrong","correlationId":"c-1"}'
    )
    error = error_of(Answer(status, {}, body), "thing.write", START_MS)
    assert type(error) is kind
    assert (error.status, error.vendor_code, error.correlation_id) == (status, "Custom.BAD", "c-1")
    assert "Name is wrong" in error.message
    assert "thing.write" in error.message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":5,"errors":"x"}', b"\xff"])
def test_an_error_body_of_any_shape_is_survived(body: bytes) -> None:
    error = error_of(Answer(502, {}, body), "thing.read", START_MS)
    assert isinstance(error, VendorFault)
    assert error.vendor_code is None


def test_details_are_kept_short_and_without_secrets() -> None:
    told = [{"message": "pat-na1-secret-1"}, {"message": "x" * 900}]
    body = {"message": "bad hapikey=0000-secret and Bearer abc.def-secret", "errors": told}
    error = error_of(Answer(400, {}, encoded(body)), "thing.read", START_MS)
    assert "secret" not in error.message
    assert len(error.message) < 400


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"{}", 7.0),
        ({"retry-after": "Thu, 09 Oct 2025 08:53:30 GMT"}, b"{}", 10.0),
        ({"retry-after": "soon"}, b"{}", 1.0),
        ({}, b'{"policyName":"TEN_SECONDLY_ROLLING"}', 10.0),
        ({}, b'{"policyName":"SECONDLY"}', 1.0),
        ({}, b'{"policyName":"DAILY"}', 3600.0),
    ],
)
def test_a_429_says_how_long_to_wait(headers: dict[str, str], body: bytes, seconds: float) -> None:
    error = error_of(Answer(429, headers, body), "thing.read", START_MS)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("text", ["-5", "NaN", "1e9", "\u0661", "Thu, 99 Oct 2025 99:99:99 GMT"])
def test_a_nonsense_retry_after_is_ignored(text: str) -> None:
    assert retry_after({"retry-after": text}, START_MS) is None


def test_a_retry_after_in_the_past_means_now() -> None:
    past = {"retry-after": "Thu, 09 Oct 2020 08:53:30 GMT"}
    assert retry_after(past, START_MS) == 0.0


async def test_a_read_is_repeated_after_a_5xx(
    transport: Transport, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.answer(status=503)
    hubspot.answer(status=502)
    hubspot.answer({"ok": 1})
    await transport.send(READ)
    assert clock.slept == [0.25, 0.75]


async def test_three_attempts_are_made_and_no_more(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    for _ in range(3):
        hubspot.answer(status=500)
    with pytest.raises(VendorFault):
        await transport.send(READ)
    assert len(hubspot.requests) == 3


async def test_a_write_is_not_repeated_after_a_5xx(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(status=503)
    with pytest.raises(VendorFault):
        await transport.send(WRITE)
    assert len(hubspot.requests) == 1


async def test_an_idempotent_write_is_repeated(transport: Transport, hubspot: FakeHubSpot) -> None:
    hubspot.hang_up()
    hubspot.answer({"id": "1"})
    await transport.send(Call("thing.write", "POST", "/thing", body={}, idempotent=True))
    assert len(hubspot.requests) == 2


async def test_a_write_whose_connection_broke_may_have_happened(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    hubspot.hang_up()
    with pytest.raises(VendorUnreachable) as caught:
        await transport.send(WRITE)
    assert caught.value.sent is True
    assert len(hubspot.requests) == 1


async def test_a_short_429_is_waited_out_even_for_a_write(
    transport: Transport, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.answer({}, 429, {"Retry-After": "2"})
    hubspot.answer({"id": "1"}, 201)
    await transport.send(WRITE)
    assert clock.slept == [2.0]


async def test_a_long_429_is_left_to_the_ledger(
    transport: Transport, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.answer({"policyName": "TEN_SECONDLY_ROLLING"}, 429)
    with pytest.raises(VendorThrottled) as caught:
        await transport.send(READ)
    assert caught.value.retry_after_s == 10
    with pytest.raises(VendorThrottled):
        await transport.send(READ)
    assert len(hubspot.requests) == 1
    assert clock.slept == []


async def test_a_closed_port_is_never_sent_and_tried_again(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    transport = Transport(f"http://127.0.0.1:{own_port()}", lambda: session, clock)
    with pytest.raises(VendorUnreachable) as caught:
        await transport.send(WRITE)
    assert caught.value.sent is False
    assert len(clock.slept) == 2


async def test_an_answer_that_does_not_come_may_have_had_its_effect(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        call = Call("thing.write", "POST", "/thing", timeout_s=0.5)
        with pytest.raises(VendorUnreachable, match=r"within 0\.5 s") as caught:
            await Transport(url, lambda: session, clock).send(call)
    assert caught.value.sent is True
    assert clock.slept == []


async def test_a_closed_session_sends_nothing(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    await session.close()
    with pytest.raises(VendorUnreachable, match="shutting down") as caught:
        await Transport("http://127.0.0.1:9", lambda: session, clock).send(READ)
    assert caught.value.sent is False


async def test_a_401_renews_the_token_once_and_repeats_the_call(
    transport: Transport, hubspot: FakeHubSpot, tokens: FakeTokens
) -> None:
    hubspot.answer({}, 401)
    hubspot.answer({"id": "1"}, 201)
    await transport.send(WRITE)
    assert [request.bearer for request in hubspot.requests] == ["Bearer old", "Bearer new-1"]
    assert tokens.passes == ["new-1"]


async def test_a_second_401_is_the_end(
    transport: Transport, hubspot: FakeHubSpot, tokens: FakeTokens
) -> None:
    hubspot.answer({}, 401)
    hubspot.answer({}, 401)
    with pytest.raises(AuthorizationLost):
        await transport.send(READ)
    assert (tokens.renewals, tokens.passes) == (1, [])


async def test_a_body_that_is_not_json_is_no_answer(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(text="<html>maintenance</html>")
    answer = await transport.send(READ)
    with pytest.raises(VendorUnreachable, match="not JSON") as caught:
        json_of(answer, "thing.read")
    assert caught.value.sent


async def test_an_empty_answer_is_no_json_at_all(
    transport: Transport, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(status=204)
    assert json_of(await transport.send(READ), "thing.read") is None


async def test_a_redirect_is_not_followed(transport: Transport, hubspot: FakeHubSpot) -> None:
    hubspot.answer({}, 302, {"Location": "/elsewhere"})
    with pytest.raises(UnexpectedAnswer):
        await transport.send(READ)
    assert len(hubspot.requests) == 1


async def test_each_attempt_is_observed(
    transport: Transport, hubspot: FakeHubSpot, observed: list[Observed]
) -> None:
    hubspot.answer({"correlationId": "c-9"}, 500)
    hubspot.answer({}, headers={"X-HubSpot-Correlation-Id": "c-10"})
    await transport.send(READ)
    assert [(one.attempt, one.status, one.error_code, one.correlation_id) for one in observed] == [
        (1, 500, "vendor_fault", "c-9"),
        (2, 200, None, "c-10"),
    ]


async def test_the_rate_limit_told_in_the_headers_is_heeded(
    transport: Transport, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    told = {
        "X-HubSpot-RateLimit-Max": "110",
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    }
    hubspot.answer({}, headers=told)
    hubspot.answer({})
    await transport.send(READ)
    await transport.send(READ)
    assert sum(clock.slept) == pytest.approx(10, abs=0.1)


async def test_the_query_is_in_no_error_log_or_repr(
    session: aiohttp.ClientSession, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call = Call("channels.list", "GET", "/x", query=(("hapikey", "marked-secret"),))
    with pytest.raises(VendorUnreachable) as caught:
        await Transport("http://127.0.0.1:9", lambda: session, clock).send(call)
    error: BaseException | None = caught.value
    while error is not None:
        assert "marked-secret" not in f"{error!r} {error}"
        error = error.__context__
    assert "marked-secret" not in repr(call)
    assert "marked-secret" not in caplog.text


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    assert encoded({"text": "a\ud83d"}) == b'{"text": "a?"}'


def test_parameters_that_are_none_are_left_out() -> None:
    assert query_of({"a": None, "b": True, "c": 5}) == (("b", "true"), ("c", "5"))
