from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs
from tests.unit.hubspot.fake_clock import START_MS, FakeClock

from hubspot_hitl.errors import (
    AuthorizationLost,
    BadConfiguration,
    StoreUnavailable,
    UnexpectedAnswer,
    VendorFault,
    VendorThrottled,
)
from hubspot_hitl.hubspot.oauth import AppCredentials, OAuth, authorize_url, code_challenge
from hubspot_hitl.hubspot.tokens import NEIGHBOUR_KEEPS_S, NOTE_AGAIN_S, TokenSource

if TYPE_CHECKING:
    import aiohttp
    from tests.unit.hubspot.fake_hubspot import FakeHubSpot, Recorded

APP = AppCredentials("client", "marked-secret")


def form(request: Recorded) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


@pytest.fixture
def oauth(base_url: str, session: aiohttp.ClientSession, clock: FakeClock) -> OAuth:
    return OAuth(base_url, lambda: session, clock)


@pytest.fixture
def source(oauth: OAuth, clock: FakeClock) -> TokenSource:
    return TokenSource(oauth, APP, "refresh-1", clock)


async def test_a_refresh_sends_its_secrets_in_the_body_of_the_dated_endpoint(
    source: TokenSource, hubspot: FakeHubSpot
) -> None:
    hubspot.grant("token-1")
    assert await source.token() == "token-1"
    (request,) = hubspot.refreshes
    assert (request.path, request.query) == ("/oauth/2026-03/token", {})
    assert form(request) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client",
        "client_secret": "marked-secret",
    }


