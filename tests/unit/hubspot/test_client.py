from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from hubspot_hitl.errors import (
    BadConfiguration,
    UnexpectedAnswer,
    VendorConflict,
    VendorFault,
    VendorNotFound,
)
from hubspot_hitl.hubspot.client import HubSpotClient
from hubspot_hitl.hubspot.limiter import RateLimiter
from hubspot_hitl.hubspot.oauth import AppCredentials, OAuth
from hubspot_hitl.hubspot.rest import DeveloperKey
from hubspot_hitl.hubspot.tokens import TokenSource
from hubspot_hitl.hubspot.transport import Transport
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.hubspot_records import (
    ChannelMessage,
    DeliveryIdentifier,
    IdentifierType,
    Party,
    Published,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp
    from tests.unit.hubspot.fake_clock import FakeClock
    from tests.unit.hubspot.fake_hubspot import FakeHubSpot

CHANNELS = "/conversations/custom-channels/2026-03"
THREADS = "/conversations/v3/conversations/threads"
OPAQUE = DeliveryIdentifier(IdentifierType.OPAQUE, "botpress")
USER = DeliveryIdentifier(IdentifierType.EMAIL, "user@example.test")
MESSAGE = ChannelMessage(
    channel_id="29",
    channel_account_id="33",
    integration_thread_id="thread",
    idempotency_id="msg",
    text="Hi",
    sender=Party(USER, "User"),
    recipients=(Party(OPAQUE),),
    timestamp_ms=1_760_000_000_000,
)
LANDED = {"id": "m1", "conversationsThreadId": 91}


def make_client(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, auth: DeveloperKey
) -> HubSpotClient:
    oauth = OAuth(base_url, lambda: session, clock)
    tokens = TokenSource(oauth, AppCredentials("id", "secret"), "pat-token", clock)
    transport = Transport(
        base_url, lambda: session, clock, tokens=tokens, limiter=RateLimiter(clock)
    )
    return HubSpotClient(transport, auth, oauth, tokens, clock)


@pytest.fixture
def client(base_url: str, session: aiohttp.ClientSession, clock: FakeClock) -> HubSpotClient:
    return make_client(base_url, session, clock, DeveloperKey("77", SecretStr("key")))


def test_the_client_is_the_port(client: HubSpotClient) -> None:
    port: HubSpot = client
    assert port is client


async def test_channels_are_listed_on_every_page_for_the_app(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"results": [{"id": 1, "name": "a"}], "paging": {"next": {"after": "x"}}})
    hubspot.answer({"results": [{"id": "2", "webhookUrl": "https://a"}]})
    channels = await client.channels()
    first, second = hubspot.requests
    assert [channel.id for channel in channels] == ["1", "2"]
    assert (first.method, first.path) == ("GET", CHANNELS)
    assert first.query == {"limit": "100", "hapikey": "key", "appId": "77"}
    assert first.bearer == "Bearer pat-token"
    assert second.query["after"] == "x"


