"""Custom channels, their accounts and the connection flow on the HubSpot twin."""

from __future__ import annotations

import pytest
from tests.unit.twins.conftest import (
    CAPABILITIES,
    CHANNELS,
    OPAQUE,
    HandClock,
    HubClient,
    Json,
    Sink,
)


async def test_both_spellings_show_the_same_channel(hub: HubClient) -> None:
    for base in (CHANNELS, "/conversations/custom-channels/2026-03"):
        found = await hub.call("GET", f"{base}/{hub.channel_id}", params=hub.app)
        listed = await hub.call("GET", base, params=hub.app)
        assert found.json["id"] == listed.json["results"][0]["id"] == hub.channel_id


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": " "},
        {"capabilities": None},
        {"capabilities": []},
        {"webhookUrl": "not a url"},
        {"webhookUrl": "ftp://example.test/"},
    ],
)
async def test_a_bad_channel_is_refused(bare_hub: HubClient, change: Json) -> None:
    body = {"name": "Bot", "capabilities": CAPABILITIES, **change}
    answer = await bare_hub.call("POST", CHANNELS, body, params=bare_hub.app)
    assert (answer.status, answer.json["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "change",
    [
        {"deliveryIdentifierTypes": [{"type": OPAQUE}]},
        {"deliveryIdentifierTypes": ["PIGEON"]},
        {"richText": "BOLD"},
        {"threadingModel": "CHAOS"},
        {"allowOutgoingMessages": "yes"},
        {"maxFileAttachmentCount": -1},
    ],
)
async def test_capabilities_of_the_wrong_kind_are_named(bare_hub: HubClient, change: Json) -> None:
    body = {"name": "Bot", "capabilities": {**CAPABILITIES, **change}}
    answer = await bare_hub.call("POST", CHANNELS, body, params=bare_hub.app)
    assert answer.status == 400
    assert answer.json["subCategory"].endswith("INVALID_CHANNEL_CAPABILITY_VALUES")
    assert next(iter(change)) in answer.json["context"]["capabilityKeysAndValues"][0]


async def test_a_new_channel_shows_itself_after_a_while(
    bare_hub: HubClient, clock: HandClock
) -> None:
    bare_hub.twin.options.channel_visible_after_s = 20
    channel_id = await bare_hub.make_channel("http://hook.example/")
    path = f"{CHANNELS}/{channel_id}/channel-accounts"
    body = {"inboxId": bare_hub.inbox(), "name": "Bot", "authorized": True}
    listed = await bare_hub.call("GET", CHANNELS, params=bare_hub.app)
    early = await bare_hub.call("POST", path, body)
    clock.now += 20
    assert (listed.json["total"], early.status) == (0, 404)
    assert (await bare_hub.call("POST", path, body)).status == 201


async def test_a_deleted_channel_takes_no_messages(hub: HubClient) -> None:
    path = f"{CHANNELS}/{hub.channel_id}"
    assert (await hub.call("DELETE", path, params=hub.app)).status == 204
    assert (await hub.call("GET", path, params=hub.app)).status == 404
    assert (await hub.publish(hub.message())).status == 404


async def test_a_channel_can_be_changed(hub: HubClient) -> None:
    path = f"{CHANNELS}/{hub.channel_id}"
    await hub.call("PATCH", path, {"webhookUrl": "http://new.example/"}, params=hub.app)
    found = await hub.call("GET", path, params=hub.app)
    assert (found.json["webhookUrl"], found.json["name"]) == ("http://new.example/", "Bot")


@pytest.mark.parametrize(
    "change",
    [
        {"inboxId": None},
        {"inboxId": "999"},
        {"inboxId": 5},
        {"name": None},
        {"authorized": None},
        {"authorized": "true"},
        {"deliveryIdentifier": "bare"},
        {"deliveryIdentifier": {"type": OPAQUE}},
    ],
)
async def test_a_bad_channel_account_is_refused(hub: HubClient, change: Json) -> None:
    body = {"inboxId": hub.inbox(), "name": "Bot", "authorized": True, **change}
    path = f"{CHANNELS}/{hub.channel_id}/channel-accounts"
    assert (await hub.call("POST", path, body)).status == 400


async def test_the_inbox_of_an_account_cannot_change(hub: HubClient) -> None:
    path = f"{CHANNELS}/{hub.channel_id}/channel-accounts/{hub.account_id}"
    assert (await hub.call("PATCH", path, {"inboxId": "1"})).status == 400
    assert (await hub.call("PATCH", path, {"name": "New"})).json["name"] == "New"


async def test_lists_come_in_pages(hub: HubClient) -> None:
    for _ in range(2):
        await hub.connect()
    path = f"{CHANNELS}/{hub.channel_id}/channel-accounts"
    first = await hub.call("GET", path, params={"limit": "2"})
    after = first.json["paging"]["next"]["after"]
    second = await hub.call("GET", path, params={"limit": "2", "after": after})
    assert (first.json["total"], len(first.json["results"])) == (3, 2)
    assert [one["id"] for one in second.json["results"]] == [hub.account_id]
    assert "paging" not in second.json
    assert (await hub.call("GET", path, params={"limit": "0"})).status == 400


async def test_an_admin_connects_through_the_channels_page(hub: HubClient, sink: Sink) -> None:
    begun = await hub.call(
        "POST", "/_twin/connections", {"channelId": hub.channel_id, "inboxId": hub.inbox()}
    )
    token = begun.json["accountToken"]
    path = f"{CHANNELS}/{hub.channel_id}/channel-account-staging-tokens"
    body = {"accountName": "Shop", "deliveryIdentifier": {"type": OPAQUE, "value": "shop"}}
    assert (await hub.call("PATCH", f"{path}/wrong", body)).status == 404
    assert (await hub.call("PATCH", f"{path}/{token}", body)).status == 200
    await hub.call("GET", begun.json["redirectUrl"].removeprefix(hub.twin.url))
    await hub.twin.settled()
    event = sink.channel_events()[-1]
    assert event["type"] == "CHANNEL_ACCOUNT_CREATED"
    assert event["channelAccountDeliveryIdentifier"] == "shop"


async def test_account_changes_by_people_reach_the_channels_hook(
    hub: HubClient, sink: Sink
) -> None:
    made = hub.twin.agents.connect_account(hub.channel_id, hub.inbox(), "Second")
    hub.twin.agents.update_account(made.id, authorized=False)
    hub.twin.agents.purge_account(made.id)
    await hub.twin.settled()
    events = sink.channel_events()
    assert [event["type"] for event in events] == [
        "CHANNEL_ACCOUNT_CREATED",
        "CHANNEL_ACCOUNT_UPDATED",
        "CHANNEL_ACCOUNT_PURGED",
    ]
    assert {event["channelAccountId"] for event in events} == {made.id}
    assert all("authorized" not in event for event in events)