async def test_a_token_is_kept_until_five_minutes_before_its_end(
    source: TokenSource, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.grant("token-1")
    hubspot.grant("token-2")
    await source.token()
    clock.advance(1499)
    assert await source.token() == "token-1"
    clock.advance(2)
    assert await source.token() == "token-2"


async def test_many_callers_share_one_refresh(source: TokenSource, hubspot: FakeHubSpot) -> None:
    hubspot.grant("token-1")
    tokens = await asyncio.gather(*(source.token() for _ in range(50)))
    assert set(tokens) == {"token-1"}
    assert len(hubspot.refreshes) == 1


async def test_many_callers_with_the_same_stale_token_share_one_refresh(
    source: TokenSource, hubspot: FakeHubSpot
) -> None:
    hubspot.grant("token-1")
    hubspot.grant("token-2")
    stale = await source.token()
    tokens = await asyncio.gather(*(source.renew(stale) for _ in range(20)))
    assert set(tokens) == {"token-2"}
    assert await source.renew(stale) == "token-2"
    assert len(hubspot.refreshes) == 2


async def test_a_cancelled_caller_takes_the_refresh_from_nobody(
    source: TokenSource, hubspot: FakeHubSpot
) -> None:
    hubspot.grant("token-1")
    first = asyncio.create_task(source.token())
    second = asyncio.create_task(source.token())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1"


async def test_a_changed_refresh_token_is_kept_and_used(
    oauth: OAuth, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    kept: list[str] = []
    portals: list[str] = []

    async def keep(token: str) -> None:
        kept.append(token)

    async def learn(portal_id: str) -> None:
        portals.append(portal_id)

    source = TokenSource(oauth, APP, "refresh-1", clock, keep=keep, learn_portal=learn)
    hubspot.grant("token-1", refresh_token="refresh-2")
    hubspot.grant("token-2", refresh_token="refresh-2")
    await source.renew(await source.token())
    assert (kept, portals) == (["refresh-2"], ["341"])
    assert form(hubspot.refreshes[1])["refresh_token"] == "refresh-2"


async def test_a_refresh_token_that_could_not_be_kept_is_kept_later(
    oauth: OAuth, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    kept: list[str] = []
    outcomes = [StoreUnavailable("away"), None]

    async def keep(token: str) -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        kept.append(token)

    source = TokenSource(oauth, APP, "refresh-1", clock, keep=keep)
    hubspot.grant("token-1", refresh_token="refresh-2")
    with pytest.raises(StoreUnavailable):
        await source.token()
    assert await source.token() == "token-1"
    assert kept == ["refresh-2"]


async def test_a_token_kept_earlier_goes_before_the_configured_one(
    oauth: OAuth, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    async def load() -> str:
        return "refresh-kept"

    hubspot.grant("token-1", refresh_token="refresh-kept")
    await TokenSource(oauth, APP, "refresh-1", clock, load=load).token()
    assert form(hubspot.refreshes[0])["refresh_token"] == "refresh-kept"


async def test_the_second_of_two_replicas_waits_for_what_the_first_was_given(
    oauth: OAuth, hubspot: FakeHubSpot
) -> None:
    kept: list[str | None] = [None, None, "refresh-2"]  # loaded; refused; written down at last

    async def load() -> str | None:
        return kept.pop(0)

    clock = FakeClock(auto=True)
    hubspot.refuse(400, {"status": "BAD_REFRESH_TOKEN"})
    hubspot.grant("token-1", refresh_token="refresh-2")
    source = TokenSource(oauth, APP, "refresh-1", clock, load=load)
    assert await source.token() == "token-1"
    assert [form(one)["refresh_token"] for one in hubspot.refreshes] == ["refresh-1", "refresh-2"]
    assert clock.slept == [NEIGHBOUR_KEEPS_S]


async def test_a_grant_that_no_replica_has_renewed_is_lost(
    oauth: OAuth, hubspot: FakeHubSpot
) -> None:
    async def load() -> str:
        return "refresh-1"

    hubspot.refuse(400, {"status": "BAD_REFRESH_TOKEN"})
    source = TokenSource(oauth, APP, "refresh-1", FakeClock(auto=True), load=load)
    with pytest.raises(AuthorizationLost):
        await source.token()
    assert len(hubspot.refreshes) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN", "message": "gone"},
        {"status": "BAD_REFRESH_TOKEN", "message": "gone"},
        {"error": "invalid_client"},
    ],
)
async def test_a_revoked_grant_is_told_and_not_asked_for_again_at_once(
    source: TokenSource, hubspot: FakeHubSpot, clock: FakeClock, body: object
) -> None:
    hubspot.refuse(400, body)
    for _ in range(2):
        with pytest.raises(AuthorizationLost) as caught:
            await source.token()
        assert "marked-secret" not in caught.value.message
    assert len(hubspot.refreshes) == 1
    clock.advance(11)
    hubspot.grant("token-1")
    assert await source.token() == "token-1"


async def test_a_429_of_the_token_endpoint_is_waited_for(
    source: TokenSource, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.refuse(429, {}, {"Retry-After": "1"})
    hubspot.grant("token-1")
    assert await source.token() == "token-1"
    assert clock.slept == [1.0]


async def test_a_long_429_of_the_token_endpoint_is_told(
    source: TokenSource, hubspot: FakeHubSpot
) -> None:
    hubspot.refuse(429, {}, {"Retry-After": "60"})
    with pytest.raises(VendorThrottled) as caught:
        await source.token()
    assert caught.value.retry_after_s == 60


async def test_the_old_token_serves_while_the_endpoint_is_away(
    source: TokenSource, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    hubspot.grant("token-1")
    await source.token()
    clock.advance(1600)
    for _ in range(3):
        hubspot.refuse(503, {})
    assert await source.token() == "token-1"
    assert await source.token() == "token-1"
    clock.advance(300)
    for _ in range(3):
        hubspot.refuse(503, {})
    with pytest.raises(VendorFault):
        await source.token()


async def test_a_private_app_token_is_used_as_it_is(oauth: OAuth, clock: FakeClock) -> None:
    source = TokenSource(oauth, APP, " pat-na1-x \n", clock)
    assert await source.token() == "pat-na1-x"
    with pytest.raises(AuthorizationLost):
        await source.renew("pat-na1-x")


class Notes:
    """What was told of a grant; while `away`, nothing can be noted."""

    def __init__(self) -> None:
        self.good: list[bool] = []
        self.away = False

    async def tell(self, lost: AuthorizationLost | None) -> None:
        if self.away:
            raise StoreUnavailable("the database is away")
        self.good.append(lost is None)


async def test_a_private_app_token_is_good_again_after_one_passing_refusal(
    oauth: OAuth, clock: FakeClock
) -> None:
    notes = Notes()
    source = TokenSource(oauth, APP, "pat-na1-x", clock, tell=notes.tell)
    await source.token()
    assert notes.good == []
    for _ in range(2):
        source.passed(await source.token())
    for _ in range(2):
        with pytest.raises(AuthorizationLost):
            await source.renew(await source.token())
    assert notes.good == [True, False]
    for _ in range(2):
        source.passed(await source.token())
    assert notes.good == [True, False, True]
    await source.refresh_now()
    await source.token()
    assert notes.good == [True, False, True]


async def test_a_refusal_is_told_as_such_though_it_cannot_be_noted(
    oauth: OAuth, clock: FakeClock
) -> None:
    notes = Notes()
    source = TokenSource(oauth, APP, "pat-na1-x", clock, tell=notes.tell)
    notes.away = True
    with capture_logs() as logs, pytest.raises(AuthorizationLost):
        await source.renew("pat-na1-x")
    assert [line["event"] for line in logs] == ["hubspot_grant_not_noted"]
    notes.away = False
    clock.advance(NOTE_AGAIN_S)
    with pytest.raises(AuthorizationLost):
        await source.renew("pat-na1-x")
    assert notes.good == [False]


async def test_a_fetched_token_serves_though_it_cannot_be_noted(
    oauth: OAuth, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    notes = Notes()
    source = TokenSource(oauth, APP, "refresh-1", clock, tell=notes.tell)
    hubspot.grant("token-1")
    notes.away = True
    assert await source.token() == "token-1"
    notes.away = False
    clock.advance(NOTE_AGAIN_S)
    source.passed("token-0")
    assert (await source.token(), notes.good) == ("token-1", [])
    source.passed("token-1")
    assert (await source.token(), notes.good) == ("token-1", [True])


@pytest.mark.parametrize("token", ["", "  ", "pat-a\nb", "pat-\u00e9"])
async def test_a_token_that_cannot_be_one_is_a_configuration_error(
    oauth: OAuth, clock: FakeClock, token: str
) -> None:
    with pytest.raises(BadConfiguration):
        await TokenSource(oauth, APP, token, clock).token()


async def test_a_grant_without_an_access_token_is_unexpected(
    source: TokenSource, hubspot: FakeHubSpot
) -> None:
    hubspot.refuse(200, {"expires_in": 5})
    with pytest.raises(UnexpectedAnswer):
        await source.token()


async def test_a_code_is_exchanged_once(oauth: OAuth, hubspot: FakeHubSpot) -> None:
    hubspot.grant("token-1", scopes=["oauth"], user_id=7)
    grant = await oauth.exchange(APP, "code-1", "https://a.test/cb", code_verifier="v")
    assert (grant.portal_id, grant.scopes, grant.user_id) == ("341", ("oauth",), "7")
    assert form(hubspot.refreshes[0])["code_verifier"] == "v"
    assert "token-1" not in repr(grant)
    hubspot.refuse(503, {})
    with pytest.raises(VendorFault):
        await oauth.exchange(APP, "code-1", "https://a.test/cb")


async def test_introspection_sends_both_spellings(oauth: OAuth, hubspot: FakeHubSpot) -> None:
    hubspot.answer(
        {"active": True, "hub_id": 341, "app_id": 5, "scopes": ["a"], "user": "u", "expires_in": 9}
    )
    info = await oauth.introspect(APP, "token-1")
    sent = form(hubspot.requests[0])
    assert (sent["token"], sent["access_token"], sent["token_type_hint"]) == (
        "token-1",
        "token-1",
        "access_token",
    )
    assert (info.portal_id, info.scopes, info.expires_ms) == ("341", ("a",), START_MS + 9000)


async def test_a_dead_token_is_an_authorization_lost(oauth: OAuth, hubspot: FakeHubSpot) -> None:
    hubspot.answer({"active": False})
    with pytest.raises(AuthorizationLost):
        await oauth.introspect(APP, "token-1")


async def test_revoking_and_uninstalling_use_their_endpoints(
    oauth: OAuth, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(status=204)
    hubspot.answer(status=204)
    await oauth.revoke(APP, "refresh-1")
    await oauth.uninstall("token-1")
    revoked, uninstalled = hubspot.requests
    assert revoked.path == "/oauth/2026-03/token/revoke"
    assert form(revoked)["refresh_token"] == "refresh-1"
    assert (uninstalled.method, uninstalled.bearer) == ("DELETE", "Bearer token-1")


def test_the_consent_page_is_asked_with_everything() -> None:
    url = authorize_url(
        "id",
        "https://a.test/cb",
        ["conversations.read", "oauth"],
        optional_scopes=["files"],
        state="s",
        code_verifier="verifier",
    )
    query = parse_qs(urlsplit(url).query)
    assert query["scope"] == ["conversations.read oauth"]
    assert query["optional_scope"] == ["files"]
    assert query["code_challenge"] == [code_challenge("verifier")]
    assert query["code_challenge_method"] == ["S256"]


def test_credentials_are_not_shown() -> None:
    assert "marked-secret" not in repr(APP)
