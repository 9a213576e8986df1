from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hubspot_hitl.errors import VendorThrottled
from hubspot_hitl.hubspot.kept_tokens import VaultRefreshTokens
from hubspot_hitl.hubspot.limiter import Window
from hubspot_hitl.hubspot.portals import SLACK_S, HubSpotPortals
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.connection import TokenState
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.services import Portals

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiohttp
    from tests.unit.hubspot.fake_clock import FakeClock
    from tests.unit.hubspot.fake_hubspot import FakeHubSpot

    from hubspot_hitl.hubspot.transport import Observed


def installation(
    id_: str = "one", *, portal_id: str | None = None, **configuration: str
) -> Installation:
    values = {"appId": "77", "clientId": "id", "clientSecret": "s", "refreshToken": "refresh-1"}
    return Installation(
        id=id_,
        bot_id="bot",
        integration_id="integration",
        alias="hubspot",
        configuration=Configuration.model_validate(values | configuration),
        portal_id=portal_id,
    )


class DictVault:
    def __init__(self) -> None:
        self.values: dict[tuple[str, str], bytes] = {}

    async def put(self, scope: str, name: str, value: bytes) -> None:
        self.values[scope, name] = value

    async def get(self, scope: str, name: str) -> bytes | None:
        return self.values.get((scope, name))

    async def delete(self, scope: str, name: str | None = None) -> None:
        raise NotImplementedError


class DictStates:
    def __init__(self) -> None:
        self.states: dict[str, TokenState] = {}

    async def token_state(self, installation_id: str) -> TokenState:
        return self.states.get(installation_id, TokenState())

    async def put_token_state(self, installation_id: str, state: TokenState) -> None:
        self.states[installation_id] = state


class DictInstallations:
    """Only portals are remembered."""

    def __init__(self) -> None:
        self.portals: dict[str, str] = {}

    async def remember(self, installation: Installation) -> Installation:
        return installation

    async def get(self, installation_id: str) -> Installation | None:
        return None

    async def by_app(self, app_id: str, portal_id: str | None) -> Sequence[Installation]:
        return ()

    async def all(self) -> Sequence[Installation]:
        return ()

    async def remove(self, installation_id: str) -> None:
        raise NotImplementedError

    async def removed(self, installation_id: str) -> bool:
        return False

    async def bindings(self, installation_id: str) -> Sequence[ChannelBinding]:
        return ()

    async def set_bindings(self, installation_id: str, bindings: Sequence[ChannelBinding]) -> None:
        raise NotImplementedError

    async def set_portal(self, installation_id: str, portal_id: str) -> None:
        self.portals[installation_id] = portal_id


@pytest.fixture
def portals(base_url: str, session: aiohttp.ClientSession, clock: FakeClock) -> HubSpotPortals:
    return HubSpotPortals(base_url, lambda: session, clock)


def test_one_installation_has_one_client(portals: HubSpotPortals) -> None:
    port: Portals = portals
    assert port.of(installation()) is port.of(installation())
    assert port.of(installation()) is not port.of(installation("two"))


def test_other_settings_leave_the_client_alone(portals: HubSpotPortals) -> None:
    assert portals.of(installation()) is portals.of(installation(historyMode="off"))


@pytest.mark.parametrize(
    "field", ["refreshToken", "clientId", "clientSecret", "appId", "developerApiKey"]
)
def test_other_credentials_make_another_client(portals: HubSpotPortals, field: str) -> None:
    before = portals.of(installation())
    after = portals.of(installation(**{field: "other"}))
    assert after is not before
    assert after.tokens is not before.tokens


def test_a_portal_learned_later_keeps_the_tokens(portals: HubSpotPortals) -> None:
    before = portals.of(installation())
    after = portals.of(replace(installation(), portal_id="341"))
    assert after is not before
    assert after.tokens is before.tokens


def test_a_forgotten_installation_starts_anew(portals: HubSpotPortals) -> None:
    before = portals.of(installation())
    portals.forget("one")
    assert portals.of(installation()).tokens is not before.tokens


