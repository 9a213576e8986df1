"""Field discovery over the HubSpot twin: cached, refreshed, compared; and the contact's link."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import replace

import pytest
from pydantic import SecretStr
from tests.crm_portal import CrmPortal, open_portal, services_of
from tests.fakes import FakeClock

from hubspot_hitl.crm.contact_link import contact_id_of, link_contact, mapping_of
from hubspot_hitl.crm.fields import MAX_AGE_MS, fields_of
from hubspot_hitl.crm.settings import keep_up
from hubspot_hitl.errors import BadConfiguration, VendorFault
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.services import Services
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.crm_schema import PIPELINES

CONTACT = CrmType.CONTACT
ADA = Person("inst-1", "user-1", name="Ada Lovelace", email="ada@example.com", phone="+4930901820")


@pytest.fixture
async def at() -> AsyncIterator[CrmPortal]:
    async with open_portal() as portal:
        yield portal


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def services(at: CrmPortal, clock: FakeClock) -> Services:
    return services_of(at, clock)


def configured(at: CrmPortal, **settings: object) -> Installation:
    changed = at.installation.configuration.model_copy(update=settings)
    return replace(at.installation, configuration=changed)


async def test_fields_are_asked_for_once_until_they_are_old(
    at: CrmPortal, services: Services, clock: FakeClock
) -> None:
    for _ in range(3):
        await fields_of(services, at.installation, CONTACT)
    assert at.called("properties.list") == 1
    await clock.advance(MAX_AGE_MS / 1000)
    await fields_of(services, at.installation, CONTACT)
    await fields_of(services, at.installation, CONTACT, refresh=True)
    assert at.called("properties.list") == 3


async def test_new_credentials_ask_again(at: CrmPortal, services: Services) -> None:
    await fields_of(services, at.installation, CONTACT)
    at.world.add_grant(at.portal.id, "another-token")
    other = configured(at, refresh_token=SecretStr("another-token"))
    await fields_of(services, other, CONTACT)
    assert at.called("properties.list") == 2


async def test_old_fields_are_better_than_none(
    at: CrmPortal, services: Services, clock: FakeClock
) -> None:
    await keep_up(services, at.installation)
    services.known_fields.clear()
    at.twin.faults.add(Fault(FaultKind.ERROR_500, ("properties.*",)))
    kept = await fields_of(services, at.installation, CONTACT)
    assert any(one.name == "email" for one in kept.properties)
    with pytest.raises(VendorFault):
        await fields_of(services, at.installation, CONTACT, refresh=True)


async def test_a_refresh_tells_which_rule_a_change_breaks(
    at: CrmPortal, services: Services
) -> None:
    rules = '[{"name": "VIP", "when": {"contact.jobtitle": "CEO"}, "then": {}}]'
    installation = configured(at, routing_rules=rules)
    assert (await keep_up(services, installation)).problems == ()
    del at.portal.properties["contacts"]["jobtitle"]
    found = await keep_up(services, installation)
    assert [change.name for change in found.changes] == ["jobtitle"]
    assert found.problems[0].message.startswith("rule 'VIP': contact property 'jobtitle'")
    assert (await keep_up(services, installation)).changes == ()


async def test_a_refresh_tells_everything_that_a_change_breaks(
    at: CrmPortal, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [
        {"name": "stage", "then": {"ticket": {"pipeline": "Escalations", "stage": "Urgent"}}},
        {"name": "team", "when": {"clock.open": False}, "then": {"assign": {"team": "Sales"}}},
    ]
    outcome = [
        {"name": "won", "then": {"deal": {"stage": "Closed Won"}, "lifecycleStage": "customer"}}
    ]
    installation = configured(
        at,
        routing_rules=json.dumps(rules),
        outcome_rules=json.dumps(outcome),
        contact_properties='{"jobtitle": "user.name", "hs_language": "user.language"}',
        contact_matching="email, website",
    )
    at.portal.teams["Sales"] = ["1111"]
    assert (await keep_up(services, installation)).problems == ()
    fields = at.portal.properties["contacts"]
    del fields["website"]
    fields["jobtitle"]["modificationMetadata"]["readOnlyValue"] = True
    fields["lifecyclestage"]["options"].pop()
    at.portal.teams["Service"] = at.portal.teams.pop("Sales")
    stages = deepcopy(PIPELINES)
    stages["tickets"][1]["stages"][0]["label"] = "On fire"
    stages["deals"][0]["stages"][2]["label"] = "Won"
    for kind, pipelines in stages.items():
        monkeypatch.setitem(PIPELINES, kind, pipelines)
    services.known_pipelines.clear()
    found = await keep_up(services, installation)
    assert {one.place for one in found.problems} == {
        "rules[0].then.ticket",
        "rules[1].then.assign",
        "outcomeRules[0].then.deal",
        "outcomeRules[0].then.lifecycleStage",
        "contactProperties.jobtitle",
        "contactMatching",
    }
    assert {one.name for one in found.changes} == {"website", "jobtitle", "lifecyclestage"}


async def test_what_cannot_be_read_is_not_taken_for_gone(at: CrmPortal, services: Services) -> None:
    rules = '[{"name": "team", "then": {"assign": {"team": "Sales"}}}]'
    for grant in at.world.grants.values():
        grant.scopes = grant.scopes - {"crm.objects.owners.read"}
    found = await keep_up(services, configured(at, routing_rules=rules))
    assert found.problems == ()


async def test_settings_that_cannot_be_read_are_told_and_do_not_end_the_look(
    at: CrmPortal, services: Services
) -> None:
    found = await keep_up(services, configured(at, outcome_rules="["))
    (problem,) = found.problems
    assert "outcomeRules" in problem.message


async def test_a_contact_is_found_in_the_order_of_the_setting(
    at: CrmPortal, services: Services
) -> None:
    by_email = await at.crm.create(CONTACT, {"email": "ada@example.com"})
    by_phone = await at.crm.create(
        CONTACT, {"email": "b@example.com", "mobilephone": ADA.phone or ""}
    )
    assert await contact_id_of(services, at.installation, ADA) == by_email.id
    first = configured(at, contact_matching="mobilephone, email")
    assert await contact_id_of(services, first, ADA) == by_phone.id


async def test_a_merged_contact_is_linked_as_the_one_it_became(
    at: CrmPortal, services: Services
) -> None:
    keeper = await at.crm.create(CONTACT, {"email": "keeper@example.com"})
    gone = await at.crm.create(CONTACT, {"email": "ada@example.com"})
    del at.portal.of_type("contacts")[gone.id]
    at.portal.merged[gone.id] = at.portal.by_email["ada@example.com"] = keeper.id
    assert await contact_id_of(services, at.installation, ADA) == keeper.id


async def test_mapped_properties_fill_what_is_empty(at: CrmPortal, services: Services) -> None:
    made = await at.crm.create(CONTACT, {"email": "ada@example.com", "city": "Bonn"})
    mapping = '{"city": "=Rome", "hs_language": "session.language", "website": "session.pageUrl"}'
    installation = configured(at, contact_properties=mapping)
    session = HitlSession(language="fr", page_url="https://example.com/a")
    await contact_id_of(services, installation, ADA, session)
    found = at.portal.of_type("contacts")[made.id].properties
    assert (found["city"], found["hs_language"]) == ("Bonn", "fr")
    assert found["website"] == "https://example.com/a"


async def test_nobody_is_created_when_that_is_switched_off(
    at: CrmPortal, services: Services
) -> None:
    assert await contact_id_of(services, configured(at, create_contacts=False), ADA) is None
    assert await contact_id_of(services, at.installation, Person("inst-1", "anonymous")) is None
    assert at.portal.of_type("contacts") == {}


async def test_an_ailing_crm_is_not_taken_for_a_user_without_a_contact(
    at: CrmPortal, services: Services, clock: FakeClock
) -> None:
    at.twin.faults.add(Fault(FaultKind.ERROR_500, ("contacts.*",)))
    link = await link_contact(services, at.installation, ADA)
    assert (link.id, link.known) == (None, False)


async def test_a_slow_crm_is_not_waited_for(at: CrmPortal, services: Services) -> None:
    at.twin.faults.add(Fault(FaultKind.LATENCY, ("contacts.*",), seconds=5))
    link = await link_contact(services, at.installation, ADA, timeout_s=0.01)
    assert (link.id, link.known) == (None, False)


async def test_a_bad_mapped_value_costs_only_itself(at: CrmPortal, services: Services) -> None:
    installation = configured(at, contact_properties='{"lifecyclestage": "=gold"}')
    made = await contact_id_of(services, installation, ADA)
    assert at.portal.of_type("contacts")[made or ""].properties["firstname"] == "Ada"


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": "user.shoe"}'])
def test_a_mapping_that_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration, match="contactProperties"):
        mapping_of(text)
