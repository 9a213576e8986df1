"""What the HubSpot twin accepts and refuses of a published message."""

from __future__ import annotations

import pytest
from tests.unit.twins.conftest import CHANNELS, HubClient, Json

from hubspot_hitl.twins.hubspot.publish import REQUIRED


async def test_a_published_message_opens_a_thread_and_tells_its_id(hub: HubClient) -> None:
    answer = await hub.publish(hub.message("Help"))
    thread = hub.twin.world.threads[answer.json["conversationsThreadId"]]
    assert answer.status == 201
    assert (thread.status, thread.inbox_id) == ("OPEN", hub.inbox())
    assert [line["text"] for line in hub.twin.transcript(thread.id)] == ["Help"]


async def test_the_same_integration_thread_id_is_the_same_thread(hub: HubClient) -> None:
    first, second = await hub.thread("one"), await hub.thread("two")
    assert first == second
    assert await hub.thread(integrationThreadId="other") != first


@pytest.mark.parametrize("field", REQUIRED)
async def test_each_required_field_is_required(hub: HubClient, field: str) -> None:
    body = hub.message()
    del body[field]
    answer = await hub.publish(body)
    assert (answer.status, answer.json["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json["errors"][0]["in"] == field
    assert answer.json["correlationId"]


BAD_FIELDS: list[Json] = [
    {"text": ""},
    {"text": 5},
    {"messageDirection": "SIDEWAYS"},
    {"senders": []},
    {"senders": [{"name": "nobody"}]},
    {"senders": ["user"]},
    {"recipients": []},
    {"timestamp": "yesterday"},
    {"timestamp": 1780000000},
    {"attachments": {}},
    {"attachments": [{"type": "HOLOGRAM"}]},
    {"attachments": [{"type": "FILE", "fileId": "999"}]},
    {"attachments": [{"type": "FILE"}]},
    {"attachments": [{"type": "LOCATION", "latitude": 1}]},
    {"attachments": [{"type": "QUICK_REPLIES", "quickReplies": []}]},
    {"associateWithContactId": 424242},
]


@pytest.mark.parametrize("change", BAD_FIELDS)
async def test_a_bad_field_is_refused(hub: HubClient, change: Json) -> None:
    answer = await hub.publish(hub.message() | change)
    assert (answer.status, answer.json["category"]) == (400, "VALIDATION_ERROR")
    assert hub.twin.world.threads == {}


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        ("HS_EMAIL_ADDRESS", "user@example.test", 201),
        ("HS_EMAIL_ADDRESS", "user at example", 400),
        ("HS_PHONE_NUMBER", "+12025550123", 201),
        ("HS_PHONE_NUMBER", "2025550123", 400),
        ("HS_PHONE_NUMBER", "+1", 400),
        ("CHANNEL_SPECIFIC_OPAQUE_ID", "  ", 400),
        ("CARRIER_PIGEON", "x", 400),
    ],
)
async def test_identifiers_must_fit_their_type(
    hub: HubClient, kind: str, value: str, status: int
) -> None:
    sender = {"deliveryIdentifier": {"type": kind, "value": value}}
    assert (await hub.publish(hub.message(senders=[sender]))).status == status


async def test_a_repeated_idempotency_id_makes_no_second_message(hub: HubClient) -> None:
    body = hub.message(integrationIdempotencyId="key-1")
    first, second = await hub.publish(body), await hub.publish(body)
    assert (first.status, second.status) == (201, 200)
    assert first.json["id"] == second.json["id"]
    assert len(hub.twin.transcript(first.json["conversationsThreadId"])) == 1


async def test_a_repeat_can_be_answered_as_a_conflict(hub: HubClient) -> None:
    hub.twin.options.repeat_publish = "conflict"
    body = hub.message(integrationIdempotencyId="key-1")
    assert [(await hub.publish(body)).status for _ in range(2)] == [201, 409]


