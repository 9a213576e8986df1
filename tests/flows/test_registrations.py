"""The registration of a web widget's visitor, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import jsonschema
import pytest
from pydantic import SecretStr
from tests.flows.conftest import House

from hubspot_hitl.twins.stage import Stage

TOKEN = {"Authorization": "Bearer widget-token"}
ADA = {"firstName": "Ada Mary", "lastName": "Lovelace", "email": "Ada@Example.com"}


@pytest.fixture
async def open_house(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    token = SecretStr("widget-token")
    house = House(stage, tmp_path, {"registrations_token": token, "registrations_per_minute": 4})
    await house.open()
    await stage.install(house.url)
    yield house
    await house.close()


async def test_a_visitor_is_registered_once(open_house: House, http: aiohttp.ClientSession) -> None:
    url = f"{open_house.url}/registrations"
    answers: list[dict[str, str]] = []
    for _ in range(2):
        async with http.post(url, json=ADA, headers=TOKEN) as response:
            assert response.status == 200
            answers.append(await response.json())
    assert answers[0]["channelId"] == answers[1]["channelId"]
    assert answers[0].keys() == {"customerId", "customerToken", "channelId", "apiKey"}
    assert answers[0]["customerId"] == "ada_mary-lovelace"
    portal = open_house.stage.hubspot.world.portals[open_house.stage.hubspot.options.portal_id]
    contact = portal.of_type("contacts")[answers[0]["channelId"]]
    assert contact.properties["firstname"] == "Ada_Mary"
    assert contact.properties["email"] == "ada@example.com"


async def test_strangers_bad_input_and_too_many_are_refused(
    open_house: House, http: aiohttp.ClientSession
) -> None:
    url = f"{open_house.url}/registrations"
    tries: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, ADA),
        (TOKEN, {}),
        (TOKEN, {**ADA, "email": "no"}),
        (TOKEN, ADA),
        (TOKEN, ADA),
    ]
    statuses: list[int] = []
    for headers, body in tries:
        async with http.post(url, json=body, headers=headers) as response:
            statuses.append(response.status)
            assert response.status == 200 or (await response.json())["error"]
    assert statuses == [401, 400, 400, 200, 429]


async def test_without_a_token_there_is_no_such_route(
    house: House, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{house.url}/registrations", json=ADA, headers=TOKEN) as response:
        assert response.status == 404


def without_scope(house: House, scope: str) -> None:
    """From its next token on, the app may no longer do this."""
    for grant in house.stage.hubspot.world.grants.values():
        grant.scopes = grant.scopes - {scope}
    for token in house.stage.hubspot.world.tokens.values():
        token.scopes = token.scopes - {scope}


async def test_a_portal_that_refuses_is_a_500_that_says_why(
    open_house: House, http: aiohttp.ClientSession
) -> None:
    without_scope(open_house, "crm.objects.contacts.write")
    async with http.post(f"{open_house.url}/registrations", json=ADA, headers=TOKEN) as response:
        assert response.status == 500
        assert "crm.objects.contacts.write" in (await response.json())["error"]


async def test_a_portal_without_the_edition_gives_no_token_but_registers(
    open_house: House, http: aiohttp.ClientSession
) -> None:
    without_scope(open_house, "conversations.visitor_identification.tokens.create")
    async with http.post(f"{open_house.url}/registrations", json=ADA, headers=TOKEN) as response:
        answer = await response.json()
        assert response.status == 200
    assert answer["channelId"]
    assert answer["customerToken"] is None


async def test_the_answers_are_those_of_the_api_description(
    open_house: House, http: aiohttp.ClientSession
) -> None:
    described = await (await http.get(f"{open_house.url}/openapi.json")).json()
    schemas = described["components"]["schemas"]
    route = described["paths"]["/registrations"]["post"]
    for body, wanted in ((ADA, "Registered"), ({}, "Refused")):
        async with http.post(
            f"{open_house.url}/registrations", json=body, headers=TOKEN
        ) as response:
            assert str(response.status) in route["responses"]
            jsonschema.validate(await response.json(), schemas[wanted])
    jsonschema.validate(ADA, schemas["Registration"])


async def test_behind_a_proxy_of_ours_each_visitor_has_a_limit_of_their_own(
    stage: Stage, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    settings: dict[str, object] = {
        "registrations_token": SecretStr("widget-token"),
        "registrations_per_minute": 1,
        "trusted_proxies": ("127.0.0.0/8",),
    }
    house = House(stage, tmp_path, settings)
    await house.open()
    statuses: list[int] = []
    # The first entry is what the caller made up, the last what our proxy saw.
    for seen in ("6.6.6.6, 192.0.2.1", "7.7.7.7, 192.0.2.1", "6.6.6.6, 192.0.2.2"):
        headers = {**TOKEN, "X-Forwarded-For": seen}
        async with http.post(f"{house.url}/registrations", json={}, headers=headers) as response:
            statuses.append(response.status)
    await house.close()
    assert statuses == [400, 429, 400]
