"""The console's pages on setup: doctor, plan, fields, rules."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from tests.flows.conftest import House
from tests.flows.console_desk import READER, SCRIPT, form_of, log_in

from hubspot_hitl.twins.stage import Stage

RULES = f"""[
  {{"name": "VIP", "when": {{"contact.jobtitle": "CEO"}}, "then": {{"priority": "high"}}}},
  {{"name": "{SCRIPT}", "when": {{"handoff.title": "refund"}}, "then": {{"priority": "low"}}}}
]"""


@pytest.fixture
def http(browser_session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return browser_session


@pytest.fixture
async def routed(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """A server with a console whose installation has routing rules."""
    tokens = {
        "console_token": SecretStr("operator-token"),
        "console_readonly_token": SecretStr("reader-token"),
    }
    house = House(stage, tmp_path, dict(tokens))
    await house.open()
    await stage.install(house.url, routingRules=RULES)
    yield house
    await house.close()


async def page(http: aiohttp.ClientSession, desk: House, path: str) -> str:
    answer = await http.get(f"{desk.url}/console{path}")
    assert answer.status == 200
    return await answer.text()


async def test_the_doctor_runs_when_an_operator_asks(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk)
    assert "It has not run" in await page(http, desk, "/doctor")
    address = f"{desk.url}/console/doctor"
    answer = await http.post(address, data=await form_of(http, address))
    text = await answer.text()
    assert answer.status == 200
    assert "no_signing_secret" in text
    assert "by operator" in text
    assert "doctor.run" in await page(http, desk, "/audit")


async def test_a_reader_sees_the_report_and_runs_nothing(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk, READER)
    assert "Run the checks" not in await page(http, desk, "/doctor")
    assert "Read all anew" not in await page(http, desk, "/fields")
    for path in ("doctor", "fields"):
        assert (await http.post(f"{desk.url}/console/{path}", data={})).status == 403


async def test_the_plan_tells_drift(desk: House, http: aiohttp.ClientSession) -> None:
    await log_in(http, desk)
    assert "HubSpot holds what it should" in await page(http, desk, "/plan")
    world = desk.stage.hubspot.world
    channel = next(iter(world.channels.values()))
    channel.fields["name"] = SCRIPT
    text = await page(http, desk, "/plan")
    assert "holds something else" in text
    assert SCRIPT not in text


async def test_fields_are_found_by_name_and_read_anew(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk)
    text = await page(http, desk, "/fields?type=contacts&q=lifecycle")
    assert "lifecyclestage" in text
    assert "jobtitle" not in text
    address = f"{desk.url}/console/fields"
    form = await form_of(http, address)
    assert "Fields read anew" in await (await http.post(address, data=form)).text()


async def test_rules_are_listed_and_explained(routed: House, http: aiohttp.ClientSession) -> None:
    await log_in(http, routed)
    listed = await page(http, routed, "/rules")
    assert "contact.jobtitle" in listed
    assert SCRIPT not in listed
    told = await page(http, routed, "/rules?explain=1&title=refund")
    assert re.search(r"Rule <b>&lt;script&gt;.*</b> counts: priority", told)
    nobody = await page(http, routed, "/rules?explain=1&contact=nobody@example.com")
    assert "HubSpot has no contact" in nobody


async def test_an_installation_that_is_not_there_is_refused(
    desk: House, http: aiohttp.ClientSession
) -> None:
    await log_in(http, desk)
    for name in ("plan", "fields", "rules"):
        answer = await http.get(f"{desk.url}/console/{name}?installation={SCRIPT}")
        assert answer.status == 400
        assert SCRIPT not in await answer.text()