async def test_an_idempotency_id_belongs_to_one_account(hub: HubClient) -> None:
    body = hub.message(integrationIdempotencyId="key-1")
    await hub.publish(body)
    body["channelAccountId"] = await hub.connect(hub.inbox("HELP_DESK"))
    assert (await hub.publish(body)).status == 201


async def test_an_unknown_account_or_channel_is_not_found(hub: HubClient) -> None:
    assert (await hub.publish(hub.message(channelAccountId="1"))).status == 404
    hub.channel_id = "1"
    assert (await hub.publish(hub.message())).status == 404


async def test_an_unauthorized_account_is_refused(hub: HubClient) -> None:
    path = f"{CHANNELS}/{hub.channel_id}/channel-accounts/{hub.account_id}"
    assert (await hub.call("PATCH", path, {"authorized": False})).status == 200
    assert (await hub.publish(hub.message())).status == 400


@pytest.mark.parametrize(
    ("choice", "status", "same"),
    [("reopen", 201, True), ("new", 201, False), ("refuse", 400, None)],
)
async def test_a_closed_thread_takes_a_message_as_the_option_says(
    hub: HubClient, choice: str, status: int, same: bool | None
) -> None:
    thread_id = await hub.thread()
    hub.twin.agents.close(thread_id)
    hub.twin.options.closed_thread_publish = choice  # type: ignore[assignment]  # parametrized
    answer = await hub.publish(hub.message("late"))
    assert answer.status == status
    if same is not None:
        assert (answer.json["conversationsThreadId"] == thread_id) is same


async def test_an_email_sender_becomes_a_contact(hub: HubClient) -> None:
    address = {"type": "HS_EMAIL_ADDRESS", "value": "user@example.test"}
    thread_id = await hub.thread(senders=[{"deliveryIdentifier": address}])
    contact = hub.twin.world.threads[thread_id].visitor_id
    found = await hub.call("GET", f"/crm/v3/objects/contacts/{contact}")
    assert found.json["properties"]["email"] == "user@example.test"


async def test_a_help_desk_thread_has_a_ticket(hub: HubClient) -> None:
    account = await hub.connect(hub.inbox("HELP_DESK"))
    thread_id = await hub.thread(channelAccountId=account)
    path = f"/conversations/v3/conversations/threads/{thread_id}"
    found = await hub.call("GET", path, params={"association": "TICKET"})
    assert found.json["threadAssociations"]["associatedTicketId"]


async def test_message_status_reaches_the_agent(hub: HubClient) -> None:
    thread_id = await hub.thread()
    message_id = hub.twin.agents.reply(thread_id, hub.agent, "Hi")
    path = f"{CHANNELS}/{hub.channel_id}/messages/{message_id}"
    body = {"statusType": "FAILED", "errorMessage": "user has left"}
    answer = await hub.call("PATCH", path, body)
    line = hub.twin.transcript(thread_id)[-1]
    assert answer.status == 200
    assert (line["status"], line["failure"]) == ("FAILED", "user has left")


@pytest.mark.parametrize(
    "body", [{}, {"statusType": "LOST"}, {"statusType": "SENT", "errorMessage": "x"}]
)
async def test_a_bad_message_status_is_refused(hub: HubClient, body: dict[str, str]) -> None:
    message_id = hub.twin.agents.reply(await hub.thread(), hub.agent, "Hi")
    path = f"{CHANNELS}/{hub.channel_id}/messages/{message_id}"
    assert (await hub.call("PATCH", path, body)).status == 400


async def test_only_outgoing_messages_of_the_channel_have_a_status(hub: HubClient) -> None:
    published = await hub.publish(hub.message())
    path = f"{CHANNELS}/{hub.channel_id}/messages"
    body = {"statusType": "SENT"}
    assert (await hub.call("PATCH", f"{path}/{published.json['id']}", body)).status == 400
    assert (await hub.call("PATCH", f"{path}/unknown", body)).status == 404
