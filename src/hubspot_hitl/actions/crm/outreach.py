"""Actions `enrollInSequence`, `addToList`, `removeFromList` and `sendEmail`."""

from __future__ import annotations

from hubspot_hitl.actions.crm.refusals import explaining
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.identity import email_of
from hubspot_hitl.integration.crm.tools import (
    AddToListOutput,
    EnrollInSequenceInput,
    EnrollInSequenceOutput,
    ListMembersInput,
    RemoveFromListOutput,
    SendEmailInput,
    SendEmailOutput,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm import Crm
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.services import Services

BY_HAND = frozenset({"MANUAL", "SNAPSHOT", ""})


async def enroll_in_sequence(
    services: Services, installation: Installation, input_: EnrollInSequenceInput
) -> EnrollInSequenceOutput:
    """Enrol a contact in the sender's name. Raises ActionRefused naming what is missing."""
    async with explaining(services, installation, CrmType.CONTACT):
        crm = services.crm.of(installation)
        email = input_.sender_email.strip().lower()
        owners = await crm.owners(email=email)
        user_id = next((one.user_id for one in owners if one.user_id), None)
        if user_id is None:
            raise ActionRefused("No user of the portal has the sender's email address.")
        sequence_id = await _sequence_id(crm, user_id, input_.sequence.strip())
        done = await crm.enroll(user_id, sequence_id, input_.contact_id, email)
    return EnrollInSequenceOutput(id=done.id, to_email=done.to_email)


async def _sequence_id(crm: Crm, user_id: str, wanted: str) -> str:
    if wanted.isdigit():
        return wanted
    sequences = await crm.sequences(user_id)
    for one in sequences:
        if one.name.strip().casefold() == wanted.casefold():
            return one.id
    names = ", ".join(repr(one.name) for one in sequences) or "none"
    raise ActionRefused(f"The sender has no sequence {wanted!r}. There are: {names}.")


async def add_to_list(
    services: Services, installation: Installation, input_: ListMembersInput
) -> AddToListOutput:
    """Add contacts to a list; those that are in it already are none of the added."""
    async with explaining(services, installation, CrmType.CONTACT):
        crm = services.crm.of(installation)
        list_id = await _list_id(crm, input_.list)
        done = await crm.add_to_list(list_id, input_.contact_ids)
    return AddToListOutput(added=done.added, missing=done.missing)


async def remove_from_list(
    services: Services, installation: Installation, input_: ListMembersInput
) -> RemoveFromListOutput:
    """Take contacts out of a list."""
    async with explaining(services, installation, CrmType.CONTACT):
        crm = services.crm.of(installation)
        list_id = await _list_id(crm, input_.list)
        done = await crm.remove_from_list(list_id, input_.contact_ids)
    return RemoveFromListOutput(removed=done.removed, missing=done.missing)


async def _list_id(crm: Crm, wanted: str) -> str:
    name = wanted.strip()
    found = await crm.list_by_id(name) if name.isdigit() else None
    found = found or await crm.list_named(name)
    if found is None:
        raise ActionRefused(f"There is no contact list {name!r}. Names are matched exactly.")
    if found.processing not in BY_HAND:
        raise ActionRefused(
            f"The list {found.name!r} fills itself by its filters; only lists whose members are"
            " kept by hand can be changed."
        )
    return found.id


async def send_email(
    services: Services, installation: Installation, input_: SendEmailInput
) -> SendEmailOutput:
    """Send a published transactional email. Raises ActionRefused for no email address."""
    to = email_of(input_.to)
    if to is None:
        raise ActionRefused("'to' must be an email address.")
    async with explaining(services, installation, CrmType.CONTACT):
        sent = await services.crm.of(installation).send_email(
            input_.email_id,
            to,
            input_.send_id or services.new_id(),
            contact_properties=input_.contact_properties,
            custom_properties=input_.custom_properties,
        )
    return SendEmailOutput(id=sent.id, status=sent.result or sent.status)
