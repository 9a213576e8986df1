from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.flows.consent import CONSOLE, RETURN, Desk, open_desk, query_of

from hubspot_hitl.house import open_house
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.faults import Fault, FaultKind


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def test_a_portal_is_connected_with_the_three_values_of_the_rows(desk: Desk) -> None:
    _, location = await desk.follow(await desk.consent(await desk.begin()))

    assert location.startswith("https://app.example.com/done?keep=1&hubspot_connected=true&")
    assert query_of(location) | {"hubspot_name": ""} == {
        "keep": "1",
        "hubspot_connected": "true",
        "hubspot_portal": "1234567",
        "hubspot_name": "",
    }


async def test_the_status_says_connected_with_times_half_an_hour_apart(desk: Desk) -> None:
    before = await desk.status()
    await desk.connect()
    after = await desk.status()

    assert before == {
        "result": True,
        "connected": False,
        "username": "",
        "connectedAt": None,
        "tokenExpiresAt": None,
        "errors": [],
    }
    assert (after["connected"], after["username"]) == (True, "1234567")
    assert str(after["connectedAt"]).endswith("Z")
    at, until = (
        datetime.fromisoformat(str(after[name])) for name in ("connectedAt", "tokenExpiresAt")
    )
    assert until - at == timedelta(minutes=30)


async def test_the_authorize_url_carries_what_hubspot_wants(desk: Desk) -> None:
    url = await desk.begin()
    query = query_of(url)

    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert "conversations.custom_channels.read%20conversations" in url
    assert "files" in query["optional_scope"].split()
    assert query["redirect_uri"] == f"{desk.house.url}/oauth/hubspot/callback"


async def test_a_connected_installation_registers_and_hands_off(desk: Desk) -> None:
    await desk.connect()

    answer = await desk.stage.botpress.register(desk.installation)
    desk.stage.installation = desk.installation
    _, thread_id = await desk.house.handoff()

    assert answer.accepted, answer.message
    assert thread_id in desk.stage.hubspot.world.threads


async def test_a_state_works_once(desk: Desk) -> None:
    back = await desk.consent(await desk.begin())
    await desk.follow(back)

    _, location = await desk.follow(back)

    assert query_of(location)["hubspot_error"] == "session_expired"
    assert (await desk.status())["connected"] is True


async def test_a_forged_state_never_redirects(desk: Desk) -> None:
    back = await desk.consent(await desk.begin())

    for state in ("x", "a.b.c", "", "eyJhbGciOiJub25lIn0.e30."):
        status, page = await desk.follow(f"{back.partition('&state=')[0]}&state={state}")
        assert status == 400
        assert "not connected" in page
    assert (await desk.status())["connected"] is False


async def test_a_missing_code_is_told_to_the_caller(desk: Desk) -> None:
    state = query_of(await desk.begin())["state"]

    _, location = await desk.follow(f"{desk.house.url}/oauth/hubspot/callback?state={state}")
    status, page = await desk.follow(f"{desk.house.url}/oauth/hubspot/callback")

    assert query_of(location)["hubspot_error"] == "missing_params"
    assert (status, "missing_params" in page) == (400, True)


async def test_a_user_who_cancels_leaves_nothing_behind(desk: Desk) -> None:
    _, location = await desk.follow(await desk.consent(await desk.begin(), "deny"))

    assert query_of(location) == {"keep": "1", "hubspot_error": "authorization_denied"}
    assert (await desk.status())["connected"] is False


async def test_a_missing_required_scope_leaves_nothing_behind(desk: Desk) -> None:
    url = (await desk.begin()).replace("conversations.write", "oauth")

    _, location = await desk.follow(await desk.consent(url))

    assert query_of(location)["hubspot_error"] == "authorization_denied"
    assert (await desk.status())["connected"] is False


