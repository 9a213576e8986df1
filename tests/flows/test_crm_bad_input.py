"""What is wrong in CRM or settings is told by name, and the handoff starts all the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.crm import make
from hubspot_hitl.twins.hubspot.properties import definitions
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal, Thread
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json

Install = Callable[..., Awaitable[House]]
EMAIL = "person1@example.com"


@pytest.fixture
async def install(stage: Stage, tmp_path: Path) -> AsyncIterator[Install]:
    house = House(stage, tmp_path)

    async def install(**settings: Any) -> House:
        await house.open()
        await stage.install(house.url, inboxId=",".join(portal_of(stage).inboxes), **settings)
        return house

    yield install
    await house.close()


def portal_of(stage: Stage) -> Portal:
    return stage.hubspot.world.portals[stage.hubspot.options.portal_id]


def contacts(stage: Stage) -> list[CrmObject]:
    return [one for one in portal_of(stage).of_type("contacts").values() if not one.archived]


def record(stage: Stage, kind: str, *links: CrmObject, **properties: str) -> CrmObject:
    linked: list[Json] = [{"to": {"id": one.id}, "types": [{}]} for one in links]
    body: Json = {"properties": properties, "associations": linked}
    return make(stage.hubspot.world, portal_of(stage), kind, body)


def thread(stage: Stage, thread_id: str) -> Thread:
    return stage.hubspot.world.thread(thread_id)


def configure(stage: Stage, **settings: str) -> None:
    """What a save does that nobody checked: the next operation carries it."""
    assert stage.installation is not None
    stage.installation.configuration |= settings


def rules(*found: Json) -> str:
    return json.dumps(list(found))


def second_inbox(stage: Stage) -> str:
    return list(portal_of(stage).inboxes)[1]


MAPPING = {"hs_language": "=de", "jobtitle": "=Rear admiral", "city": "=Bonn"}


def remove(portal: Portal) -> None:
    del definitions(portal, "contacts")["jobtitle"]


def lock(portal: Portal) -> None:
    definitions(portal, "contacts")["jobtitle"]["modificationMetadata"]["readOnlyValue"] = True


def choose(portal: Portal) -> None:
    option = {"label": "CEO", "value": "ceo", "displayOrder": 0, "hidden": False}
    definitions(portal, "contacts")["jobtitle"]["options"] = [option]


def validate(portal: Portal) -> None:
    definitions(portal, "contacts")["jobtitle"]["twinPattern"] = "[a-z]+"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (remove, "there is no such property"),
        (lock, "it is read-only"),
        (choose, "the value is none of its options"),
        (validate, "does not meet the validation rule"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_a_property_that_hubspot_refuses_costs_only_itself(
    stage: Stage, install: Install, spoil: Callable[[Portal], None], told: str, known: bool
) -> None:
    if known:
        record(stage, "contacts", email=EMAIL)
    house = await install(contactProperties=json.dumps(MAPPING))
    spoil(portal_of(stage))
    with capture_logs() as logs:
        _, thread_id = await house.handoff(1)
    (contact,) = contacts(stage)
    assert thread(stage, thread_id).visitor_id == contact.id
    filled = [contact.properties.get(name) for name in ("hs_language", "jobtitle", "city")]
    assert filled == ["de", None, "Bonn"]
    (line,) = [one for one in logs if one["event"] == "contact_not_filled"]
    assert line["fields"] == ["jobtitle"]
    assert told in line["why"]
    assert "Rear admiral" not in str(line)


async def test_a_validation_rule_on_a_name_costs_the_name_and_not_the_contact(
    stage: Stage, install: Install
) -> None:
    definitions(portal_of(stage), "contacts")["firstname"]["twinPattern"] = "[a-z]+"
    house = await install()
    _, thread_id = await house.handoff(1)
    (contact,) = contacts(stage)
    assert thread(stage, thread_id).visitor_id == contact.id
    assert (contact.properties["email"], contact.properties.get("firstname")) == (EMAIL, None)


async def test_a_portal_that_lists_nothing_refuses_no_save(stage: Stage, install: Install) -> None:
    """Neither fields nor teams: then nothing can be said of the settings."""
    portal_of(stage).properties["contacts"] = {}
    found = rules({"name": "a", "then": {"assign": {"team": "Sales"}}})
    house = await install(
        routingRules=found, contactProperties='{"shoe": "=42"}', contactMatching="shoe, email"
    )
    _, thread_id = await house.handoff(1)
    assert thread(stage, thread_id).assigned_to is None


@pytest.mark.parametrize(
    "unusable",
    [
        "no json",
        rules({"name": "a", "when": {"$ref": "#"}, "then": {"stay": True}}),
        rules({"name": "a", "then": {"inbox": "999"}}),
        rules({"name": "a", "when": {"contact.shoe": "42"}, "then": {"stay": True}}),
    ],
)
async def test_rules_that_cannot_be_used_stop_no_handoff(
    stage: Stage, install: Install, unusable: str
) -> None:
    house = await install()
    configure(
        stage,
        routingRules=unusable,
        outcomeRules="[",
        businessHours="{",
        contactProperties="[]",
        eventsWebhook="[[]]",
        contactMatching="shoe, email",
    )
    _, thread_id = await house.handoff(1)
    (contact,) = contacts(stage)
    assert thread(stage, thread_id).inbox_id == next(iter(portal_of(stage).inboxes))
    assert thread(stage, thread_id).visitor_id == contact.id


async def test_new_rules_hold_from_the_next_handoff_on(stage: Stage, install: Install) -> None:
    house = await install()
    first, second = portal_of(stage).inboxes
    _, before = await house.handoff(1)
    configure(stage, routingRules=rules({"name": "all", "then": {"inbox": second}}))
    _, after = await house.handoff(2)
    assert [thread(stage, one).inbox_id for one in (before, after)] == [first, second]


async def test_deals_that_cannot_be_read_leave_the_others_to_the_rules(
    stage: Stage, install: Install
) -> None:
    person = record(stage, "contacts", email=EMAIL)
    gone = record(stage, "deals", person, dealname="A", amount="9", dealstage="contractsent")
    record(stage, "deals", person, dealname="B", amount="5000", dealstage="contractsent")
    rule = {
        "name": "big",
        "when": {"deals.amount": {"minimum": 1000}},
        "then": {"inbox": second_inbox(stage)},
    }
    house = await install(routingRules=rules(rule))
    gone.archived = True  # HubSpot answers 207: one of two
    _, thread_id = await house.handoff(1)
    assert thread(stage, thread_id).inbox_id == second_inbox(stage)


async def test_a_merged_contact_is_the_one_it_became(stage: Stage, install: Install) -> None:
    keeper = record(stage, "contacts", email="keeper@example.com", lifecyclestage="customer")
    gone = record(stage, "contacts", email=EMAIL)
    portal = portal_of(stage)
    del portal.of_type("contacts")[gone.id]
    portal.merged[gone.id] = portal.by_email[EMAIL] = keeper.id
    rule = {
        "name": "customers",
        "when": {"contact.lifecyclestage": "customer"},
        "then": {"inbox": second_inbox(stage)},
    }
    house = await install(routingRules=rules(rule), transcriptMode="per-message")
    chat, thread_id = await house.handoff(1)
    assert thread(stage, thread_id).visitor_id == keeper.id
    assert thread(stage, thread_id).inbox_id == second_inbox(stage)
    stage.botpress.plugin.say(chat, "it broke")
    assert await reached(
        lambda: "it broke" in str(keeper.properties.get("chat_transcript")), WITHIN_S
    )


async def test_an_archived_contact_is_as_good_as_none(stage: Stage, install: Install) -> None:
    gone = record(stage, "contacts", email=EMAIL)
    gone.archived = True
    portal_of(stage).by_email.pop(EMAIL)
    house = await install()
    _, thread_id = await house.handoff(1)
    (contact,) = contacts(stage)
    assert contact.id != gone.id
    assert thread(stage, thread_id).visitor_id == contact.id


async def test_a_contact_archived_during_the_chat_holds_up_nothing(
    stage: Stage, install: Install
) -> None:
    person = record(stage, "contacts", email=EMAIL)
    house = await install(transcriptMode="per-message")
    chat, thread_id = await house.handoff(1)
    person.archived = True
    stage.botpress.plugin.say(chat, "it broke")
    await house.until(chat, thread_id, user=1)
    assert "chat_transcript" not in person.properties


def without(stage: Stage, *scopes: str) -> None:
    """Scopes that the portal's plan, or its admin, does not grant."""
    for grant in stage.hubspot.world.grants.values():
        grant.scopes = grant.scopes - set(scopes)


