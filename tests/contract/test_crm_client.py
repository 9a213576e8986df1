"""The CRM client over real HTTP against the HubSpot twin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Literal

import aiohttp
import pytest
from tests.crm_portal import CrmPortal, open_portal

from hubspot_hitl.errors import (
    InvalidPayload,
    MissingScope,
    VendorConflict,
    VendorFault,
    VendorNotFound,
)
from hubspot_hitl.ports.crm_records import (
    Change,
    CrmType,
    Draft,
    FieldsRefused,
    Filter,
    Keyed,
    Link,
    Operator,
    PropertyDraft,
    Search,
    TimelineEvent,
)
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.options import HubSpotOptions

CONTACT, COMPANY, DEAL = CrmType.CONTACT, CrmType.COMPANY, CrmType.DEAL
TICKET, LEAD, NOTE = CrmType.TICKET, CrmType.LEAD, CrmType.NOTE
EMAIL = "ada@example.com"
SAMPLES = {
    CONTACT: {"email": EMAIL, "firstname": "Ada"},
    COMPANY: {"name": "Example Ltd", "domain": "example.com"},
    DEAL: {"dealname": "Website", "pipeline": "default", "dealstage": "contractsent"},
    TICKET: {"subject": "Help", "hs_pipeline": "0", "hs_pipeline_stage": "1"},
}


@pytest.fixture
async def at() -> AsyncIterator[CrmPortal]:
    async with open_portal() as portal:
        yield portal


@pytest.mark.parametrize("type_", SAMPLES)
async def test_a_record_is_created_read_changed_and_archived(at: CrmPortal, type_: CrmType) -> None:
    made = await at.crm.create(type_, SAMPLES[type_])
    name, value = next(iter(SAMPLES[type_].items()))
    found = await at.crm.get(type_, made.id, properties=[name])
    assert found is not None
    assert found.properties[name] == value
    changed = await at.crm.update(type_, made.id, {"hubspot_owner_id": "7"})
    assert changed.properties["hubspot_owner_id"] == "7"
    await at.crm.delete(type_, made.id)
    assert await at.crm.get(type_, made.id) is None


async def test_changing_what_does_not_exist_creates_nothing(at: CrmPortal) -> None:
    with pytest.raises(VendorNotFound):
        await at.crm.update(CONTACT, EMAIL, {"firstname": "Ada"}, by="email")
    with pytest.raises(VendorNotFound):
        await at.crm.update(COMPANY, "example.com", {"name": "A"}, by="domain")
    assert at.portal.of_type("contacts") == {}


async def test_find_or_create_creates_once(at: CrmPortal) -> None:
    values = {"firstname": "Ada"}
    first = await at.crm.find_or_create(CONTACT, EMAIL, by="email", properties=values)
    again = await at.crm.find_or_create(CONTACT, EMAIL, by="email", properties={"firstname": "B"})
    assert (first.created, again.created, again.object.id) == (True, False, first.object.id)
    assert at.called("contacts.create") == 1


async def test_find_or_create_does_not_create_when_hubspot_is_ill(at: CrmPortal) -> None:
    at.world.options.scopes = ()
    at.portals.forget(at.installation.id)
    at.world.revoke_grants()
    at.world.reinstate_grants()
    for grant in at.world.grants.values():
        grant.scopes = frozenset({"oauth"})
    with pytest.raises(MissingScope, match=r"crm\.objects\.contacts\.read"):
        await at.crm.find_or_create(CONTACT, EMAIL, by="email", properties={})
    assert at.called("contacts.create") == 0


async def test_a_domain_names_the_oldest_company(at: CrmPortal) -> None:
    values = {"name": "One"}
    first = await at.crm.upsert(COMPANY, "example.com", by="domain", properties=values)
    await at.crm.create(COMPANY, {"name": "Two", "domain": "example.com"})
    again = await at.crm.upsert(COMPANY, "example.com", by="domain", properties={"name": "Three"})
    assert (first.created, again.created, again.object.id) == (True, False, first.object.id)


async def test_an_upsert_keeps_what_it_was_not_given(at: CrmPortal) -> None:
    await at.crm.upsert(CONTACT, EMAIL, by="email", properties={"firstname": "Ada", "phone": "1"})
    await at.crm.upsert(CONTACT, EMAIL, by="email", properties={"phone": "2"})
    found = await at.crm.get(CONTACT, EMAIL, by="email", properties=["firstname", "phone"])
    assert found is not None
    assert (found.properties["firstname"], found.properties["phone"]) == ("Ada", "2")


async def merge(at: CrmPortal, keeper: str, gone: str) -> None:
    """As a person does it in HubSpot."""
    body = {"primaryObjectId": keeper, "objectIdToMerge": gone}
    headers = {"Authorization": f"Bearer {at.twin.access_token()}"}
    url = f"{at.twin.url}/crm/objects/2026-03/contacts/merge"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=body) as answer,
    ):
        assert answer.status == 200


async def test_a_merged_contact_answers_as_the_one_it_became(at: CrmPortal) -> None:
    keeper = await at.crm.create(CONTACT, {"email": EMAIL})
    gone = await at.crm.create(CONTACT, {"email": "old@example.com"})
    await merge(at, keeper.id, gone.id)
    found = await at.crm.get(CONTACT, gone.id)
    done = await at.crm.upsert(CONTACT, "old@example.com", by="email", properties={"city": "Bonn"})
    assert found is not None
    assert (found.id, done.object.id, done.created) == (keeper.id, keeper.id, False)


async def test_a_refusal_names_every_field_and_no_value(at: CrmPortal) -> None:
    with pytest.raises(FieldsRefused) as caught:
        await at.crm.create(CONTACT, {"frist": "secret-1", "lifecyclestage": "secret-2"})
    assert [(p.name, p.rule) for p in caught.value.problems] == [
        ("frist", "PROPERTY_DOESNT_EXIST"),
        ("lifecyclestage", "INVALID_OPTION"),
    ]
    assert "there is no such property" in caught.value.message
    assert "secret" not in caught.value.message


async def test_a_taken_email_is_a_conflict(at: CrmPortal) -> None:
    await at.crm.create(CONTACT, {"email": EMAIL})
    with pytest.raises(VendorConflict):
        await at.crm.create(CONTACT, {"email": EMAIL})


async def test_a_batch_tells_what_failed(at: CrmPortal) -> None:
    drafts = [Draft({"dealname": "A", "dealstage": "contractsent"}), Draft({"amount": "much"})]
    result = await at.crm.create_batch(DEAL, drafts)
    assert [one.properties["dealname"] for one in result.objects] == ["A"]
    assert "'amount': the value is not a whole number" in result.problems[0].message
    read = await at.crm.read_batch(DEAL, [result.objects[0].id, "999"], properties=["dealname"])
    assert (len(read.objects), read.problems[0].ids) == (1, ("999",))


async def test_large_batches_are_sent_in_parts_of_100(at: CrmPortal) -> None:
    drafts = [Draft({"email": f"user-{n}@example.com"}) for n in range(205)]
    made = await at.crm.create_batch(CONTACT, drafts)
    changes = [Change(one.id, {"city": "Bonn"}) for one in made.objects]
    done = await at.crm.update_batch(CONTACT, changes)
    assert (len(made.objects), len(done.objects)) == (205, 205)
    assert at.called("contacts.batch_create") == at.called("contacts.batch_update") == 3
    await at.crm.delete_batch(CONTACT, [one.id for one in made.objects])
    assert await at.crm.listed(CONTACT) == []


KEY = "customer_no"


async def own_key(at: CrmPortal) -> None:
    """A property of the portal's own that HubSpot keeps unique."""
    await at.crm.create_property(
        CONTACT, PropertyDraft(KEY, "No.", "string", "text", "contactinformation", unique=True)
    )