async def test_a_wrong_client_secret_is_a_failed_exchange(desk: Desk) -> None:
    back = await desk.consent(await desk.begin())
    desk.stage.hubspot.options.client_secret = "changed-since"

    _, location = await desk.follow(back)

    assert query_of(location)["hubspot_error"] == "token_exchange_failed"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.ERROR_500, "internal_error"),
        (FaultKind.RATE_LIMIT, "internal_error"),
        (FaultKind.RESET_AFTER, "internal_error"),
        (FaultKind.GRANT_REVOKED, None),
    ],
)
async def test_whatever_the_exchange_meets_is_told_and_nothing_half_is_kept(
    desk: Desk, kind: FaultKind, code: str | None
) -> None:
    back = await desk.consent(await desk.begin())
    desk.stage.hubspot.faults.add(Fault(kind, ("oauth.token",), times=1, retry_after_s=60))

    _, location = await desk.follow(back)
    again = await desk.follow(back)

    assert query_of(location).get("hubspot_error") == code
    assert (await desk.status())["connected"] is (code is None)
    assert query_of(again[1])["hubspot_error"] == "session_expired", "a state works once"


async def test_an_introspection_that_fails_leaves_the_portal_that_the_exchange_told(
    desk: Desk,
) -> None:
    desk.stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("oauth.introspect",)))
    told = await desk.connect()
    assert (told["hubspot_connected"], told["hubspot_portal"]) == ("true", "1234567")


async def test_a_revoked_grant_is_told_in_the_console_and_in_the_log(desk: Desk) -> None:
    await desk.connect()
    desk.stage.hubspot.world.revoke_grants()
    with capture_logs() as lines:
        await desk.call("UserAgentOAuth/TokenRefresh", userAgentGuid=desk.id, provider="hubspot")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await http.post(f"{desk.house.url}/console/login", data={"token": CONSOLE})
        async with http.get(f"{desk.house.url}/console/connections") as page:
            shown = await page.text()

    assert "authorization_lost" in shown
    assert "Connect the portal again" in shown
    assert any(line["event"] == "agent_oauth_failed" for line in lines)


async def test_another_code_verifier_is_refused_by_hubspot(desk: Desk) -> None:
    url = await desk.begin()
    challenge = query_of(url)["code_challenge"]

    _, location = await desk.follow(await desk.consent(url.replace(challenge, "A" * 43)))

    assert query_of(location)["hubspot_error"] == "token_exchange_failed"


@pytest.mark.parametrize(
    "target",
    [
        "http://app.example.com/done",
        "https://evil.example/",
        "https://app.example.com@evil.example/",
        "https://app.example.com.evil.example/",
        "https://app.example.com:8443/",
        "//evil.example",
        "javascript:alert(1)",
        "https:/\\evil.example",
        "https://app.example.com/\r\nSet-Cookie: a=b",
    ],
)
async def test_no_stranger_is_redirected_to(desk: Desk, target: str) -> None:
    answer = await desk.call(
        "UserAgentOAuth/HubSpotConnect", userAgentGuid=desk.id, redirectUrl=target
    )

    assert answer["result"] is False
    assert "authorizeUrl" not in answer


async def test_an_unknown_guid_is_named_by_its_code(desk: Desk) -> None:
    answer = await desk.call(
        "UserAgentOAuth/HubSpotConnect", userAgentGuid="nobody", redirectUrl=RETURN
    )

    assert _code(answer) == "useragent_not_found"
    assert _code(await desk.call("UserAgentOAuth/HubSpotConnect")) == "missing_params"


async def test_an_installation_without_an_app_is_an_invalid_config(desk: Desk) -> None:
    answer = await desk.call(
        "UserAgentOAuth/HubSpotConnect",
        userAgentGuid=desk.id,
        redirectUrl=RETURN,
        authMethod="wiro",
    )

    assert _code(answer) == "invalid_config"


