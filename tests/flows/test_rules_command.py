"""`hubspot-hitl rules` as a person runs it, against the HubSpot twin."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.crm_portal import CrmPortal, open_portal

from hubspot_hitl.ports.crm import CrmType

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
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HITL_", "HUBSPOT_", "BP_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "rules",
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            **clean,
            "HITL_HUBSPOT_API_URL": at.twin.url,
            "HUBSPOT_APP_ID": options.app_id,
            "HUBSPOT_CLIENT_ID": options.client_id,
            "HUBSPOT_CLIENT_SECRET": options.client_secret,
            "HUBSPOT_REFRESH_TOKEN": options.refresh_token,
            "HUBSPOT_INBOX_ID": "1",
        },
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


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