async def test_many_are_upserted_by_an_own_key_in_parts_of_100(at: CrmPortal) -> None:
    await own_key(at)
    await at.crm.create(CONTACT, {KEY: "n-7", "city": "Bonn"})
    many = [Keyed(f"n-{n}", {"firstname": f"Ada {n}"}) for n in range(205)]
    result = await at.crm.upsert_batch(CONTACT, many, by=KEY)
    assert result.problems == ()
    assert list(result.done) == [one.key for one in many]
    assert [key for key, one in result.done.items() if not one.created] == ["n-7"]
    assert at.called("contacts.batch_upsert") == 3
    kept = at.portal.of_type("contacts")[result.done["n-7"].object.id].properties
    assert (kept["city"], kept["firstname"]) == ("Bonn", "Ada 7")


@pytest.mark.parametrize("answers", ["each", "whole"])
async def test_one_bad_record_of_a_batch_costs_only_itself(
    at: CrmPortal, answers: Literal["each", "whole"]
) -> None:
    await own_key(at)
    at.world.options.batch_upsert = answers  # a 207, or a 400 for all of them: not documented
    many = [Keyed("1", {"city": "Bonn"}), Keyed("2", {"lifecyclestage": "secret"}), Keyed("3", {})]
    result = await at.crm.upsert_batch(CONTACT, many, by=KEY)
    assert list(result.done) == ["1", "3"]
    (problem,) = result.problems
    assert problem.ids == ("2",)
    assert "'lifecyclestage': the value is none of its options" in problem.message
    assert "secret" not in problem.message
    assert len(at.portal.of_type("contacts")) == 2


