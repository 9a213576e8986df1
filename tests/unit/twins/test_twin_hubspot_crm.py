"""Contacts, notes, properties, files and webhook settings of the HubSpot twin."""

from __future__ import annotations

import aiohttp
import orjson
import pytest
from tests.unit.twins.conftest import HandClock, HubClient, Json

CONTACTS = "/crm/objects/2026-03/contacts"
FILES = "/files/2026-03/files"


async def make(hub: HubClient, email: str = "user@example.test", **more: str) -> str:
    body = {"properties": {"email": email, **more}}
    return str((await hub.call("POST", CONTACTS, body)).json["id"])


async def test_a_contact_is_found_by_id_and_by_email(bare_hub: HubClient) -> None:
    contact = await make(bare_hub, firstname="Uma")
    by_id = await bare_hub.call("GET", f"{CONTACTS}/{contact}")
    by_email = await bare_hub.call(
        "GET",
        "/crm/v3/objects/contacts/USER@example.test",
        params={"idProperty": "email", "properties": "firstname"},
    )
    assert by_id.json["id"] == by_email.json["id"] == contact
    assert by_email.json["properties"]["firstname"] == "Uma"


async def test_an_email_belongs_to_one_contact(bare_hub: HubClient) -> None:
    contact = await make(bare_hub)
    again = await bare_hub.call("POST", CONTACTS, {"properties": {"email": "User@example.test"}})
    assert (again.status, again.json["category"]) == (409, "CONFLICT")
    assert contact in again.json["message"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"email": "nobody"}, "INVALID_EMAIL"),
        ({"shoe_size": "43"}, "PROPERTY_DOESNT_EXIST"),
        ({"createdate": "2026-01-01"}, "READ_ONLY_VALUE"),
        ({"lifecyclestage": "alien"}, "INVALID_OPTION"),
    ],
)
async def test_a_bad_property_is_refused(bare_hub: HubClient, properties: Json, code: str) -> None:
    answer = await bare_hub.call("POST", CONTACTS, {"properties": properties})
    assert (answer.status, answer.json["errors"][0]["code"]) == (400, code)


async def test_an_update_of_an_unknown_contact_is_not_an_upsert(bare_hub: HubClient) -> None:
    body = {"properties": {"firstname": "Uma"}}
    path = f"{CONTACTS}/user@example.test"
    assert (await bare_hub.call("PATCH", path, body, params={"idProperty": "email"})).status == 404
    contact = await make(bare_hub)
    await bare_hub.call("PATCH", f"{CONTACTS}/{contact}", body)
    assert (
        await bare_hub.call("GET", f"{CONTACTS}/{contact}", params={"properties": "firstname"})
    ).json["properties"]["firstname"] == "Uma"


async def test_search_lags_behind_writes(bare_hub: HubClient, clock: HandClock) -> None:
    bare_hub.twin.options.search_lag_s = 5
    contact = await make(bare_hub)
    rule = {"propertyName": "email", "operator": "EQ", "value": "user@example.test"}
    body = {"filterGroups": [{"filters": [rule]}]}
    early = await bare_hub.call("POST", f"{CONTACTS}/search", body)
    clock.now += 5
    late = await bare_hub.call("POST", f"{CONTACTS}/search", body)
    assert early.json["total"] == 0
    assert [one["id"] for one in late.json["results"]] == [contact]


BAD_SEARCHES: list[Json] = [
    {"limit": 201},
    {"filterGroups": {}},
    {"filterGroups": [{}] * 6},
    {"filterGroups": [{"filters": [{}]}]},
]


@pytest.mark.parametrize("body", BAD_SEARCHES)
async def test_a_bad_search_is_refused(bare_hub: HubClient, body: Json) -> None:
    await make(bare_hub)
    assert (await bare_hub.call("POST", f"{CONTACTS}/search", body)).status == 400


async def test_an_upsert_says_what_is_new(bare_hub: HubClient) -> None:
    one = {"id": "user@example.test", "idProperty": "email", "properties": {"firstname": "Uma"}}
    path = f"{CONTACTS}/batch/upsert"
    answers = [await bare_hub.call("POST", path, {"inputs": [one]}) for _ in range(2)]
    assert [answer.json["results"][0]["new"] for answer in answers] == [True, False]


async def test_a_note_needs_a_time_and_hangs_on_its_contact(bare_hub: HubClient) -> None:
    contact = await make(bare_hub)
    link = {
        "to": {"id": contact},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}],
    }
    body: Json = {"properties": {"hs_note_body": "transcript"}, "associations": [link]}
    path = "/crm/objects/2026-03/notes"
    assert (await bare_hub.call("POST", path, body)).status == 400
    body["properties"]["hs_timestamp"] = "2026-06-01T12:00:00Z"
    note = await bare_hub.call("POST", path, body)
    found = await bare_hub.call(
        "GET", f"{path}/{note.json['id']}", params={"associations": "contacts"}
    )
    assert found.json["associations"]["contacts"]["results"] == [{"id": contact}]


