"""The exact requests of the HubSpot client, locked by cassettes (see README.md beside this)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from tests.contract.cassette_recording import CASSETTES, RECORDING, Recorded, cassette
from vcr.errors import CannotOverwriteExistingCassetteException

from hubspot_hitl.ports.hubspot_records import (
    Channel,
    ChannelAccount,
    ChannelMessage,
    Contact,
    DeliveryIdentifier,
    IdentifierType,
    Party,
)
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.twins.hubspot.options import HubSpotOptions

WEBHOOK_URL = "https://example.com/hubspot/webhooks/cassettes"
ACCOUNT = DeliveryIdentifier(IdentifierType.OPAQUE, "cassettes")
USER = Party(DeliveryIdentifier(IdentifierType.EMAIL, "ada@example.com"), "Ada")
PROPERTIES = ("email", "firstname")


async def channel_and_account(recorded: Recorded) -> tuple[Channel, ChannelAccount]:
    """A new channel, once HubSpot lists it, connected to an inbox."""
    client = recorded.client
    assert recorded.inbox_id in {inbox.id for inbox in await client.inboxes()}
    channel = await client.create_channel("Cassettes", WEBHOOK_URL, CAPABILITIES)
    for _ in range(60):
        if any(found.id == channel.id for found in await client.channels()):
            break
        await recorded.clock.sleep(2)
    account = await client.connect_channel(channel.id, recorded.inbox_id, "Cassettes", ACCOUNT)
    return channel, account


def message(channel: Channel, account: ChannelAccount) -> ChannelMessage:
    return ChannelMessage(
        channel_id=channel.id,
        channel_account_id=account.id,
        integration_thread_id="0b7c4a52-6d3c-4d5e-9a70-5a1f3b1a2c01",
        idempotency_id="message-1",
        text="Grüße, I need a person 👋",
        sender=USER,
        recipients=(Party(ACCOUNT),),
        timestamp_ms=1_780_000_000_123,
    )


async def test_a_refresh_token_becomes_an_access_token_that_tells_its_portal() -> None:
    async with cassette("oauth.yaml") as recorded:
        assert await recorded.tokens.token()
        portal = await recorded.client.portal()
        assert portal.portal_id
        assert "conversations.custom_channels.write" in portal.scopes
        assert RECORDING or recorded.all_played()


async def test_a_channel_is_created_listed_connected_and_deleted() -> None:
    async with cassette("channels.yaml") as recorded:
        client = recorded.client
        channel, account = await channel_and_account(recorded)
        try:
            (listed,) = [one for one in await client.channels() if one.id == channel.id]
            assert listed.webhook_url == WEBHOOK_URL
            (connected,) = await client.channel_accounts(channel.id)
            assert (connected.id, connected.authorized) == (account.id, True)
            await client.update_channel_account(channel.id, account.id, name="Renamed")
            await client.update_channel(channel.id, webhook_url=f"{WEBHOOK_URL}/2")
        finally:
            await client.delete_channel(channel.id)
        assert RECORDING or recorded.all_played()


async def test_a_message_is_published_once_and_its_thread_can_be_read_commented_and_closed() -> (
    None
):
    async with cassette("conversation.yaml") as recorded:
        client = recorded.client
        channel, account = await channel_and_account(recorded)
        try:
            said = message(channel, account)
            first = await client.publish(said)
            assert await client.publish(said) == first
            own = replace(said, idempotency_id="2", text="The bot says", direction="OUTGOING")
            bots = await client.publish(own)
            await client.set_message_status(channel.id, bots.message_id, "SENT")
            await client.set_message_status(channel.id, bots.message_id, "FAILED", "No such chat")
            assert await client.comment(first.thread_id, "A comment")
            entries = await client.thread_messages(first.thread_id, newest_first=True, limit=50)
            assert said.text in [entry.text for entry in entries]
            assert (
                await client.thread_message(first.thread_id, first.message_id)
            ).text == said.text
            author = next(a for entry in entries for a in entry.sender_actor_ids)
            assert (await client.actor(author)).id == author
            await client.set_thread_status(first.thread_id, "CLOSED")
            assert (await client.thread(first.thread_id)).status == "CLOSED"
        finally:
            await client.delete_channel(channel.id)
        assert RECORDING or recorded.all_played()


async def test_a_contact_is_created_searched_and_read_by_both_keys() -> None:
    async with cassette("contacts.yaml") as recorded:
        client = recorded.client
        email = "cassettes@example.com"
        contact: Contact | None = await client.contact(email, by="email", properties=PROPERTIES)
        if contact is None:
            contact = await client.create_contact({"email": email, "firstname": "Cassettes"})
        assert (await client.search_contacts("email", email, PROPERTIES)) is not None
        found = await client.contact(contact.id, by="id", properties=PROPERTIES)
        assert found is not None
        assert found.email == email
        assert await client.contact("nobody@example.com", by="email") is None
        assert RECORDING or recorded.all_played()


@pytest.mark.skipif(RECORDING, reason="while recording, any request is new")
@pytest.mark.parametrize(
    "change", [{"text": "Other"}, {"timestamp_ms": 1}, {"recipients": ()}, {"in_reply_to": "1"}]
)
async def test_a_request_that_changed_is_noticed(change: dict[str, object]) -> None:
    async with cassette("conversation.yaml") as recorded:
        channel, account = await channel_and_account(recorded)
        changed = replace(message(channel, account), **change)  # type: ignore[arg-type]  # any field
        with pytest.raises(CannotOverwriteExistingCassetteException):
            await recorded.client.publish(changed)


def test_cassettes_hold_no_secret_and_no_address_of_a_machine() -> None:
    options = HubSpotOptions()
    files = sorted(CASSETTES.glob("*.yaml"))
    assert len(files) == 4
    for file in files:
        text = file.read_text()
        assert "127.0.0.1" not in text
        assert "localhost" not in text
        secrets = (options.client_secret, options.developer_api_key, options.refresh_token)
        assert not [value for value in (*secrets, "twin-access-", "pat-") if value in text]
        uris = [one["request"]["uri"] for one in yaml.safe_load(text)["interactions"]]
        assert all(uri.startswith("https://api.hubapi.com/") for uri in uris)


def test_application_calls_carry_the_developer_key_and_the_app() -> None:
    text = (CASSETTES / "channels.yaml").read_text()
    requests = [one["request"] for one in yaml.safe_load(text)["interactions"]]
    created = [
        one
        for one in requests
        if one["method"] == "POST"
        and "/channel-accounts" not in one["uri"]
        and "oauth" not in one["uri"]
    ]
    assert len(created) == 1
    assert created[0]["uri"].endswith("?hapikey=%5Bhapikey%5D&appId=1000001")
    assert created[0]["headers"]["authorization"] == ["Bearer [access_token]"]
