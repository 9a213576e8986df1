"""Which CRM contact a handoff belongs to. Never a reason for a handoff not to start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import structlog

from hubspot_hitl.errors import BadConfiguration, VendorConflict, VendorError, VendorRefused
from hubspot_hitl.handoff.identity import email_of, phone_of
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.json_values import is_object
from hubspot_hitl.ports.crm_records import FieldsRefused
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.hubspot_records import Contact
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 8.0
SOURCES: Final = (
    "user.id",
    "user.name",
    "user.firstName",
    "user.lastName",
    "user.email",
    "user.phone",
    "user.language",
    "user.pictureUrl",
    "session.intent",
    "session.language",
    "session.pageUrl",
    "session.priority",
    "session.reason",
    "session.sentiment",
    "session.subject",
)
"""Where the value of a mapped property can come from; a text that begins with "=" is the value."""
_PHONES: Final = frozenset({"phone", "mobilephone"})


@dataclass(frozen=True, slots=True)
class ContactLink:
    """The user's contact. Without an id there is none, or, if not `known`, nobody could tell."""

    id: str | None = None
    known: bool = True


async def contact_id_of(
    services: Services,
    installation: Installation,
    person: Person,
    session: HitlSession | None = None,
) -> str | None:
    """The id of the user's contact; None when there is none or nobody could tell."""
    return (await link_contact(services, installation, person, session)).id


async def link_contact(
    services: Services,
    installation: Installation,
    person: Person,
    session: HitlSession | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> ContactLink:
    """The user's contact, created when missing and wanted; none for anonymous users.

    A contact is created only when HubSpot says that there is none. Mapped properties fill what is
    empty and overwrite nothing. Any failure is logged and gives no id: the agent then sees a
    visitor without a contact, which is better than no agent.
    """
    values = _values(installation, person, session)
    matching = _matching(installation.configuration.contact_matching, values)
    if not matching:
        return ContactLink()
    hubspot = services.hubspot.of(installation)
    try:
        async with asyncio.timeout(timeout_s):
            found = await _find(installation, hubspot, matching, tuple(values))
            if found is not None:
                await _fill(installation, hubspot, found, values)
            elif installation.configuration.create_contacts:
                found = await _create(installation, hubspot, values)
    except TimeoutError:
        log.warning("contact_not_linked", installation=installation.id, error="too_slow")
        return ContactLink(known=False)
    except VendorError as error:
        log.warning("contact_not_linked", installation=installation.id, error=error.code)
        return ContactLink(known=False)
    return ContactLink(found.id if found else None)


@lru_cache(maxsize=256)
def mapping_of(text: str) -> Mapping[str, str]:
    """The further properties and their sources. Raises BadConfiguration naming the wrong one.

    >>> dict(mapping_of('{"hs_language": "user.language", "lead_source": "=chat"}'))
    {'hs_language': 'user.language', 'lead_source': '=chat'}
    """
    if not text.strip():
        return MappingProxyType({})
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError):
        raise BadConfiguration(
            "Contact properties (contactProperties) is not valid JSON."
        ) from None
    if not is_object(raw):
        raise BadConfiguration("Contact properties (contactProperties) must be a JSON object.")
    found: dict[str, str] = {}
    for name, source in raw.items():
        if not isinstance(source, str) or not (source in SOURCES or source.startswith("=")):
            raise BadConfiguration(
                f"Contact properties (contactProperties): {name!r} has an unknown source."
                f" Use one of {', '.join(SOURCES)}, or a fixed value after '='."
            )
        found[name] = source
    return MappingProxyType(found)


def _values(
    installation: Installation, person: Person, session: HitlSession | None
) -> dict[str, str]:
    """Everything we could write into the contact, by property; the mapping wins."""
    email, phone = email_of(person.email), phone_of(person.phone)
    first, _, last = (person.name or "").strip().partition(" ")
    told = session or HitlSession()
    sources: dict[str, str | None] = {
        "user.id": person.user_id,
        "user.name": person.name,
        "user.firstName": first,
        "user.lastName": last.strip(),
        "user.email": email,
        "user.phone": phone,
        "user.language": told.language or person.language,
        "user.pictureUrl": person.picture_url,
        "session.intent": told.intent,
        "session.language": told.language,
        "session.pageUrl": told.page_url,
        "session.priority": told.priority,
        "session.reason": told.reason,
        "session.sentiment": told.sentiment,
        "session.subject": told.subject,
    }
    values = {"email": email, "phone": phone, "firstname": first, "lastname": last.strip()}
    for name, source in _mapped(installation).items():
        values[name] = source[1:] if source.startswith("=") else sources[source]
    return {name: value for name, value in values.items() if value}