async def test_the_same_key_twice_in_a_batch_is_one_record(at: CrmPortal) -> None:
    await own_key(at)
    twice = [Keyed("1", {"city": "Bonn"}), Keyed("1", {"city": "Bath"})]
    result = await at.crm.upsert_batch(CONTACT, twice, by=KEY)
    (contact,) = at.portal.of_type("contacts").values()
    assert (contact.properties["city"], list(result.done)) == ("Bath", ["1"])


async def test_by_email_each_is_upserted_for_itself(at: CrmPortal) -> None:
    """HubSpot takes no "partial upserts" by email, whatever those are."""
    known = await at.crm.create(CONTACT, {"email": EMAIL, "city": "Bonn"})
    result = await at.crm.upsert_batch(
        CONTACT,
        [Keyed(EMAIL, {"firstname": "Ada"}), Keyed("new@example.com", {}), Keyed("no", {})],
        by="email",
    )
    assert at.called("contacts.batch_upsert") == 0
    assert {key: one.created for key, one in result.done.items()} == {
        EMAIL: False,
        "new@example.com": True,
    }
    assert result.done[EMAIL].object.id == known.id
    assert at.portal.of_type("contacts")[known.id].properties["city"] == "Bonn"
    assert [one.ids for one in result.problems] == [("no",)]


async def test_a_merged_contact_is_upserted_as_the_one_it_became(at: CrmPortal) -> None:
    keeper = await at.crm.create(CONTACT, {"email": "keeper@example.com"})
    gone = await at.crm.create(CONTACT, {"email": EMAIL})
    await merge(at, keeper.id, gone.id)
    many = [Keyed(EMAIL, {"city": "Bonn"})]
    result = await at.crm.upsert_batch(CONTACT, many, by="email")
    assert (result.done[EMAIL].object.id, result.done[EMAIL].created) == (keeper.id, False)


