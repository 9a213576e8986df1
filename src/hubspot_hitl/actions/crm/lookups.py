"""Actions `getOwner`, `discoverFields` and `createVisitorToken`."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.actions.crm.records import iso
from hubspot_hitl.actions.crm.refusals import explaining
from hubspot_hitl.crm.fields import fields_of
from hubspot_hitl.crm.settings import Upkeep, keep_up
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.identity import email_of
from hubspot_hitl.integration.crm.tools import (
    CreateVisitorTokenInput,
    CreateVisitorTokenOutput,
    DiscoverFieldsInput,
    DiscoverFieldsOutput,
    FieldOption,
    FieldOutput,
    GetOwnerInput,
    GetOwnerOutput,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, Owner, Property
from hubspot_hitl.ports.services import Services

TOKEN_LIFE_MS: Final = 12 * 3_600_000


async def get_owner(
    services: Services, installation: Installation, input_: GetOwnerInput
) -> GetOwnerOutput:
    """Look an owner up by id, by user id or by email."""
    crm = services.crm.of(installation)
    found: Owner | None
    async with explaining(services, installation, CrmType.CONTACT):
        if input_.email is not None:
            owners = await crm.owners(email=input_.email.strip().lower())
            found = next(iter(owners), None)
        elif input_.user_id is not None:
            found = await crm.owner(input_.user_id, by="userId")
        else:
            found = await crm.owner(input_.id or "")
    if found is None:
        return GetOwnerOutput(found=False)
    return GetOwnerOutput(
        found=True,
        id=found.id,
        user_id=found.user_id,
        email=found.email,
        name=found.name or None,
        teams=found.teams,
    )


async def discover_fields(
    services: Services, installation: Installation, input_: DiscoverFieldsInput
) -> DiscoverFieldsOutput:
    """List the fields of an object; with `refresh`, also what changed in all objects."""
    type_ = CrmType(input_.object_type)
    async with explaining(services, installation, type_):
        found = await keep_up(services, installation) if input_.refresh else Upkeep((), ())
        snapshot = await fields_of(services, installation, type_)
    labels = {group.name: group.label for group in snapshot.groups}
    text = (input_.search or "").casefold()
    return DiscoverFieldsOutput(
        fields=tuple(
            _field(one, labels.get(one.group, one.group))
            for one in snapshot.properties
            if (one.writable or not input_.writable_only)
            and (text in one.name.casefold() or text in one.label.casefold())
        ),
        changes=tuple(change.sentence() for change in found.changes),
        broken_rules=tuple(f"{one.place}: {one.message}" for one in found.problems),
        fetched_at=iso(snapshot.fetched_ms) or "",
    )


def _field(found: Property, group: str) -> FieldOutput:
    return FieldOutput(
        name=found.name,
        label=found.label,
        type=found.type,
        group=group,
        description=found.description,
        options=tuple(
            FieldOption(value=one.value, label=one.label) for one in found.options if not one.hidden
        ),
        writable=found.writable,
        custom=found.custom,
    )


async def create_visitor_token(
    services: Services, installation: Installation, input_: CreateVisitorTokenInput
) -> CreateVisitorTokenOutput:
    """Make a token for HubSpot's own chat widget. Raises ActionRefused for no email address."""
    email = email_of(input_.email)
    if email is None:
        raise ActionRefused("'email' must be an email address.")
    async with explaining(services, installation, CrmType.CONTACT):
        token = await services.crm.of(installation).visitor_token(
            email, first_name=input_.first_name, last_name=input_.last_name
        )
    expires = iso(services.clock.now_ms() + TOKEN_LIFE_MS) or ""
    return CreateVisitorTokenOutput(token=token, expires_at=expires)