async def test_pages_that_go_in_a_circle_are_noticed(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    for _ in range(2):
        hubspot.answer({"results": [], "paging": {"next": {"after": "x"}}})
    with pytest.raises(UnexpectedAnswer, match="circle"):
        await client.inboxes()


async def test_a_channel_is_created_changed_and_deleted(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": "29", "name": "Bot"}, 201)
    hubspot.answer({"id": "29", "name": "New"})
    hubspot.answer(status=204)
    await client.create_channel("Bot", "https://hook", {"allowOutgoingMessages": True})
    await client.update_channel("29", name="New")
    await client.delete_channel("29")
    created, changed, deleted = hubspot.requests
    assert created.json == {
        "name": "Bot",
        "webhookUrl": "https://hook",
        "capabilities": {"allowOutgoingMessages": True},
    }
    assert (changed.method, changed.json) == ("PATCH", {"name": "New"})
    assert (deleted.method, deleted.path) == ("DELETE", f"{CHANNELS}/29")
    assert all(request.query["hapikey"] == "key" for request in hubspot.requests)


async def test_creating_a_channel_is_not_repeated_when_its_effect_is_unknown(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(status=504)
    with pytest.raises(VendorFault):
        await client.create_channel("Bot", "https://hook", {})
    assert len(hubspot.requests) == 1


async def test_deleting_a_channel_that_is_gone_is_done(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({}, 404)
    await client.delete_channel("29")


async def test_without_a_developer_key_the_app_id_goes_with_the_token(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    client = make_client(base_url, session, clock, DeveloperKey("77"))
    hubspot.answer({"results": []})
    await client.channels()
    assert hubspot.requests[0].query == {"limit": "100", "appId": "77"}
    assert hubspot.requests[0].bearer == "Bearer pat-token"


async def test_the_developer_key_can_go_without_a_token(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    auth = DeveloperKey("77", SecretStr("key"), bearer=False)
    hubspot.answer({"results": []})
    await make_client(base_url, session, clock, auth).channels()
    assert hubspot.requests[0].bearer is None


async def test_without_an_app_id_nothing_is_sent(
    base_url: str, session: aiohttp.ClientSession, clock: FakeClock, hubspot: FakeHubSpot
) -> None:
    client = make_client(base_url, session, clock, DeveloperKey(""))
    with pytest.raises(BadConfiguration, match="appId"):
        await client.channels()
    assert hubspot.requests == []


async def test_an_account_binds_a_channel_to_an_inbox(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": 33, "channelId": 29, "inboxId": 5, "authorized": True}, 201)
    hubspot.answer({"id": 33, "authorized": False})
    account = await client.connect_channel("29", "5", "Bot", OPAQUE)
    changed = await client.update_channel_account("29", "33", authorized=False)
    assert (account.id, account.inbox_id, account.authorized) == ("33", "5", True)
    assert changed.authorized is False
    created, patched = hubspot.requests
    assert created.path == f"{CHANNELS}/29/channel-accounts"
    assert "hapikey" not in created.query
    assert created.json == {
        "inboxId": "5",
        "name": "Bot",
        "deliveryIdentifier": {"type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": "botpress"},
        "authorized": True,
    }
    assert patched.json == {"authorized": False}


@pytest.mark.parametrize("status", [200, 201, 409])
async def test_a_published_message_tells_its_thread(
    client: HubSpotClient, hubspot: FakeHubSpot, status: int
) -> None:
    hubspot.answer(LANDED, status)
    assert await client.publish(MESSAGE) == Published("m1", "91")
    (request,) = hubspot.requests
    assert (request.method, request.path) == ("POST", f"{CHANNELS}/29/messages")
    assert request.json["integrationIdempotencyId"] == "msg"
    assert {"recipients", "attachments", "timestamp"} <= set(request.json)


async def test_publishing_is_repeated_because_hubspot_knows_its_id(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.hang_up()
    hubspot.answer(status=502)
    hubspot.answer(LANDED, 201)
    assert (await client.publish(MESSAGE)).message_id == "m1"
    assert hubspot.requests[0].body == hubspot.requests[2].body


async def test_a_publish_answer_without_a_thread_is_unexpected(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": "m1"}, 201)
    with pytest.raises(UnexpectedAnswer, match="conversationsThreadId"):
        await client.publish(MESSAGE)


def lay_out_conflict(hubspot: FakeHubSpot, *history: dict[str, object]) -> None:
    hubspot.answer({"category": "CONFLICT"}, 409)
    hubspot.answer({"id": "33", "inboxId": "5"})
    threads = [
        {"id": "90", "originalChannelAccountId": "1"},
        {"id": "91", "originalChannelAccountId": "33"},
    ]
    hubspot.answer({"results": threads})
    hubspot.answer({"results": list(history)})


async def test_after_a_bare_409_the_message_is_looked_for(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    by_user = [{"deliveryIdentifier": {"value": "user@example.test"}}]
    lay_out_conflict(
        hubspot,
        {"id": "m3", "text": "Hi", "senders": by_user, "createdAt": 1_760_000_009_000},
        {"id": "m2", "text": "Hi", "senders": by_user, "createdAt": 1_760_000_000_000},
        {"id": "m1", "text": "Hi", "senders": []},
        {"id": "m0", "text": "Other", "senders": by_user},
    )
    assert await client.publish(MESSAGE) == Published("m2", "91")


async def test_a_409_whose_message_is_nowhere_is_a_conflict(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    lay_out_conflict(hubspot)
    with pytest.raises(VendorConflict, match="CONFLICT"):
        await client.publish(MESSAGE)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_409_whose_message_may_not_be_looked_for_is_a_conflict(
    client: HubSpotClient, hubspot: FakeHubSpot, status: int
) -> None:
    hubspot.answer({"category": "CONFLICT"}, 409)
    hubspot.answer({"id": "33", "inboxId": "5"})
    hubspot.answer({"category": "OBJECT_NOT_FOUND"}, status)
    with pytest.raises(VendorConflict, match="published before"):
        await client.publish(MESSAGE)


async def test_the_agent_is_told_what_became_of_a_message(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({})
    hubspot.answer({})
    await client.set_message_status("29", "m1", "SENT")
    await client.set_message_status("29", "m1", "FAILED", "The user has left.")
    sent, failed = hubspot.requests
    assert (sent.method, sent.path) == ("PATCH", f"{CHANNELS}/29/messages/m1")
    assert sent.json == {"statusType": "SENT"}
    assert failed.json == {"statusType": "FAILED", "errorMessage": "The user has left."}


async def test_a_thread_is_read_even_when_it_is_archived(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({}, 404)
    hubspot.answer({"id": "91", "archived": True, "status": "OPEN"})
    assert (await client.thread("91")).archived is True
    assert hubspot.requests[1].query == {"association": "TICKET", "archived": "true"}


async def test_a_thread_that_is_nowhere_is_not_found(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({}, 404)
    hubspot.answer({}, 404)
    with pytest.raises(VendorNotFound):
        await client.thread("91")


async def test_threads_are_listed_by_inbox_and_latest_message(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"results": [{"id": 91}]})
    threads = await client.threads(inbox_id="5", latest_message_after_ms=0)
    assert [thread.id for thread in threads] == ["91"]
    assert hubspot.requests[0].query == {
        "inboxId": "5",
        "latestMessageTimestampAfter": "1970-01-01T00:00:00.000Z",
        "sort": "latestMessageTimestamp",
        "limit": "500",
    }


async def test_a_thread_is_closed_and_assigned(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    hubspot.answer({})
    hubspot.answer({})
    hubspot.answer(status=204)
    await client.set_thread_status("91", "CLOSED")
    await client.assign_thread("91", "A-1")
    await client.assign_thread("91", None)
    closed, assigned, freed = hubspot.requests
    assignee = "/conversations/conversations/2026-09-beta/threads/91/assignee"
    assert (closed.method, closed.json) == ("PATCH", {"status": "CLOSED"})
    assert (assigned.method, assigned.path) == ("PUT", assignee)
    assert assigned.json == {"actorId": "A-1"}
    assert (freed.method, freed.path) == ("DELETE", assignee)


async def test_history_is_read_up_to_its_limit(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    page = [{"id": "1"}, {"id": "2"}]
    hubspot.answer({"results": page, "paging": {"next": {"after": "a"}}})
    hubspot.answer({"results": page, "paging": {"next": {"after": "b"}}})
    messages = await client.thread_messages("91", newest_first=True, limit=3)
    assert [message.id for message in messages] == ["1", "2", "1"]
    assert hubspot.requests[0].query == {"sort": "-createdAt", "limit": "3"}


async def test_of_what_was_written_before_only_the_time_is_read(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    entry = {"id": "3", "createdAt": 30}
    hubspot.answer({"results": [entry, {"createdAt": 20}, {"createdAt": 10}]})
    [found] = await client.thread_messages_since("91", 30, looks=(3, 50))
    assert (found.id, len(hubspot.requests)) == ("3", 1)


async def test_a_look_that_goes_not_far_enough_back_is_followed_by_a_longer_one(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    newest = [{"id": "4", "createdAt": 40}, {"id": "3", "createdAt": 30}]
    hubspot.answer({"results": newest})
    hubspot.answer({"results": [*newest, {"id": "2", "createdAt": 20}]})
    found = await client.thread_messages_since("91", 15, looks=(2, 50))
    assert [one.id for one in found] == ["4", "3", "2"]
    assert [request.query["limit"] for request in hubspot.requests] == ["2", "50"]


async def test_one_entry_and_its_full_text_are_read(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": "m1", "text": "cut", "truncationStatus": "TRUNCATED"})
    hubspot.answer({"text": "whole", "richText": "<p>whole</p>"})
    assert (await client.thread_message("91", "m1")).truncated is True
    assert await client.original_content("91", "m1") == ("whole", "<p>whole</p>")
    assert hubspot.requests[1].path == f"{THREADS}/91/messages/m1/original-content"


async def test_a_comment_is_sent_once(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    hubspot.answer({"id": "c1", "text": "Note"}, 201)
    hubspot.answer(status=500)
    assert await client.comment("91", "Note", rich_text="<p>Note</p>") == "Note"
    with pytest.raises(VendorFault):
        await client.comment("91", "Note")
    assert hubspot.requests[0].json == {
        "type": "COMMENT",
        "text": "Note",
        "richText": "<p>Note</p>",
        "attachments": [],
    }
    assert len(hubspot.requests) == 2


async def test_an_actor_is_read_once_in_ten_minutes(
    client: HubSpotClient, hubspot: FakeHubSpot, clock: FakeClock
) -> None:
    for name in ("Ada", "Bea"):
        hubspot.answer({"id": "A-1", "type": "AGENT", "name": name, "avatar": "https://a"})
    assert (await client.actor("A-1")).name == "Ada"
    clock.advance(599)
    assert (await client.actor("A-1")).name == "Ada"
    clock.advance(2)
    assert (await client.actor("A-1")).name == "Bea"


async def test_a_contact_is_read_by_email(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    hubspot.answer({"id": "512", "properties": {"email": "a+b@c.test"}})
    hubspot.answer({}, 404)
    contact = await client.contact("a+b@c.test", by="email", properties=["email", "phone"])
    assert contact is not None
    assert contact.email == "a+b@c.test"
    assert await client.contact("513", by="id") is None
    by_email, by_id = hubspot.requests
    assert by_email.path == "/crm/objects/2026-03/contacts/a%2Bb%40c.test"
    assert by_email.query == {"idProperty": "email", "properties": "email,phone"}
    assert by_id.query == {}


async def test_contacts_are_searched_on_every_page(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer(
        {"results": [{"id": 1, "properties": {"phone": "1"}}], "paging": {"next": {"after": "200"}}}
    )
    hubspot.answer({"results": [{"id": 2, "properties": {"phone": "1"}}]})
    found = await client.search_contacts("phone", "+4930", ["phone"])
    first, second = hubspot.requests
    assert [contact.id for contact in found] == ["1", "2"]
    assert first.json["filterGroups"] == [
        {"filters": [{"propertyName": "phone", "operator": "EQ", "value": "+4930"}]}
    ]
    assert (second.json["after"], second.query) == ("200", {})


async def test_a_contact_is_created_and_changed(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"id": "1", "properties": {"email": "a@b.test"}}, 201)
    hubspot.answer({"category": "CONFLICT"}, 409)
    hubspot.answer({"id": "1", "properties": {}})
    await client.create_contact({"email": "a@b.test"})
    with pytest.raises(VendorConflict):
        await client.create_contact({"email": "a@b.test"})
    await client.update_contact("1", {"phone": "1"})
    assert hubspot.requests[0].json["properties"] == {"email": "a@b.test"}
    assert (hubspot.requests[2].method, hubspot.requests[2].json) == (
        "PATCH",
        {"properties": {"phone": "1"}},
    )


async def test_a_file_is_uploaded_as_private(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    hubspot.answer({"id": 12}, 201)
    file_id = await client.upload_file(
        b"\x00\xff", name='b\u00e4"r\r\n.png', content_type="nonsense", folder="/hitl"
    )
    (request,) = hubspot.requests
    assert file_id == "12"
    assert request.path == "/files/2026-03/files"
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert b"\x00\xff" in request.body
    assert b'{"access": "PRIVATE"}' in request.body
    assert b"application/octet-stream" in request.body


async def test_a_private_file_gets_a_signed_url(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"url": "https://signed"})
    hubspot.answer({})
    assert await client.file_url("12", expires_s=60) == "https://signed"
    assert hubspot.requests[0].query == {"expirationSeconds": "60"}
    with pytest.raises(UnexpectedAnswer):
        await client.file_url("12")


async def test_a_private_app_token_tells_its_portal(
    client: HubSpotClient, hubspot: FakeHubSpot
) -> None:
    hubspot.answer({"hubId": 341, "appId": 77, "userId": 5, "scopes": ["a"]})
    assert (await client.portal()).portal_id == "341"


READS: list[Callable[[HubSpotClient], Awaitable[object]]] = [
    lambda client: client.inboxes(),
    lambda client: client.thread("91"),
    lambda client: client.actor("A-1"),
    lambda client: client.contact("1", by="id"),
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("body", ["", "null", "[]", "12", '"x"', "{}"])
async def test_an_answer_of_another_shape_is_unexpected(
    client: HubSpotClient,
    hubspot: FakeHubSpot,
    read: Callable[[HubSpotClient], Awaitable[object]],
    body: str,
) -> None:
    hubspot.answer(text=body)
    with pytest.raises(UnexpectedAnswer):
        await read(client)


async def test_a_thread_is_archived(client: HubSpotClient, hubspot: FakeHubSpot) -> None:
    hubspot.answer(status=204)
    await client.archive_thread("9")
    (request,) = hubspot.requests
    assert request.method == "DELETE"
    assert request.path.endswith("/threads/9")