async def test_an_archived_record_is_as_good_as_none(at: CrmPortal) -> None:
    gone = await at.crm.create(CONTACT, {"email": EMAIL})
    await at.crm.delete(CONTACT, gone.id)
    assert await at.crm.get(CONTACT, EMAIL, by="email") is None
    with pytest.raises(VendorNotFound, match="check the id"):
        await at.crm.update(CONTACT, gone.id, {"city": "Bonn"})
    again = await at.crm.upsert(CONTACT, EMAIL, by="email", properties={})
    assert (again.created, again.object.id != gone.id) == (True, True)
    read = await at.crm.read_batch(CONTACT, [gone.id, again.object.id])
    assert [one.id for one in read.objects] == [again.object.id]
    assert read.problems[0].ids == (gone.id,)


async def test_an_ailing_hubspot_is_no_problem_of_a_record(at: CrmPortal) -> None:
    await own_key(at)
    at.twin.faults.add(Fault(FaultKind.ERROR_500, ("contacts.batch_upsert",)))
    with pytest.raises(VendorFault):
        await at.crm.upsert_batch(CONTACT, [Keyed("1", {})], by=KEY)
    assert at.portal.of_type("contacts") == {}


@pytest.mark.parametrize(("type_", "values"), [("order_placed", "properties"), ("77", "tokens")])
async def test_a_timeline_event_is_written_once(at: CrmPortal, type_: str, values: str) -> None:
    at.world.options.timeline_types[type_] = ("order",)
    contact = await at.crm.create(CONTACT, {"email": EMAIL})
    event = TimelineEvent(type_, "e1", 1_760_000_000_123, {"order": "7"}, contact_id=contact.id)
    assert await at.crm.timeline_event(event) is True
    assert await at.crm.timeline_event(event) is False
    (kept,) = at.portal.timeline.values()
    assert kept[values] == {"order": "7"}
    assert kept["timestamp"] == "2025-10-09T08:53:20.123Z"
    by_email = replace(event, id="e2", contact_id=None, email=EMAIL)
    assert await at.crm.timeline_event(by_email)
    assert at.portal.timeline["e2"]["objectId"] == contact.id


async def test_a_private_app_is_told_that_it_has_no_timeline(at: CrmPortal) -> None:
    at.world.options.timeline_types["order_placed"] = ()
    event = TimelineEvent("order_placed", "e1", 0, {}, email=EMAIL)
    for grant in at.world.grants.values():
        grant.scopes = grant.scopes - {"timeline"}
    with pytest.raises(MissingScope, match="public app: private apps and service keys"):
        await at.crm.timeline_event(event)


async def test_a_communication_is_logged_on_its_contact(at: CrmPortal) -> None:
    contact = await at.crm.create(CONTACT, {"email": EMAIL})
    made = await at.crm.create(
        CrmType.COMMUNICATION,
        {
            "hs_timestamp": "2026-05-31T09:00:00Z",
            "hs_communication_channel_type": "WHATS_APP",
            "hs_communication_logged_from": "CRM",
            "hs_communication_body": "Hi",
        },
        links=[Link(CONTACT, contact.id)],
    )
    assert await at.crm.associated(CONTACT, contact.id, CrmType.COMMUNICATION) == (made.id,)


async def test_a_search_is_read_to_its_end(at: CrmPortal) -> None:
    drafts = [Draft({"email": f"user-{n}@example.com", "city": "Bonn"}) for n in range(230)]
    await at.crm.create_batch(CONTACT, drafts)
    search = Search(groups=((Filter("city", value="Bonn"),),), properties=("email",))
    assert len(await at.crm.search_all(CONTACT, search)) == 230
    assert len(await at.crm.search_all(CONTACT, search, limit=210)) == 210
    assert len(await at.crm.listed(CONTACT)) == 230


async def test_a_filter_without_a_value_sends_none(at: CrmPortal) -> None:
    await at.crm.create(CONTACT, {"email": EMAIL})
    search = Search(groups=((Filter("email", Operator.HAS_PROPERTY),),))
    assert (await at.crm.search(CONTACT, search)).total == 1


