"""Connecting what the server knows: by a link for the admin, by a token, by older endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from tests.commands import run_command
from tests.flows.consent import CONSOLE, Desk, open_desk, query_of

from hubspot_hitl.house import open_house
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.scopes import TABLE, scopes_for

BEARER = {"Authorization": f"Bearer {CONSOLE}"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def command(desk: Desk, *arguments: str, stdin: str = "", **more: str) -> tuple[int, str]:
    """`hubspot-hitl connect` beside the running server; its status and what it said."""
    said = await run_command(
        "connect",
        *arguments,
        env={**desk.house.environment(), "HITL_PUBLIC_URL": desk.house.url, **more},
        stdin=stdin,
    )
    return said.status, (said.err + said.out).strip()


async def post(desk: Desk, name: str, **body: object) -> tuple[int, dict[str, object]]:
    url = f"{desk.house.url}/oauth/hubspot/{name}"
    async with desk.http.post(url, json=body, headers=BEARER) as response:
        return response.status, dict(await response.json())


async def links(desk: Desk, *ages_s: int) -> list[str]:
    """Links for the installation, each made so many seconds ago and good for an hour."""
    settings = Settings(
        data_dir=desk.house.folder, database_url=f"sqlite:///{desk.house.folder}/house.db"
    )
    async with open_house(settings, work=False) as house:
        now_ms = house.services.clock.now_ms()
        signer = house.connector.signer
        return [signer.link(desk.id, now_ms - age_s * 1000, 3600) for age_s in ages_s]


async def test_an_admin_connects_the_portal_by_a_printed_link(desk: Desk) -> None:
    status, out = await command(desk, "--link")
    assert status == 0, out
    url = out.splitlines()[-1]

    opened, consent_page = await desk.follow(url)
    landed, page = await desk.follow(await desk.consent(consent_page))

    assert (opened, landed) == (302, 200)
    assert "HubSpot is connected" in page
    assert (await desk.status())["connected"] is True


async def test_what_one_browser_began_by_a_link_no_other_ends(desk: Desk) -> None:
    """Who holds a link sends somebody else on to HubSpot; that portal is not connected."""
    (good,) = await links(desk, 0)
    _, consent_page = await desk.follow(f"{desk.house.url}/oauth/hubspot/connect?link={good}")
    back = await desk.consent(consent_page)

    async with aiohttp.ClientSession() as stranger, stranger.get(back) as answer:
        refused, page = answer.status, await answer.text()

    assert (refused, "begun in another browser" in page) == (400, True)
    assert (await desk.status())["connected"] is False
    assert (await desk.follow(back))[0] == 200  # the browser that began may still end it


async def test_two_tabs_of_one_browser_both_come_back(desk: Desk) -> None:
    (good,) = await links(desk, 0)
    address = f"{desk.house.url}/oauth/hubspot/connect?link={good}"
    ways = [(await desk.follow(address))[1] for _ in range(2)]
    assert [(await desk.follow(await desk.consent(way)))[0] for way in ways] == [200, 200]


async def test_the_cookie_of_a_way_is_hidden_short_and_for_tls_where_there_is_tls(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, public_url="https://bot.example") as desk:
        (good,) = await links(desk, 0)
        address = f"{desk.house.url}/oauth/hubspot/connect?link={good}"
        async with desk.http.get(address, allow_redirects=False) as answer:
            (cookie,) = answer.cookies.values()
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["max-age"], cookie["path"]) == ("900", "/")


async def test_a_link_opens_its_own_installation_only_and_not_for_ever(desk: Desk) -> None:
    good, old = await links(desk, 0, 3601)
    base = f"{desk.house.url}/oauth/hubspot/connect?link="

    assert (await desk.follow(f"{base}{good}"))[0] == 302
    assert (await desk.follow(f"{base}{good}&installation={desk.id}"))[0] == 302
    assert (await desk.follow(f"{base}{good}&installation=another"))[0] == 401
    refused, page = await desk.follow(f"{base}{old}")
    assert (refused, "Ask whoever sent it for a new one" in page) == (401, True)
    assert (await desk.follow(f"{base}{good[:-4]}AAAA"))[0] == 401


async def test_a_link_needs_an_address_that_it_can_lead_to(desk: Desk) -> None:
    status, out = await command(desk, "--link", HITL_PUBLIC_URL="")
    assert (status, "HITL_PUBLIC_URL" in out) == (2, True)


async def test_a_private_app_token_is_tested_then_kept_and_carries_a_handoff(desk: Desk) -> None:
    world = desk.stage.hubspot.world
    token = world.issue_private("1234567").replace("na1", "eu1")
    world.tokens[token] = world.tokens.pop(token.replace("eu1", "na1"))

    tested, out = await command(desk, "--token", "--test", stdin=f"{token}\n")
    before = await desk.status()
    kept, _ = await command(desk, "--token", "--name", "Sales portal", stdin=f"{token}\n")

    assert (tested, kept, before["connected"]) == (0, 0, False), out
    assert token not in out
    _, found = await post(desk, "status", installation=desk.id)
    async with asyncio.timeout(60):  # the server looks again after two seconds
        while not found["connected"]:
            await asyncio.sleep(0.05)
            _, found = await post(desk, "status", installation=desk.id)
    assert (found["connected"], found["authMethod"]) == (True, "token")
    assert (found["connectionName"], found["username"]) == ("Sales portal", "1234567")
    assert (await desk.stage.botpress.register(desk.installation)).accepted
    desk.stage.installation = desk.installation
    assert (await desk.stage.open())[1] in world.threads


async def test_a_token_in_the_configuration_tells_its_portal_when_it_is_saved(desk: Desk) -> None:
    token = desk.stage.hubspot.world.issue_private("1234567")
    desk.installation.configuration["refreshToken"] = token

    assert (await desk.stage.botpress.register(desk.installation)).accepted

    every = (await desk.call("UserAgent/MyAgents"))["useragents"]
    assert [one["portalId"] for one in cast("list[dict[str, str]]", every)] == ["1234567"]


async def test_a_token_that_hubspot_refuses_changes_nothing(desk: Desk) -> None:
    world = desk.stage.hubspot.world
    poor = world.issue_private("1234567", frozenset({"conversations.read"}))

    wrong = await post(desk, "token", installation=desk.id, token="pat-na1-of-nobody")
    foreign = await post(desk, "token", installation=desk.id, token="na1-refresh-token")
    lacking = await post(desk, "token", installation=desk.id, token=poor)

    assert (wrong[0], wrong[1]["error"]) == (400, "token_exchange_failed")
    assert "whole token" in str(wrong[1]["message"])
    assert (foreign[0], foreign[1]["error"]) == (400, "invalid_payload")
    assert (lacking[0], lacking[1]["error"]) == (400, "authorization_denied")
    assert (await desk.status())["connected"] is False


async def test_a_service_key_that_the_info_endpoint_does_not_know_is_told_by_its_account(
    desk: Desk,
) -> None:
    desk.stage.hubspot.options.private_app_info = False
    key = desk.stage.hubspot.world.issue_private("1234567")

    status, found = await post(desk, "token", installation=desk.id, token=key)

    assert (status, found["portalId"], found["scopes"]) == (200, "1234567", [])
    assert (await post(desk, "test", installation=desk.id))[0] == 200


async def test_the_connection_can_be_tested_at_any_time(desk: Desk) -> None:
    before = await post(desk, "test", installation=desk.id)
    await desk.connect()
    connected = await post(desk, "test", installation=desk.id)
    desk.stage.hubspot.world.revoke_grants()
    revoked = await post(desk, "test", installation=desk.id)

    assert (before[0], before[1]["error"]) == (400, "invalid_config")
    assert (connected[0], connected[1]["status"]) == (200, "CONNECTED")
    assert connected[1]["missingScopes"] == []
    assert (revoked[0], revoked[1]["error"]) == (400, "token_exchange_failed")


async def test_an_agent_is_started_when_its_portal_is_reached(desk: Desk) -> None:
    before = await desk.call("UserAgent/Start", guid=desk.id)
    await desk.connect()
    after = await desk.call("UserAgent/Start", guid=desk.id)

    assert (before["result"], after["result"]) == (False, True)
    assert after["username"] == "1234567"


@pytest.mark.parametrize("version", ["2026-03", "v3", "v1"])
async def test_every_version_of_the_endpoints_connects_refreshes_and_revokes(
    tmp_path: Path, version: str
) -> None:
    async with open_desk(tmp_path, hubspot_oauth_version=version) as desk:
        desk.stage.hubspot.options.oauth_v1 = version == "v1"
        assert (await desk.connect())["hubspot_connected"] == "true"
        forced = await desk.call(
            "UserAgentOAuth/TokenRefresh", userAgentGuid=desk.id, provider="hubspot"
        )
        await desk.call("UserAgentOAuth/HubSpotDisconnect", userAgentGuid=desk.id, revoke=True)

        grant = desk.stage.hubspot.world.grants[str(forced["refreshToken"])]
        calls = [
            str(one["path"])
            for one in desk.stage.hubspot.journal.since(0, "call")
            if "/oauth/" in str(one["path"]) and "authorize" not in str(one["path"])
        ]
        used = {path.split("/")[2] for path in calls} - {"decision"}
        assert grant.revoked
        assert used == {version}


async def test_a_portal_that_grants_no_contacts_still_hands_off(desk: Desk) -> None:
    contacts = set(TABLE["contacts"].all)
    options = desk.stage.hubspot.options
    options.scopes = tuple(one for one in options.scopes if one not in contacts)

    assert (await desk.connect())["hubspot_connected"] == "true"

    status, found = await post(desk, "test", installation=desk.id)
    assert (status, contacts <= set(map(str, found["missingScopes"]))) == (200, True)  # type: ignore[call-overload]
    assert (await desk.stage.botpress.register(desk.installation)).accepted
    desk.stage.installation = desk.installation
    assert (await desk.stage.open())[1] in desk.stage.hubspot.world.threads


async def test_what_the_app_marks_as_required_is_asked_for_as_such(tmp_path: Path) -> None:
    required = ("oauth", "crm.objects.contacts.read")
    async with open_desk(tmp_path, oauth_required_scopes=required) as desk:
        desk.stage.hubspot.options.required_scopes = required
        query = query_of(await desk.begin())

        assert query["scope"].split() == [*scopes_for().required, *required]
        assert "crm.objects.contacts.read" not in query["optional_scope"].split()
        assert (await desk.connect())["hubspot_connected"] == "true"


async def test_an_old_a_missing_and_a_strangers_state_change_nothing(desk: Desk) -> None:
    settings = Settings(
        data_dir=desk.house.folder, database_url=f"sqlite:///{desk.house.folder}/house.db"
    )
    async with open_house(settings, work=False) as house:
        signer, now_ms = house.connector.signer, house.services.clock.now_ms()
        back = f"{desk.house.url}/oauth/hubspot/callback"
        old, _ = signer.sign(
            desk.id, "https://app.example.com/", back, "own", now_ms - 15 * 60_000 - 1_000
        )
        gone, _ = signer.sign("nobody", "https://app.example.com/", back, "own", now_ms)

    _, after_old = await desk.follow(f"{back}?code=c&state={old}")
    _, after_gone = await desk.follow(f"{back}?code=c&state={gone}")
    missing, page = await desk.follow(f"{back}?code=c")

    assert query_of(after_old) == {"hubspot_error": "session_expired"}
    assert query_of(after_gone) == {"hubspot_error": "useragent_not_found"}
    assert (missing, "missing_params" in page) == (400, True)
    assert (await desk.status())["connected"] is False


@pytest.mark.parametrize("host", ["bot.example", "localhost.example", "127.0.0.1.example"])
async def test_a_way_back_without_tls_is_refused_before_hubspot_is_asked(
    tmp_path: Path, host: str
) -> None:
    async with open_desk(tmp_path, oauth_redirect_url=f"http://{host}/cb") as desk:
        answer = await desk.call(
            "UserAgentOAuth/HubSpotConnect",
            userAgentGuid=desk.id,
            redirectUrl="https://app.example.com/",
        )
    assert answer["result"] is False
    assert "HITL_PUBLIC_URL" in str(answer["errors"])


async def test_a_wrong_app_id_is_refused_before_anything_is_kept(desk: Desk) -> None:
    desk.installation.configuration["appId"] = "999"
    await desk.sees()

    _, location = await desk.follow(await desk.consent(await desk.begin()))

    assert query_of(location)["hubspot_error"] == "invalid_config"
    assert (await desk.status())["connected"] is False