@pytest.mark.parametrize(
    "missing",
    [
        ("crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"),
        ("crm.objects.deals.read",),
        ("crm.objects.owners.read",),
        ("crm.objects.tickets.read", "crm.objects.tickets.write"),
    ],
)
async def test_a_missing_scope_costs_what_needs_it_and_no_handoff(
    stage: Stage, install: Install, missing: tuple[str, ...]
) -> None:
    record(stage, "contacts", email=EMAIL)
    without(stage, *missing)
    found = [
        {"name": "a", "when": {"deals.amount": {"minimum": 1}}, "then": {"stay": True}},
        {
            "name": "b",
            "when": {"contact.lifecyclestage": "customer"},
            "then": {"assign": "contact-owner"},
        },
        {"name": "c", "then": {"assign": {"team": "Sales"}, "ticket": {"stage": "New"}}},
    ]
    settings: Json = {"routingRules": rules(*found), "endNote": True, "transcriptMode": "at-close"}
    portal_of(stage).teams["Sales"] = ["1111"]
    house = await install(**settings)
    chat, thread_id = await house.handoff(1)
    stage.botpress.plugin.say(chat, "hello")
    await house.until(chat, thread_id, user=1)
    assert thread(stage, thread_id).inbox_id == next(iter(portal_of(stage).inboxes))