async def wait_of_the_third_call(
    base_url: str,
    session: aiohttp.ClientSession,
    clock: FakeClock,
    hubspot: FakeHubSpot,
    *callers: Installation,
) -> float:
    portals = HubSpotPortals(
        base_url, lambda: session, clock, window=Window(requests=2, chat_share=0)
    )
    headers = {"X-HubSpot-RateLimit-Max": "2", "X-HubSpot-RateLimit-Remaining": "1"}
    for _ in callers:
        hubspot.answer({"id": "A-1"}, headers=headers)
    for number, caller in enumerate(callers):
        await portals.of(caller).actor(f"A-{number}")
    return sum(clock.slept)


async def test_installations_of_one_app_and_portal_share_the_rate_limit(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    first = installation("one", portal_id="341", refreshToken="pat-1")
    second = installation("two", portal_id="341", refreshToken="pat-2")
    waited = await wait_of_the_third_call(base_url, session, clock, hubspot, first, second, first)
    assert waited == pytest.approx(10 + SLACK_S, abs=0.1)


async def test_what_was_spent_stays_spent_when_the_portal_becomes_known(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    unknown = installation("one", portal_id=None, refreshToken="pat-1")
    known = installation("one", portal_id="341", refreshToken="pat-1")
    waited = await wait_of_the_third_call(
        base_url, session, clock, hubspot, unknown, unknown, known
    )
    assert waited == pytest.approx(10 + SLACK_S, abs=0.1)


async def test_installations_of_different_portals_do_not_share_it(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    first = installation("one", portal_id="341", refreshToken="pat-1")
    second = installation("two", portal_id="342", refreshToken="pat-2")
    waited = await wait_of_the_third_call(base_url, session, clock, hubspot, first, first, second)
    assert waited == 0


async def test_a_portal_that_hubspot_slows_down_does_not_slow_its_neighbour(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    portals = HubSpotPortals(base_url, lambda: session, clock)
    throttled = installation("one", portal_id="341", refreshToken="pat-1")
    neighbour = installation("two", portal_id="342", refreshToken="pat-2")
    hubspot.answer({"status": "error"}, status=429, headers={"Retry-After": "9"})
    with pytest.raises(VendorThrottled):
        await portals.of(throttled).actor("A-1")
    before = len(clock.slept)
    hubspot.answer({"id": "A-2"})

    await portals.of(neighbour).actor("A-2")

    assert clock.slept[before:] == []


async def test_calls_are_observed_with_their_installation(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    seen: list[tuple[str, str]] = []

    def observe(installation_id: str, observed: Observed) -> None:
        seen.append((installation_id, observed.operation))

    portals = HubSpotPortals(base_url, lambda: session, clock, observer=observe)
    hubspot.grant()
    hubspot.answer({"id": "A-1"})
    await portals.of(installation()).actor("A-1")
    assert seen == [("one", "oauth.refresh"), ("one", "actors.read")]


async def test_a_replaced_refresh_token_outlives_the_process(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    installations = DictInstallations()
    kept = VaultRefreshTokens(DictVault(), installations, DictStates(), clock)
    for token in ("refresh-2", "refresh-2", "refresh-9"):
        hubspot.grant(refresh_token=token)
    for configured in ("refresh-1", "refresh-1", "refresh-9"):
        portals = HubSpotPortals(base_url, lambda: session, clock, refresh_tokens=kept)
        await portals.of(installation(refreshToken=configured)).tokens.token()
    sent = [request.body.decode() for request in hubspot.refreshes]
    assert ["refresh_token=refresh-1" in body for body in sent] == [True, False, False]
    assert "refresh_token=refresh-2" in sent[1]
    assert "refresh_token=refresh-9" in sent[2]
    assert installations.portals == {"one": "341"}


def test_no_credential_is_shown(portals: HubSpotPortals) -> None:
    secret = "marked-secret"
    portals.of(installation(clientSecret=secret, refreshToken=secret, developerApiKey=secret))
    assert secret not in repr(vars(portals))