async def test_properties_and_owners_can_be_discovered(bare_hub: HubClient) -> None:
    listed = await bare_hub.call("GET", "/crm/properties/2026-03/contacts")
    owners = await bare_hub.call(
        "GET", "/crm/owners/2026-03", params={"email": "agent-1@portal.example"}
    )
    (owner,) = owners.json["results"]
    assert "email" in [one["name"] for one in listed.json["results"]]
    assert owner["userId"] == 1111
    assert owner["id"] != "1111"


def upload(**parts: object) -> aiohttp.FormData:
    form = aiohttp.FormData()
    given: dict[str, object] = {
        "file": b"bytes",
        "options": orjson.dumps({"access": "PRIVATE"}).decode(),
        "folderPath": "/bot",
        **parts,
    }
    for name, value in given.items():
        if name == "file" and value is not None:
            form.add_field(name, value, filename="a.txt", content_type="text/plain")
        elif value is not None:
            form.add_field(name, value)
    return form


async def test_a_private_file_opens_by_signed_url_only(
    bare_hub: HubClient, clock: HandClock
) -> None:
    made = await bare_hub.call("POST", FILES, form=upload())
    signed = await bare_hub.call(
        "GET", f"{FILES}/{made.json['id']}/signed-url", params={"expirationSeconds": "60"}
    )
    link = signed.json["url"].removeprefix(bare_hub.twin.url)
    plain = made.json["url"].removeprefix(bare_hub.twin.url)
    assert (await bare_hub.call("GET", plain, token=None)).status == 404
    assert (await bare_hub.call("GET", link, token=None)).json == "bytes"
    clock.now += 61
    assert (await bare_hub.call("GET", link, token=None)).status == 404


@pytest.mark.parametrize(
    "parts",
    [
        {"file": None},
        {"options": None},
        {"options": "{"},
        {"options": "{}"},
        {"options": '{"access":"OPEN"}'},
        {"folderPath": None},
        {"folderId": "7"},
    ],
)
async def test_a_bad_upload_is_refused(bare_hub: HubClient, parts: Json) -> None:
    assert (await bare_hub.call("POST", FILES, form=upload(**parts))).status == 400


async def test_an_upload_needs_the_files_scope(bare_hub: HubClient) -> None:
    portal = bare_hub.twin.options.portal_id
    token = bare_hub.twin.world.issue_private(portal, frozenset({"oauth"}))
    assert (await bare_hub.call("POST", FILES, token=token, form=upload())).status == 403


async def test_webhook_settings_decide_where_events_go(bare_hub: HubClient) -> None:
    path = f"/webhooks/v3/{bare_hub.twin.options.app_id}/settings"
    body = {"targetUrl": "https://hook.example/", "throttling": {"maxConcurrentRequests": 10}}
    assert (await bare_hub.call("GET", path, params=bare_hub.app)).status == 404
    assert (await bare_hub.call("PUT", path, body, params=bare_hub.app)).status == 200
    few = {**body, "throttling": {"maxConcurrentRequests": 5}}
    assert (await bare_hub.call("PUT", path, few, params=bare_hub.app)).status == 400
    assert (await bare_hub.call("PUT", path, body)).status == 401


async def test_subscriptions_are_inactive_until_switched_on(bare_hub: HubClient) -> None:
    path = f"/webhooks/2026-03/{bare_hub.twin.options.app_id}/subscriptions"
    body = {"eventType": "contact.propertyChange", "propertyName": "email"}
    made = await bare_hub.call("POST", path, body, params=bare_hub.app)
    again = await bare_hub.call("POST", path, body, params=bare_hub.app)
    on = {"inputs": [{"id": made.json["id"], "active": True}]}
    changed = await bare_hub.call("POST", f"{path}/batch/update", on, params=bare_hub.app)
    assert (made.status, made.json["active"], again.status) == (201, False, 409)
    assert changed.json["results"][0]["active"] is True


@pytest.mark.parametrize(
    "body",
    [{}, {"eventType": "conversation.sneeze"}, {"eventType": "conversation.propertyChange"}],
)
async def test_a_bad_subscription_is_refused(bare_hub: HubClient, body: Json) -> None:
    path = f"/webhooks/v3/{bare_hub.twin.options.app_id}/subscriptions"
    assert (await bare_hub.call("POST", path, body, params=bare_hub.app)).status == 400