async def test_an_inbox_of_another_portal_is_refused(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        world = desk.stage.hubspot.world
        world.add_portal("7654321")
        inbox = next(iter(world.portals["1234567"].inboxes))
        address = f"https://app.hubspot.com/live-messages-settings/1234567/inboxes/{inbox}"
        desk.installation = desk.stage.botpress.install(
            desk.house.url, desk.stage.configuration(refreshToken="", inboxId=address)
        )
        await desk.sees()
        url = (await desk.begin()).replace("/oauth/1234567/authorize", "/oauth/authorize")

        _, location = await desk.follow(await desk.consent(url, portal="7654321"))

        assert query_of(location)["hubspot_error"] == "invalid_config"
        assert (await desk.status())["connected"] is False


async def test_without_the_token_every_call_is_closed(desk: Desk) -> None:
    for path in ("UserAgentOAuth/HubSpotStatus", "UserAgentOAuth/TokenRefresh"):
        async with desk.http.post(f"{desk.house.url}/v1/{path}", json={}) as response:
            assert response.status == 401
    async with desk.http.get(
        f"{desk.house.url}/oauth/hubspot/status?installation={desk.id}",
        headers={"Authorization": "Bearer wrong"},
    ) as response:
        assert response.status == 401


async def test_a_forced_refresh_gives_new_tokens(desk: Desk) -> None:
    await desk.connect()

    answer = await desk.call(
        "UserAgentOAuth/TokenRefresh", userAgentGuid=desk.id, provider="hubspot"
    )

    assert answer["result"] is True
    assert str(answer["accessToken"]) in desk.stage.hubspot.world.tokens
    assert str(answer["refreshToken"]) in desk.stage.hubspot.world.grants


async def test_a_revoked_grant_is_seen_in_the_status(desk: Desk) -> None:
    await desk.connect()
    desk.stage.hubspot.world.revoke_grants()

    answer = await desk.call(
        "UserAgentOAuth/TokenRefresh", userAgentGuid=desk.id, provider="hubspot"
    )
    native = f"{desk.house.url}/oauth/hubspot/status?installation={desk.id}"
    async with desk.http.get(native, headers={"Authorization": f"Bearer {CONSOLE}"}) as response:
        status = await response.json()

    assert _code(answer) == "authorization_lost"
    assert (status["connected"], status["problem"]) == (False, "authorization_lost")
    assert "Connect the portal again" in status["cure"]


async def test_disconnecting_forgets_the_grant_and_leaves_hubspot_alone(desk: Desk) -> None:
    await desk.connect()
    grants = [one for one in desk.stage.hubspot.world.grants.values() if not one.revoked]

    answer = await desk.call("UserAgentOAuth/HubSpotDisconnect", userAgentGuid=desk.id)

    assert answer == {"result": True, "errors": []}
    assert (await desk.status())["connected"] is False
    assert [one for one in desk.stage.hubspot.world.grants.values() if not one.revoked] == grants


async def test_disconnecting_can_revoke_and_uninstall(desk: Desk) -> None:
    await desk.connect()

    await desk.call("UserAgentOAuth/HubSpotDisconnect", userAgentGuid=desk.id, uninstall=True)

    assert all(one.revoked for one in desk.stage.hubspot.world.grants.values())


async def test_the_way_back_can_lead_through_botpress(tmp_path: Path) -> None:
    async with open_desk(tmp_path, public_url=None) as desk:
        url = await desk.begin()
        assert query_of(url)["redirect_uri"].endswith(f"/{desk.id}/oauth")

        _, location = await desk.follow(await desk.consent(url))

        assert query_of(location)["hubspot_connected"] == "true"


async def test_an_owner_who_configures_another_token_is_obeyed(desk: Desk) -> None:
    await desk.connect()
    desk.installation.configuration["refreshToken"] = "not-a-grant"

    answer = await desk.stage.botpress.register(desk.installation)

    assert not answer.accepted
    assert "connect the portal again" in answer.message


async def test_a_customers_own_app_can_be_saved_for_an_installation(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        options = desk.stage.hubspot.options
        desk.installation = desk.stage.botpress.install(
            desk.house.url,
            desk.stage.configuration(refreshToken="", clientId="", clientSecret=""),
        )
        await desk.sees()

        await desk.call(
            "UserAgent/Update",
            guid=desk.id,
            configuration={
                "credentials": {
                    "hubspot": {
                        "clientId": options.client_id,
                        "clientSecret": options.client_secret,
                    }
                }
            },
        )

        assert (await desk.connect())["hubspot_connected"] == "true"
        assert (await desk.stage.botpress.register(desk.installation)).accepted


async def test_the_shared_app_needs_nothing_of_the_customer(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        options = desk.stage.hubspot.options
        desk.house.changes |= _shared(options.client_id, options.client_secret, options.app_id)
        desk.house.changes["hubspot_developer_api_key"] = SecretStr(options.developer_api_key)
        await desk.house.close()
        await desk.house.open()
        inbox = next(iter(desk.stage.hubspot.world.portals[options.portal_id].inboxes))
        desk.installation = desk.stage.botpress.install(desk.house.url, {"inboxId": inbox})
        await desk.sees()

        assert (await desk.connect())["hubspot_connected"] == "true", "the shared app is usual"
        assert (await desk.connect(authMethod="wiro"))["hubspot_connected"] == "true"
        assert (await desk.stage.botpress.register(desk.installation)).accepted


@pytest.mark.parametrize(
    "path", ["/v1/UserAgentOAuth/HubSpotCallback", "/oauth/hubspot/HubSpotCallback"]
)
async def test_the_callback_has_the_names_that_agent_platforms_use(desk: Desk, path: str) -> None:
    back = await desk.consent(await desk.begin())

    _, location = await desk.follow(back.replace("/oauth/hubspot/callback", path))

    assert query_of(location)["hubspot_connected"] == "true"


async def test_the_callback_page_never_lets_the_code_travel_on(desk: Desk) -> None:
    back = await desk.consent(await desk.begin())

    async with desk.http.get(back, allow_redirects=False) as response:
        headers = response.headers

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


async def test_the_list_of_agents_names_the_installations(desk: Desk) -> None:
    answer = await desk.call("UserAgent/MyAgents")

    assert answer["useragents"] == [
        {"guid": desk.id, "botId": desk.installation.bot_id, "portalId": None}
    ]


def _code(answer: dict[str, object]) -> str:
    errors = cast("list[dict[str, str]]", answer["errors"])
    assert answer["result"] is False
    return errors[0]["code"]


def _shared(client_id: str, secret: str, app_id: str) -> dict[str, object]:
    return {
        "hubspot_client_id": client_id,
        "hubspot_client_secret": SecretStr(secret),
        "hubspot_app_id": app_id,
    }


@pytest.mark.parametrize("call", ["status", "refresh", "disconnect", "token", "test"])
async def test_half_a_character_in_a_name_is_an_unknown_name(desk: Desk, call: str) -> None:
    body = b'{"installation": "\\ud800", "token": "\\ud800", "more": NaN}'
    for sent in (body, body.replace(b"NaN", b"1")):
        url = f"{desk.house.url}/oauth/hubspot/{call}"
        async with desk.http.post(url, data=sent, headers={"x-api-key": CONSOLE}) as answer:
            assert 400 <= answer.status < 500


async def test_another_app_forgets_the_channels_of_the_one_before(desk: Desk) -> None:
    await desk.connect()
    assert (await desk.stage.botpress.register(desk.installation)).accepted

    async def bound_after(client_id: str) -> int:
        credentials = {"clientId": client_id, "clientSecret": "a-secret"}
        configuration = {"credentials": {"hubspot": credentials}}
        await desk.call("UserAgent/Update", guid=desk.id, configuration=configuration)
        settings = Settings(
            data_dir=desk.house.folder, database_url=f"sqlite:///{desk.house.folder}/house.db"
        )
        async with open_house(settings, work=False) as beside:
            return len(await beside.services.installations.bindings(desk.id))

    assert await bound_after("first") == 1  # the configuration's own app is still in force
    assert await bound_after("first") == 1
    assert await bound_after("second") == 0
