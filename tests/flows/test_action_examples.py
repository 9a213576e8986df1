"""Every example of docs/reference/actions.md, in a portal that has the records it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import validate
from tests.flows.conftest import House

from hubspot_hitl.integration.action_examples import (
    AGENT,
    COMPANY,
    CONTACT,
    DEAL,
    EXAMPLES,
    LEAD,
    OWNER,
    TICKET,
)
from hubspot_hitl.integration.actions import ACTIONS
from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.hubspot.properties import OWNER_OFFSET
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal
from hubspot_hitl.twins.wire import Json

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "actions.md"
DEFINED = cast("Json", load_definition()["actions"])
RECORDS: dict[str, tuple[str, dict[str, str | None]]] = {
    CONTACT: ("contacts", {"email": "ada@example.com", "lifecyclestage": "lead"}),
    COMPANY: ("companies", {"name": "Example Ltd", "domain": "example.com"}),
    DEAL: ("deals", {"dealname": "Website", "dealstage": "contractsent", "amount": "5000"}),
    TICKET: (
        "tickets",
        {"hs_pipeline_stage": "1", "hs_ticket_priority": "HIGH"},
    ),
    LEAD: ("leads", {"hs_lead_name": "Ada L."}),
}


def portal_of(house: House) -> Portal:
    twin = house.stage.hubspot
    return twin.world.portals[twin.options.portal_id]


def furnish(house: House) -> None:
    """The records, list, sequence and event type that the examples name."""
    portal, world = portal_of(house), house.stage.hubspot.world
    for id_, (kind, properties) in RECORDS.items():
        portal.of_type(kind)[id_] = CrmObject(id_, dict(properties), 1.0, 1.0)
    portal.by_email["ada@example.com"] = CONTACT
    portal.sequences["501"] = "Welcome"
    portal.lists["9"] = {
        "listId": "9",
        "name": "Newsletter",
        "objectTypeId": "0-1",
        "processingType": "MANUAL",
        "members": [],
    }
    agent = next(
        one for one in portal.agents.values() if str(OWNER_OFFSET + int(one.user_id)) == OWNER
    )
    agent.email = AGENT
    world.options.timeline_types["order_placed"] = ("order",)


def examples_of_page() -> Iterator[tuple[str, Json]]:
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        name = section.split("\n", 1)[0]
        for text in re.findall(r"```json\n(.*?)```", section, re.DOTALL):
            yield name, json.loads(text)


SHOWN = dict(examples_of_page())


def test_every_action_that_a_card_calls_has_an_example() -> None:
    called = {name for name, spec in ACTIONS.items() if not spec.attributes}
    assert set(SHOWN) == set(EXAMPLES) == called


async def ask(house: House, name: str, input_: Json) -> Json:
    installation = house.stage.installation
    assert installation is not None
    answer = await house.stage.botpress.operations.action(installation, name, input_)
    assert answer.status == 200, answer.message
    output: Json = answer.json()["output"]
    validate(output, DEFINED[name]["output"]["schema"])  # pyright: ignore[reportUnknownMemberType]  # jsonschema's own types
    return output


async def test_the_example_of_every_crm_action_does_what_the_page_says(house: House) -> None:
    furnish(house)
    told: dict[str, Any] = {}
    last = [name for name in SHOWN if name.startswith("delete")]
    for name in [*(one for one in SHOWN if one not in last), *last]:
        if name not in ("sendMessage", "markRead", "checkAvailability"):
            told[name] = await ask(house, name, SHOWN[name])
    for name in ("getContact", "getCompany", "getDeal", "getTicket", "getLead", "getOwner"):
        assert told[name]["found"], name
    assert told["updateDeal"]["properties"]["dealstage"] == "closedwon"
    assert told["updateTicket"]["properties"]["hs_pipeline_stage"] == "4"
    assert [one["created"] for one in told["upsertContacts"]["done"]] == [False, True]
    assert told["addToList"]["added"] == told["removeFromList"]["removed"] == [CONTACT]
    assert [one["id"] for one in told["searchContacts"]["records"]]
    assert [one["id"] for one in told["searchDeals"]["records"]]
    portal = portal_of(house)
    assert set(portal.timeline) == set(portal.emails) == {"order-4711"}
    assert all(portal.of_type(kind)[id_].archived for id_, (kind, _) in RECORDS.items())


async def test_the_examples_of_a_handoff_work(house: House) -> None:
    chat, thread_id = await house.handoff(1)
    example = {**SHOWN["sendMessage"], "conversationId": chat.downstream or ""}
    await ask(house, "sendMessage", example)
    await house.until(chat, thread_id, user=1)
    example = {**SHOWN["markRead"], "conversationId": chat.downstream or ""}
    assert await ask(house, "markRead", example) == {"marked": 0}
    inbox = next(iter(portal_of(house).inboxes))
    found = await ask(house, "checkAvailability", {**SHOWN["checkAvailability"], "inboxId": inbox})
    assert (found["running"], found["waiting"], found["agentPresence"]) == (1, 1, "unknown")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_fits_its_schema(name: str) -> None:
    validate(EXAMPLES[name], DEFINED[name]["input"]["schema"])  # pyright: ignore[reportUnknownMemberType]  # jsonschema's own types
