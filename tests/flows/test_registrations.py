"""The registration of a web widget's visitor, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
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