def matching_of(setting: str) -> tuple[str, ...]:
    """The properties by which contacts are looked for, in the order of the setting.

    >>> matching_of("email, phone,, email")
    ('email', 'phone')
    """
    names = (part.strip() for part in setting.replace("\n", ",").split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _matching(setting: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Property and value of each look-up; only those with a value."""
    found: list[tuple[str, str]] = []
    for name in matching_of(setting):
        value = values.get(name) or (values.get("phone") if name in _PHONES else None)
        if value:
            found.append((name, value))
    return found


async def _find(
    installation: Installation,
    hubspot: HubSpot,
    matching: list[tuple[str, str]],
    wanted: tuple[str, ...],
) -> Contact | None:
    """The first contact that a look-up finds; one that HubSpot refuses is left out."""
    for name, value in matching:
        if name == "email":
            found = await hubspot.contact(value, by="email", properties=wanted)
            if found is not None:
                return found
            continue
        try:
            contacts = await hubspot.search_contacts(name, value)
        except VendorRefused as error:
            log.error(
                "contact_matching_unusable",
                installation=installation.id,
                property=name,
                error=error.code,
                why=error.message,
            )
            continue
        for one in sorted(contacts, key=lambda contact: (len(contact.id), contact.id)):
            # Search lags: read by id, a merged contact answers as the one it became.
            found = await hubspot.contact(one.id, by="id", properties=wanted)
            if found is not None:
                return found
    return None


async def _fill(
    installation: Installation, hubspot: HubSpot, found: Contact, values: Mapping[str, str]
) -> None:
    """Write mapped properties that the contact has no value for."""
    mapped = _mapped(installation)
    missing = {
        name: value
        for name, value in values.items()
        if name in mapped and not found.properties.get(name)
    }
    if not missing:
        return
    try:
        while missing:
            try:
                await hubspot.update_contact(found.id, missing)
            except VendorRefused as error:
                missing = _without(installation, missing, error)
            else:
                return
    except VendorError as error:
        # The link matters more than its trimmings.
        log.warning(
            "contact_not_filled",
            installation=installation.id,
            contact=found.id,
            fields=sorted(missing),
            error=error.code,
        )


def _without(
    installation: Installation, values: Mapping[str, str], error: VendorRefused
) -> dict[str, str]:
    """The values without those that HubSpot refused; without the mapped ones if it named none.

    Raises the error again when there is nothing to leave out.
    """
    named = {one.name for one in error.problems} if isinstance(error, FieldsRefused) else set[str]()
    refused = (named or set(_mapped(installation))).intersection(values)
    if not refused:
        raise error
    log.warning(
        "contact_not_filled",
        installation=installation.id,
        fields=sorted(refused),
        error=error.code,
        why=error.message,
    )
    return {name: value for name, value in values.items() if name not in refused}


def _mapped(installation: Installation) -> Mapping[str, str]:
    """The installation's mapping; an unusable one is logged and counts as none."""
    try:
        return mapping_of(installation.configuration.contact_properties)
    except BadConfiguration as error:
        log.error("contact_properties_unusable", installation=installation.id, error=error.code)
        return {}


async def _create(
    installation: Installation, hubspot: HubSpot, values: Mapping[str, str]
) -> Contact | None:
    """Make the contact; without the properties that HubSpot does not take.

    Not without an address: nobody would find such a contact again.
    """
    try:
        while "email" in values or "phone" in values:
            try:
                return await hubspot.create_contact(values)
            except VendorRefused as error:
                values = _without(installation, values, error)
    except VendorConflict:
        # Somebody made it in between.
        email = values.get("email")
        return await hubspot.contact(email, by="email") if email else None
    return None