async def test_a_user_with_a_phone_and_no_email_has_a_contact(
    stage: Stage, install: Install
) -> None:
    house = await install(transcriptMode="per-message")
    chat = stage.botpress.plugin.open_chat("Ada", "+4930901820")
    stage.botpress.plugin.say(chat, "Hello")
    await stage.botpress.plugin.start_hitl(chat, title="Q", description="D")
    (contact,) = contacts(stage)
    thread_id = stage.thread_of(chat)
    assert thread(stage, thread_id).visitor_id == contact.id
    assert (contact.properties["phone"], contact.properties.get("email")) == ("+4930901820", None)
    stage.botpress.plugin.say(chat, "it broke")
    await house.until(chat, thread_id, user=1)
    assert await reached(
        lambda: "it broke" in str(contact.properties.get("chat_transcript")), WITHIN_S
    )


async def test_a_user_whom_nothing_identifies_has_a_handoff_and_no_contact(
    stage: Stage, install: Install
) -> None:
    rule = {"name": "no contact", "when": {"contact.email": None}, "then": {"priority": "low"}}
    house = await install(routingRules=rules(rule), transcriptMode="at-close", endNote=True)
    chat = stage.botpress.plugin.open_chat("Ada", None)
    stage.botpress.plugin.say(chat, "Hello")
    await stage.botpress.plugin.start_hitl(chat, title="Q", description="D")
    stage.botpress.plugin.say(chat, "it broke")
    await house.until(chat, stage.thread_of(chat), user=1)
    assert contacts(stage) == []


async def test_a_crm_that_is_away_during_the_chat_delays_no_message(
    stage: Stage, install: Install
) -> None:
    record(stage, "contacts", email=EMAIL)
    house = await install(transcriptMode="per-message", endNote=True)
    chat, thread_id = await house.handoff(1)
    stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("contacts.*", "notes.*", "properties.*")))
    for number in range(5):
        stage.botpress.plugin.say(chat, f"line {number}")
    await house.until(chat, thread_id, user=5)
    assert stage.heard_by_agent(thread_id) == [f"line {number}" for number in range(5)]
