from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.channels.parties import (
    account_identifier,
    bot_party,
    party_of,
    recipient_of,
    sender_of,
)
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.integration.installation import ChannelBinding
from hubspot_hitl.ports.hubspot_records import DeliveryIdentifier, IdentifierType, Party

OPAQUE, EMAIL, PHONE = IdentifierType.OPAQUE, IdentifierType.EMAIL, IdentifierType.PHONE


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        yield rooms


@pytest.mark.parametrize(
    ("email", "phone", "expected"),
    [
        ("Ada@Example.com", "+14155552671", DeliveryIdentifier(EMAIL, "ada@example.com")),
        (None, "+1 415 555 2671", DeliveryIdentifier(PHONE, "+14155552671")),
        ("+14155552671", None, DeliveryIdentifier(PHONE, "+14155552671")),
        ("u1@no-reply.bot-1.botpress.com", None, DeliveryIdentifier(OPAQUE, "u1")),
        ("None", "None", DeliveryIdentifier(OPAQUE, "u1")),
        (None, None, DeliveryIdentifier(OPAQUE, "u1")),
    ],
)
def test_a_user_is_named_by_email_phone_or_an_opaque_id(
    email: str | None, phone: str | None, expected: DeliveryIdentifier
) -> None:
    assert party_of(Person("hook", "u1", "Ada", email, phone)) == Party(expected, "Ada")


async def test_a_message_of_a_known_user_is_the_users(rooms: Rooms) -> None:
    await rooms.services.people.remember(Person("hook", "u1", "Ada", "ada@example.com"))
    sender = await sender_of(rooms.services, installation(), handoff(), "u1")
    assert sender == Party(DeliveryIdentifier(EMAIL, "ada@example.com"), "Ada")


async def test_a_message_of_an_unknown_user_has_the_name_of_the_handoff(rooms: Rooms) -> None:
    sender = await sender_of(rooms.services, installation(), handoff(user_name="Ada"), "u2")
    assert sender == Party(DeliveryIdentifier(OPAQUE, "u2"), "Ada")


async def test_a_message_of_nobody_is_the_bots(rooms: Rooms) -> None:
    sender = await sender_of(rooms.services, installation(), handoff(), None)
    assert sender == bot_party(installation())
    assert sender.identifier.value == "bot-bot"


async def test_the_recipient_is_the_account_of_the_handoff(rooms: Rooms) -> None:
    services = rooms.services
    await services.installations.remember(installation())
    bindings = [ChannelBinding("100", str(n), str(n), f"account-{n}") for n in (200, 201)]
    await services.installations.set_bindings("hook", bindings)
    named = await account_identifier(services, handoff(channel_account_id="201"))
    assert recipient_of(named).identifier == DeliveryIdentifier(OPAQUE, "account-201")


async def test_an_account_that_is_forgotten_has_the_name_we_give(rooms: Rooms) -> None:
    assert await account_identifier(rooms.services, handoff(inbox_id="5")) == "botpress-5"
