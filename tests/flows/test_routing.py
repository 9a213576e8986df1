"""Routing rules over the whole path: what the CRM knows decides where a handoff goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.twins.botpress.chat import StartFailedError
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.crm import make
from hubspot_hitl.twins.hubspot.properties import OWNER_OFFSET, definitions
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal, Thread
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json
from hubspot_hitl.web import keys

Install = Callable[..., Awaitable[House]]
EMAIL = "person1@example.com"
ESCALATED = {"pipeline": "Escalations", "stage": "urgent"}


@pytest.fixture
async def install(stage: Stage, tmp_path: Path) -> AsyncIterator[Install]:
    """Starts the server with routing rules and both inboxes of the portal."""
    house = House(stage, tmp_path)

    async def install(*rules: Json, **more: str) -> House:
        await house.open()
        inboxes = ",".join(portal_of(stage).inboxes)
        settings: Json = {"inboxId": inboxes, "routingRules": json.dumps(list(rules)), **more}
        await stage.install(house.url, **settings)
        return house

    yield install
    await house.close()


def portal_of(stage: Stage) -> Portal:
    return stage.hubspot.world.portals[stage.hubspot.options.portal_id]


def inbox(stage: Stage, number: int) -> str:
    return list(portal_of(stage).inboxes)[number]


def contact(stage: Stage, **properties: str) -> CrmObject:
    body = {"properties": {"email": EMAIL, **properties}}
    return make(stage.hubspot.world, portal_of(stage), "contacts", body)


def thread(house: House, thread_id: str) -> Thread:
    return house.stage.hubspot.world.thread(thread_id)


async def test_a_contact_of_value_goes_to_another_inbox(stage: Stage, install: Install) -> None:
    contact(stage, lifecyclestage="customer")
    rule = {
        "name": "customers",
        "when": {"contact.lifecyclestage": "customer"},
        "then": {"inbox": inbox(stage, 1), "priority": "high"},
    }
    house = await install(rule)
    _, thread_id = await house.handoff(1)
    assert thread(house, thread_id).inbox_id == inbox(stage, 1)
    assert "Priority: high" in house.stage.hubspot.transcript(thread_id)[0]["text"]
    _, other = await house.handoff(2)
    assert thread(house, other).inbox_id == inbox(stage, 0)


async def test_an_enterprise_account_goes_to_the_senior_team(
    stage: Stage, install: Install
) -> None:
    """A custom property with choices, as the portal defines it, and a team by its name."""
    options = [
        {"label": one, "value": one, "displayOrder": n, "hidden": False}
        for n, one in enumerate(("Enterprise", "Basic"))
    ]
    known = definitions(portal_of(stage), "contacts")
    known["account_tier"] = {
        **known["lifecyclestage"],
        "name": "account_tier",
        "label": "Account Tier",
        "options": options,
        "hubspotDefined": False,
    }
    contact(stage, account_tier="Enterprise")
    senior = stage.hubspot.agents.list()[1]
    portal_of(stage).teams["Senior"] = [senior.user_id]
    rule = {
        "name": "VIP",
        "when": {"contact.account_tier": "Enterprise"},
        "then": {"assign": {"team": "Senior"}, "priority": "high"},
    }
    house = await install(rule)
    _, vip = await house.handoff(1)
    assert await reached(lambda: thread(house, vip).assigned_to == senior.actor_id, WITHIN_S)
    _, other = await house.handoff(2)
    assert thread(house, other).assigned_to is None


async def test_an_open_deal_that_closes_soon_counts_and_a_won_one_does_not(
    stage: Stage, install: Install
) -> None:
    person = contact(stage)
    world, portal = stage.hubspot.world, portal_of(stage)
    soon = "2099-01-01"
    link: Json = {"to": {"id": person.id}, "types": [{}]}
    deal = {"dealname": "A", "amount": "5000", "dealstage": "closedwon", "closedate": soon}
    won = make(world, portal, "deals", {"properties": deal, "associations": [link]})
    rule = {
        "name": "hot",
        "when": {"deals.amount": {"minimum": 1000}, "deals.closedate": {"after": "2098-12-31"}},
        "then": {"inbox": inbox(stage, 1)},
    }
    house = await install(rule)
    chat, thread_id = await house.handoff(1)
    assert thread(house, thread_id).inbox_id == inbox(stage, 0)
    house.stage.hubspot.agents.close(thread_id, house.stage.hubspot.agents.list()[0].actor_id)
    assert await reached(lambda: chat.counts["hitlStopped"] == 1, WITHIN_S)
    won.properties |= {"dealstage": "contractsent", "hs_is_closed": "false"}
    _, again = await house.handoff(1)
    assert thread(house, again).inbox_id == inbox(stage, 1)


async def test_the_owner_of_the_contact_gets_the_thread(stage: Stage, install: Install) -> None:
    agent = stage.hubspot.agents.list()[1]
    contact(stage, hubspot_owner_id=str(OWNER_OFFSET + int(agent.user_id)))
    house = await install({"name": "own", "then": {"assign": "contact-owner"}})
    chat, thread_id = await house.handoff(1)
    assert await reached(lambda: thread(house, thread_id).assigned_to == agent.actor_id, WITHIN_S)
    assert await reached(lambda: chat.agent_name == agent.name, WITHIN_S)


async def test_a_team_takes_turns(stage: Stage, install: Install) -> None:
    agents = stage.hubspot.agents.list()
    portal_of(stage).teams["Senior"] = [one.user_id for one in agents]
    house = await install({"name": "turns", "then": {"assign": {"team": "senior"}}})
    threads = [(await house.handoff(n))[1] for n in (1, 2, 3, 4)]
    assert await reached(lambda: all(thread(house, t).assigned_to for t in threads), WITHIN_S)
    given = [thread(house, t).assigned_to for t in threads]
    assert sorted(given.count(one.actor_id) for one in agents) == [2, 2]


async def test_a_ticket_is_made_once_in_the_named_stage(stage: Stage, install: Install) -> None:
    then = {"priority": "urgent", "ticket": {"pipeline": "Escalations", "stage": "urgent"}}
    house = await install({"name": "ticket", "then": then})
    _, thread_id = await house.handoff(1)
    assert await reached(lambda: thread(house, thread_id).ticket_id is not None, WITHIN_S)
    (ticket,) = portal_of(stage).of_type("tickets").values()
    assert ticket.properties["hs_pipeline_stage"] == "771"
    assert ticket.properties["hs_ticket_priority"] == "URGENT"
    assert ticket.properties["subject"] == "Question 1"


async def test_a_ticket_whose_answer_is_lost_is_not_made_twice(
    stage: Stage, install: Install
) -> None:
    stage.hubspot.faults.add(Fault(FaultKind.RESET_AFTER, ("tickets.create",), times=1))
    house = await install({"name": "ticket", "then": {"ticket": {"stage": "New"}}})
    _, thread_id = await house.handoff(1)
    assert await reached(lambda: thread(house, thread_id).ticket_id is not None, WITHIN_S)

    def done() -> bool:
        asked = [one.get("operation") for one in stage.hubspot.journal.entries]
        return "tickets.update" in asked

    assert await reached(done, WITHIN_S)
    assert len(portal_of(stage).of_type("tickets")) == 1


async def test_the_least_busy_of_a_team_gets_the_thread(stage: Stage, install: Install) -> None:
    first, second = stage.hubspot.agents.list()
    portal_of(stage).teams["All"] = [first.user_id, second.user_id]
    assign = {"assign": {"team": "All", "by": "least-busy"}}
    rule = {"name": "b", "when": {"handoff.title": {"pattern": "[23]$"}}, "then": assign}
    house = await install(rule)
    chat, busy = await house.handoff(1)
    stage.hubspot.agents.assign(busy, first.actor_id)
    assert await reached(lambda: chat.agent_name == first.name, WITHIN_S)
    _, thread_id = await house.handoff(2)
    assert await reached(lambda: thread(house, thread_id).assigned_to is not None, WITHIN_S)
    assert thread(house, thread_id).assigned_to == second.actor_id


async def test_a_rule_can_keep_the_user_with_the_bot(stage: Stage, install: Install) -> None:
    hours = json.dumps({"default": {"zone": "Europe/Berlin", "weekly": {}}})
    then = {"stay": True, "say": "We are closed; leave your question."}
    rule = {"name": "closed", "when": {"clock.open": False}, "then": then}
    house = await install(rule, businessHours=hours)
    with pytest.raises(StartFailedError, match="We are closed"):
        await house.handoff(1)
    assert not house.stage.hubspot.world.threads


async def test_a_crm_that_fails_keeps_no_handoff_from_starting(
    stage: Stage, install: Install
) -> None:
    contact(stage, lifecyclestage="customer")
    rules = [
        {
            "name": "customers",
            "when": {"contact.lifecyclestage": "customer"},
            "then": {"inbox": inbox(stage, 1)},
        },
        {
            "name": "nobody's",
            "when": {"contact.email": None},
            "then": {"inbox": inbox(stage, 1)},
        },
        {"name": "rest", "then": {"priority": "low"}},
    ]
    house = await install(*rules)
    stage.hubspot.faults.add(Fault(FaultKind.ERROR_500, ("contacts.*", "properties.*")))
    _, thread_id = await house.handoff(1)
    assert thread(house, thread_id).inbox_id == inbox(stage, 0)
    assert "Priority: low" in house.stage.hubspot.transcript(thread_id)[0]["text"]


async def test_rules_without_crm_facts_ask_the_crm_nothing(stage: Stage, install: Install) -> None:
    rule = {"name": "by title", "when": {"handoff.title": {"pattern": "Question"}}, "then": {}}
    house = await install(rule)
    before = len(stage.hubspot.journal.entries)
    await house.handoff(1)
    asked = {one.get("operation") for one in list(stage.hubspot.journal.entries)[before:]}
    assert not asked & {"properties.list", "companies.get", "deals.batch_read"}


async def test_bad_rules_are_refused_at_save_with_their_place(install: Install) -> None:
    with pytest.raises(RuntimeError, match=r"rules\[1\]\.then\.inbox: inbox '999'"):
        await install(
            {"name": "a", "then": {}},
            {"name": "b", "when": {"handoff.title": "x"}, "then": {"inbox": "999"}},
        )


async def test_a_rule_over_a_property_that_does_not_exist_is_refused_at_save(
    install: Install,
) -> None:
    rule = {"name": "a", "when": {"contact.lifecyclestaeg": "customer"}, "then": {}}
    with pytest.raises(RuntimeError, match="did you mean 'lifecyclestage'"):
        await install(rule)


async def test_an_inbox_of_the_session_is_stronger_than_a_rule(
    stage: Stage, install: Install
) -> None:
    house = await install({"name": "all", "then": {"inbox": inbox(stage, 1)}})
    chat = stage.botpress.plugin.open_chat("Ada", EMAIL)
    stage.botpress.plugin.say(chat, "Hello")
    await stage.botpress.plugin.start_hitl(
        chat, title="Q", description="D", session={"inboxId": inbox(stage, 0)}
    )
    assert thread(house, stage.thread_of(chat)).inbox_id == inbox(stage, 0)


async def test_a_contact_is_matched_by_an_own_property_and_filled(
    stage: Stage, install: Install
) -> None:
    mapping = json.dumps({"website": "=https://example.com/chat", "jobtitle": "user.name"})
    known = contact(stage, website="https://example.com/chat", email="else@example.com")
    house = await install(contactMatching="website", contactProperties=mapping)
    await house.handoff(1)
    assert known.properties["jobtitle"] == "Grace 1"
    assert list(portal_of(stage).of_type("contacts")) == [known.id]


async def note_of(house: House, kind: str) -> str | None:
    """What became of the one delivery of a kind, when it is done."""
    assert house.runner is not None
    ledger = house.runner.app[keys.SERVICES].ledger
    async with asyncio.timeout(WITHIN_S):
        while True:
            (found,) = await ledger.find(DeliveryFilter(kind=kind))
            if found.state is DeliveryState.DONE:
                return found.note
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("by", ["email", "owner"])
async def test_a_named_agent_gets_the_thread(by: str, stage: Stage, install: Install) -> None:
    agent = stage.hubspot.agents.list()[1]
    named = agent.email.upper() if by == "email" else str(OWNER_OFFSET + int(agent.user_id))
    house = await install({"name": "named", "then": {"assign": {"agent": f" {named} "}}})
    _, thread_id = await house.handoff(1)
    note = await note_of(house, "routing.assign")
    assert note == f"rule 'named': given to {agent.actor_id}"
    assert thread(house, thread_id).assigned_to == agent.actor_id


@pytest.mark.parametrize("assign", [{"team": "Empty"}, "contact-owner"])
async def test_a_rule_that_finds_nobody_leaves_the_thread_to_all(
    assign: Json, stage: Stage, install: Install
) -> None:
    portal_of(stage).teams["Empty"] = []
    house = await install({"name": "empty", "then": {"assign": assign}})
    chat, thread_id = await house.handoff(1)
    note = await note_of(house, "routing.assign")
    assert note == "rule 'empty' found no agent for the thread"
    assert thread(house, thread_id).assigned_to is None
    stage.botpress.plugin.say(chat, "Hello?")
    await house.until(chat, thread_id, user=1)


async def test_the_help_desks_own_ticket_is_changed_and_no_other_made(
    stage: Stage, install: Install
) -> None:
    then = {"inbox": inbox(stage, 1), "priority": "high", "ticket": ESCALATED}
    house = await install({"name": "desk", "then": then})
    _, thread_id = await house.handoff(1)
    ticket_id = thread(house, thread_id).ticket_id
    assert await note_of(house, "routing.ticket") == f"ticket {ticket_id} set"
    (ticket,) = portal_of(stage).of_type("tickets").values()
    assert (ticket.id, ticket.properties["hs_pipeline_stage"]) == (ticket_id, "771")
    assert ticket.properties["hs_ticket_priority"] == "HIGH"
    assert ticket.properties["subject"] == "Conversation"


async def test_a_priority_alone_makes_no_ticket(stage: Stage, install: Install) -> None:
    house = await install({"name": "p", "then": {"priority": "low"}})
    await house.handoff(1)
    note = await note_of(house, "routing.ticket")
    assert note == "the thread has no ticket to set the priority of"
    assert not portal_of(stage).of_type("tickets")
