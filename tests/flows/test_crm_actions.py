"""The CRM actions as a bot calls them: through Botpress's front, our server, HubSpot's API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.flows.conftest import House

from hubspot_hitl.twins.botpress.operations import OperationAnswer
from hubspot_hitl.twins.hubspot.records import Portal
from hubspot_hitl.twins.wire import Json

EMAIL = "ada@example.com"


def portal(house: House) -> Portal:
    twin = house.stage.hubspot
    return twin.world.portals[twin.options.portal_id]


async def answer_of(house: House, action: str, input_: Json) -> OperationAnswer:
    installation = house.stage.installation
    assert installation is not None
    return await house.stage.botpress.operations.action(installation, action, input_)


async def ask(house: House, action: str, **input_: Any) -> Json:
    """Run an action and return its output."""
    answer = await answer_of(house, action, input_)
    assert answer.status == 200, answer.message
    output: Json = answer.json()["output"]
    return output


async def refused(house: House, action: str, **input_: Any) -> str:
    """Run an action that is refused; what the bot owner reads."""
    answer = await answer_of(house, action, input_)
    assert answer.status == 400
    return str(answer.message)


async def test_a_contact_goes_from_a_form_to_the_crm_and_back(house: House) -> None:
    made = await ask(house, "upsertContact", email=EMAIL, firstName="Ada", phone="+49 30 1")
    again = await ask(house, "upsertContact", email=EMAIL, lifecycleStage="customer")
    assert (made["created"], again["created"], again["id"]) == (True, False, made["id"])
    found = await ask(house, "getContact", email=EMAIL)
    assert found["record"]["properties"]["firstname"] == "Ada"
    assert found["record"]["properties"]["lifecyclestage"] == "customer"
    assert await ask(house, "getContact", email="no@example.com") == {"found": False}


async def test_a_deal_is_made_and_moved_by_the_names_of_its_stages(house: House) -> None:
    contact = await ask(house, "createContact", email=EMAIL)
    deal = await ask(house, "createDeal", name="Website", amount=1200, contactId=contact["id"])
    assert deal["properties"]["dealstage"] == "appointmentscheduled"
    moved = await ask(house, "updateDeal", id=deal["id"], stage="closed won")
    assert moved["properties"]["dealstage"] == "closedwon"
    assert portal(house).of_type("contacts")[contact["id"]].associations["deals"] == [deal["id"]]


async def test_a_stage_that_does_not_exist_is_answered_with_those_that_do(house: House) -> None:
    message = await refused(house, "createTicket", subject="Help", stage="Nowhere")
    assert "'New'" in message
    assert "'Escalations': 'Urgent', 'Solved'" in message


async def test_every_kind_of_record_is_searched_and_deleted(house: House) -> None:
    made = await ask(house, "createCompany", name="Example", domain="example.com")
    filters = [{"property": "domain", "operator": "EQ", "value": "example.com"}]
    page = await ask(house, "searchCompanies", filters=filters)
    assert [one["id"] for one in page["records"]] == [made["id"]]
    await ask(house, "deleteCompany", id=made["id"])
    assert await ask(house, "getCompany", domain="example.com") == {"found": False}


@pytest.mark.parametrize(
    ("properties", "cure"),
    [
        ({"frstname": "Ada"}, "Did you mean 'firstname'"),
        ({"lifecyclestage": "gold"}, "takes 'subscriber', 'lead'"),
        ({"createdate": "2026-01-01"}, "HubSpot sets it"),
    ],
)
async def test_a_refusal_names_the_field_and_the_cure(
    house: House, properties: Json, cure: str
) -> None:
    message = await refused(house, "createContact", email=EMAIL, properties=properties)
    assert f"'{next(iter(properties))}'" in message
    assert cure in message


async def test_notes_and_tasks_hang_on_their_records(house: House) -> None:
    contact = await ask(house, "createContact", email=EMAIL)
    await ask(house, "createNote", body="Called twice", contactId=contact["id"])
    await ask(house, "createTask", subject="Call back", due="2026-12-24", contactId=contact["id"])
    links = portal(house).of_type("contacts")[contact["id"]].associations
    (task,) = portal(house).of_type("tasks").values()
    assert links["notes"]
    assert links["tasks"] == [task.id]
    assert task.properties["hs_timestamp"] == "2026-12-24T00:00:00.000Z"


async def test_lists_take_members_only_by_hand(house: House) -> None:
    contact = await ask(house, "createContact", email=EMAIL)
    lists = portal(house).lists
    for number, kind in (("71", "MANUAL"), ("72", "DYNAMIC")):
        lists[number] = {
            "listId": number,
            "name": kind.title(),
            "objectTypeId": "0-1",
            "processingType": kind,
            "members": [],
        }
    done = await ask(house, "addToList", list="Manual", contactIds=[contact["id"], "9"])
    assert done == {"added": [contact["id"]], "missing": ["9"]}
    gone = await ask(house, "removeFromList", list="71", contactIds=[contact["id"]])
    assert gone["removed"] == [contact["id"]]
    message = await refused(house, "addToList", list="Dynamic", contactIds=[contact["id"]])
    assert "fills itself" in message


async def test_a_contact_is_enrolled_by_the_name_of_the_sequence(house: House) -> None:
    contact = await ask(house, "createContact", email=EMAIL)
    sender = house.stage.hubspot.agents.list()[0].email
    portal(house).sequences["501"] = "Welcome"
    asked = {"contactId": contact["id"], "senderEmail": sender}
    done = await ask(house, "enrollInSequence", sequence="welcome", **asked)
    assert done["toEmail"] == EMAIL
    assert "'Welcome'" in await refused(house, "enrollInSequence", sequence="Bye", **asked)


async def test_an_owner_is_found_by_email(house: House) -> None:
    agent = house.stage.hubspot.agents.list()[0]
    found = await ask(house, "getOwner", email=agent.email)
    assert (found["found"], found["userId"]) == (True, agent.user_id)
    assert (await ask(house, "getOwner", id="1"))["found"] is False


async def test_fields_are_discovered_and_their_drift_is_told(house: House) -> None:
    first = await ask(house, "discoverFields", search="lifecycle", refresh=True)
    (field,) = first["fields"]
    assert field["type"] == "enumeration"
    assert (field["group"], field["custom"], field["writable"]) == (
        "Contact information",
        False,
        True,
    )
    assert {"value": "customer", "label": "customer"} in field["options"]
    properties = portal(house).properties["contacts"]
    del properties["jobtitle"]
    properties["lifecyclestage"]["options"].pop()
    again = await ask(house, "discoverFields", refresh=True)
    assert "contact property 'jobtitle' was removed" in again["changes"]
    assert any("gone: customer" in one for one in again["changes"])


async def test_a_visitor_token_is_made_for_a_real_address_only(house: House) -> None:
    made = await ask(house, "createVisitorToken", email=EMAIL)
    assert made["token"]
    assert "email address" in await refused(house, "createVisitorToken", email="not one")


async def test_a_lead_belongs_to_a_contact(house: House) -> None:
    assert "contactId is needed" in await refused(house, "createLead", name="Ada")
    contact = await ask(house, "createContact", email=EMAIL)
    made = await ask(house, "createLead", name="Ada", contactId=contact["id"], stage="qualified")
    assert made["properties"]["hs_pipeline_stage"] == "qualified-stage-id"
