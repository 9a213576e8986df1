"""`hubspot-hitl rules` as a person runs it, against the HubSpot twin."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.commands import run_command
from tests.crm_portal import CrmPortal, open_portal
from tests.flows.conftest import House

from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.twins.stage import Stage

RULES = [
    {"name": "VIP", "when": {"contact.jobtitle": "CEO"}, "then": {"priority": "high"}},
    {"name": "Customers", "when": {"contact.lifecyclestage": "customer"}, "then": {"inbox": "1"}},
    {"name": "Busy", "when": {"queue.waiting": {"minimum": 5}}, "then": {}},
]


@pytest.fixture
async def at() -> AsyncIterator[CrmPortal]:
    async with open_portal() as portal:
        yield portal


async def run(at: CrmPortal, folder: Path, rules: object, *arguments: str) -> tuple[int, str]:
    """Run the command; returns its exit status and what it printed."""
    (folder / "rules.json").write_text(json.dumps(rules))
    options = at.twin.options
    env = {
        "HITL_HUBSPOT_API_URL": at.twin.url,
        "HUBSPOT_APP_ID": options.app_id,
        "HUBSPOT_CLIENT_ID": options.client_id,
        "HUBSPOT_CLIENT_SECRET": options.client_secret,
        "HUBSPOT_REFRESH_TOKEN": options.refresh_token,
        "HUBSPOT_INBOX_ID": "1",
    }
    said = await run_command("rules", *arguments, env=env, folder=folder)
    return said.status, said.out


async def test_explain_says_which_rule_counts_and_why(at: CrmPortal, tmp_path: Path) -> None:
    values = {"email": "ada@example.com", "lifecyclestage": "customer"}
    await at.crm.create(CrmType.CONTACT, values)
    asked = ("explain", "--rules", "rules.json", "--contact", "ada@example.com")
    status, text = await run(at, tmp_path, RULES, *asked)
    assert status == 0
    assert text.splitlines() == [
        "1. VIP: no: contact: jobtitle is not there",
        "2. Customers: fits",
        "3. Busy: no: queue is not known (no database: name an --installation)",
        "'Customers' counts: inbox 1",
    ]
    status, text = await run(at, tmp_path, RULES, *asked, "--json")
    assert json.loads(text)["then"] == {"inbox": "1"}


async def test_check_names_what_the_portal_does_not_have(at: CrmPortal, tmp_path: Path) -> None:
    assert (await run(at, tmp_path, RULES, "check", "--rules", "rules.json"))[0] == 0
    wrong = [{"name": "a", "when": {"contact.lifecyclestage": "gold"}, "then": {"inbox": "9"}}]
    status, text = await run(at, tmp_path, wrong, "check", "--rules", "rules.json", "--json")
    found = {one["place"] for one in json.loads(text)["problems"]}
    assert (status, found) == (
        1,
        {"rules[0].when.contact.lifecyclestage", "rules[0].then.inbox"},
    )


async def test_a_dry_run_writes_nothing(at: CrmPortal, tmp_path: Path) -> None:
    status, _ = await run(at, tmp_path, RULES, "explain", "--rules", "rules.json")
    assert status == 0
    assert os.listdir(tmp_path) == ["rules.json"]
    assert at.portal.of_type("contacts") == {}


async def beside(house: House, *arguments: str) -> tuple[int, str]:
    """Run the command on the database of a running server."""
    installation = house.stage.installation
    assert installation is not None
    env = {
        "HITL_DATA_DIR": str(house.folder),
        "HITL_DATABASE_URL": f"sqlite:///{house.folder}/house.db",
        "HITL_HUBSPOT_API_URL": house.stage.hubspot.url,
    }
    chosen = ("rules", *arguments, "--installation", installation.webhook_id)
    said = await run_command(*chosen, env=env, folder=house.folder)
    return said.status, said.out


async def test_drift_tells_what_changed_since_the_save_and_what_that_breaks(
    stage: Stage, tmp_path: Path
) -> None:
    house = House(stage, tmp_path)
    await house.open()
    await stage.install(house.url, routingRules=json.dumps(RULES[:1]))
    assert await beside(house, "drift") == (0, "nothing changed, and everything fits\n")
    portal = stage.hubspot.world.portals[stage.hubspot.options.portal_id]
    del portal.properties["contacts"]["jobtitle"]
    status, text = await beside(house, "drift")
    assert status == 1
    assert text.splitlines()[0] == "changed: contact property 'jobtitle' was removed"
    assert "broken: rules[0].when.contact.jobtitle: contact has no property 'jobtitle'" in text
    status, text = await beside(house, "drift", "--json")
    told = json.loads(text)
    assert (status, told["changes"]) == (1, [])
    assert told["broken"][0]["place"] == "rules[0].when.contact.jobtitle"
    await house.close()


async def test_explain_knows_the_queue_of_an_installation(house: House, tmp_path: Path) -> None:
    await house.handoff(1)
    rule = [{"name": "Busy", "when": {"queue.waiting": {"minimum": 1}}, "then": {"stay": True}}]
    (tmp_path / "busy.json").write_text(json.dumps(rule))
    status, text = await beside(house, "explain", "--rules", str(tmp_path / "busy.json"), "--json")
    told = json.loads(text)
    assert (status, told["rule"]) == (0, "Busy")
    assert told["facts"]["queue"] == {"open": 1, "waiting": 1, "agentPresence": "unknown"}
