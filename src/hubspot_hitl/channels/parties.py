"""Who speaks to whom in a thread: the user, the bot, and our own channel account."""

from __future__ import annotations

from hubspot_hitl.handoff.identity import IdentifierKind, identifier_for
from hubspot_hitl.handoff.records import Handoff, Person
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot_records import DeliveryIdentifier, IdentifierType, Party
from hubspot_hitl.ports.services import Services

BOT_NAME = "Bot"
_TYPES: dict[IdentifierKind, IdentifierType] = {
    "email": IdentifierType.EMAIL,
    "phone": IdentifierType.PHONE,
    "opaque": IdentifierType.OPAQUE,
}


def party_of(person: Person) -> Party:
    """The end user as the sender of a channel message: by email, phone or opaque id."""
    found = identifier_for(user_id=person.user_id, email=person.email, phone=person.phone)
    return Party(DeliveryIdentifier(_TYPES[found.kind], found.value), person.name)


def bot_party(installation: Installation) -> Party:
    """The bot itself, for what it says in its own name."""
    return Party(DeliveryIdentifier(IdentifierType.OPAQUE, f"bot-{installation.bot_id}"), BOT_NAME)


async def sender_of(
    services: Services, installation: Installation, handoff: Handoff, user_id: str | None
) -> Party:
    """Who said a message: the user that Botpress names in `payload.userId`, else the bot."""
    if user_id is None:
        return bot_party(installation)
    person = await services.people.user(installation.id, user_id)
    return party_of(
        person or Person(installation_id=installation.id, user_id=user_id, name=handoff.user_name)
    )


def recipient_of(binding_identifier: str) -> Party:
    """Our channel account, the recipient HubSpot requires of every incoming message."""
    return Party(DeliveryIdentifier(IdentifierType.OPAQUE, binding_identifier))


async def account_identifier(services: Services, handoff: Handoff) -> str:
    """The delivery identifier of the handoff's channel account."""
    for binding in await services.installations.bindings(handoff.installation_id):
        if binding.channel_account_id == handoff.channel_account_id:
            return binding.identifier
    return f"botpress-{handoff.inbox_id}"
