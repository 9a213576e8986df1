"""Which CRM contact a handoff belongs to. Never a reason for a handoff not to start."""

from __future__ import annotations

import structlog

from hubspot_hitl.errors import VendorConflict, VendorError
from hubspot_hitl.handoff.identity import email_of, phone_of
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot import Contact, HubSpot
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


async def contact_id_of(
    services: Services, installation: Installation, person: Person
) -> str | None:
    """The id of the user's contact, created when missing and wanted; None for anonymous users.

    A contact is created only when HubSpot says that there is none. Any failure is logged and gives
    None: the agent then sees a visitor without a contact, which is better than no agent.
    """
    email, phone = email_of(person.email), phone_of(person.phone)
    if not email and not phone:
        return None
    hubspot = services.hubspot.of(installation)
    create = installation.configuration.create_contacts
    try:
        found = await _find(hubspot, email, phone)
        if found is None and create:
            found = await _create(hubspot, person, email, phone)
    except VendorError as error:
        log.warning("contact_not_linked", installation=installation.id, error=error.code)
        return None
    return found.id if found else None


async def _find(hubspot: HubSpot, email: str | None, phone: str | None) -> Contact | None:
    if email:
        found = await hubspot.contact(email, by="email")
        if found is not None:
            return found
    for name in ("phone", "mobilephone") if phone else ():
        contacts = await hubspot.search_contacts(name, phone or "")
        if contacts:
            return contacts[0]
    return None


async def _create(
    hubspot: HubSpot, person: Person, email: str | None, phone: str | None
) -> Contact | None:
    first, _, last = (person.name or "").strip().partition(" ")
    fields = {"email": email, "phone": phone, "firstname": first, "lastname": last.strip()}
    try:
        return await hubspot.create_contact({key: value for key, value in fields.items() if value})
    except VendorConflict:
        # Somebody made it in between.
        return await hubspot.contact(email, by="email") if email else None