async def test_a_search_that_hubspot_would_refuse_is_not_sent(at: CrmPortal) -> None:
    seven = tuple(Filter("city", value=str(n)) for n in range(7))
    with pytest.raises(InvalidPayload, match="6 filters"):
        await at.crm.search(CONTACT, Search(groups=(seven,)))
    with pytest.raises(InvalidPayload, match="3000 characters"):
        await at.crm.search(CONTACT, Search(query="x" * 3_000))
    assert at.called("contacts.search") == 0


async def test_records_are_linked_while_creating_and_later(at: CrmPortal) -> None:
    contact = await at.crm.create(CONTACT, {"email": EMAIL})
    company = await at.crm.create(COMPANY, {"name": "Example"})
    note = await at.crm.create(
        NOTE, {"hs_timestamp": "1", "hs_note_body": "Hi"}, links=[Link(CONTACT, contact.id)]
    )
    await at.crm.associate(CONTACT, contact.id, COMPANY, company.id)
    assert await at.crm.associated(CONTACT, contact.id, NOTE) == (note.id,)
    found = await at.crm.get(CONTACT, contact.id, associations=[COMPANY])
    assert found is not None
    assert found.associations == {"companies": (company.id,)}
    await at.crm.dissociate(CONTACT, contact.id, COMPANY, company.id)
    assert await at.crm.associated(CONTACT, contact.id, COMPANY) == ()


async def test_a_lead_needs_a_contact(at: CrmPortal) -> None:
    contact = await at.crm.create(CONTACT, {"email": EMAIL})
    with pytest.raises(FieldsRefused, match="associations"):
        await at.crm.create(LEAD, {"hs_lead_name": "Ada"})
    made = await at.crm.create(LEAD, {"hs_lead_name": "Ada"}, links=[Link(CONTACT, contact.id)])
    assert made.type is LEAD


async def test_the_fields_of_a_portal_are_typed(at: CrmPortal) -> None:
    await at.crm.create_property(
        CONTACT, PropertyDraft("tier", "Tier", "string", "text", "contactinformation")
    )
    fields = {one.name: one for one in await at.crm.properties(CONTACT)}
    assert (fields["tier"].custom, fields["tier"].writable) == (True, True)
    assert not fields["createdate"].writable
    assert "customer" in [option.value for option in fields["lifecyclestage"].options]
    assert [one.name for one in await at.crm.property_groups(CONTACT)] == ["contactinformation"]


async def test_pipelines_say_which_stage_ends(at: CrmPortal) -> None:
    (sales,) = await at.crm.pipelines(DEAL)
    assert {stage.label: stage.closed for stage in sales.stages}["Closed Won"] is True
    support, _ = await at.crm.pipelines(TICKET)
    assert [stage.closed for stage in support.stages] == [False, False, True]


async def test_owners_are_found_by_every_key(at: CrmPortal) -> None:
    agent = next(iter(at.portal.agents.values()))
    at.portal.teams["Senior"] = [agent.user_id]
    (owner,) = await at.crm.owners(email=agent.email)
    assert (owner.actor_id, owner.teams) == (agent.actor_id, ("Senior",))
    assert await at.crm.owner(owner.id) == owner
    assert await at.crm.owner(agent.user_id, by="userId") == owner
    assert await at.crm.owner("1") is None


async def test_a_portal_without_the_scope_is_told_which_one(at: CrmPortal) -> None:
    for grant in at.world.grants.values():
        grant.scopes = frozenset({"oauth"})
    with pytest.raises(MissingScope, match=r"enrollments\.write.*Professional"):
        await at.crm.enroll("1", "2", "3", "agent@example.com")


async def test_crm_work_waits_for_its_search_window() -> None:
    async with open_portal(HubSpotOptions(search_limit_per_s=5)) as at:
        for _ in range(7):
            await at.crm.search(CONTACT, Search(query="Ada"))
        assert at.called("contacts.search") == 7
