"""Create, get, update, delete, search: the same five for every kind of CRM record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from hubspot_hitl.actions.crm.refusals import explaining
from hubspot_hitl.crm.pipelines import place_of
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.integration.crm.inputs import ById, CrmInput, MoreProperties, Staged, values_of
from hubspot_hitl.integration.crm.records import (
    DeleteRecordInput,
    DeleteRecordOutput,
    FilterInput,
    ForCompany,
    ForContact,
    GetCompanyInput,
    GetContactInput,
    GetRecordInput,
    GetRecordOutput,
    RecordOutput,
    RefusedContact,
    SearchRecordsInput,
    SearchRecordsOutput,
    UpsertContactInput,
    UpsertContactOutput,
    UpsertContactsInput,
    UpsertContactsOutput,
    UpsertedContact,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmObject, CrmType, Filter, Keyed, Link, Operator, Search
from hubspot_hitl.ports.services import Services

GetInput = GetRecordInput | GetContactInput | GetCompanyInput

USUAL: Final[Mapping[CrmType, tuple[str, ...]]] = MappingProxyType(
    {
        CrmType.CONTACT: (
            "email",
            "firstname",
            "lastname",
            "phone",
            "mobilephone",
            "company",
            "lifecyclestage",
            "hubspot_owner_id",
        ),
        CrmType.COMPANY: ("name", "domain", "phone", "industry", "hubspot_owner_id"),
        CrmType.DEAL: (
            "dealname",
            "amount",
            "closedate",
            "pipeline",
            "dealstage",
            "hubspot_owner_id",
        ),
        CrmType.TICKET: (
            "subject",
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "hubspot_owner_id",
        ),
        CrmType.LEAD: (
            "hs_lead_name",
            "hs_lead_type",
            "hs_lead_label",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hubspot_owner_id",
        ),
    }
)
"""What is returned when nothing else is asked for."""

_STAGE_NEEDED: Final = frozenset({CrmType.DEAL, CrmType.TICKET})


def create(
    type_: CrmType,
) -> Callable[[Services, Installation, MoreProperties], Awaitable[RecordOutput]]:
    """The handler that creates a record of a type."""

    async def handle(
        services: Services, installation: Installation, input_: MoreProperties
    ) -> RecordOutput:
        async with explaining(services, installation, type_):
            values = await _values(services, installation, type_, input_, new=True)
            crm = services.crm.of(installation)
            return record(await crm.create(type_, values, links=_links(input_)))

    return handle


def get(type_: CrmType) -> Callable[[Services, Installation, GetInput], Awaitable[GetRecordOutput]]:
    """The handler that reads a record of a type."""

    async def handle(
        services: Services, installation: Installation, input_: GetInput
    ) -> GetRecordOutput:
        key, by = input_.id or "", None
        if isinstance(input_, GetContactInput) and input_.email:
            key, by = input_.email.strip(), "email"
        elif isinstance(input_, GetCompanyInput) and input_.domain:
            key, by = input_.domain.strip().lower(), "domain"
        wanted = input_.properties or USUAL[type_]
        async with explaining(services, installation, type_):
            found = await services.crm.of(installation).get(type_, key, by=by, properties=wanted)
        if found is None:
            return GetRecordOutput(found=False)
        return GetRecordOutput(found=True, record=record(found))

    return handle


def update(
    type_: CrmType,
) -> Callable[[Services, Installation, ById], Awaitable[RecordOutput]]:
    """The handler that changes a record of a type."""

    async def handle(services: Services, installation: Installation, input_: ById) -> RecordOutput:
        async with explaining(services, installation, type_):
            values = await _values(services, installation, type_, input_, new=False)
            if not values:
                raise ActionRefused(f"Nothing to change in the {type_.one}: give a property.")
            return record(await services.crm.of(installation).update(type_, input_.id, values))

    return handle


def delete(
    type_: CrmType,
) -> Callable[[Services, Installation, DeleteRecordInput], Awaitable[DeleteRecordOutput]]:
    """The handler that archives a record of a type."""

    async def handle(
        services: Services, installation: Installation, input_: DeleteRecordInput
    ) -> DeleteRecordOutput:
        async with explaining(services, installation, type_):
            await services.crm.of(installation).delete(type_, input_.id)
        return DeleteRecordOutput(id=input_.id)

    return handle


def search(
    type_: CrmType,
) -> Callable[[Services, Installation, SearchRecordsInput], Awaitable[SearchRecordsOutput]]:
    """The handler that searches records of a type."""

    async def handle(
        services: Services, installation: Installation, input_: SearchRecordsInput
    ) -> SearchRecordsOutput:
        wanted = Search(
            groups=(tuple(_filter(one) for one in input_.filters),) if input_.filters else (),
            query=input_.query,
            sorts=(input_.sort,) if input_.sort else (),
            properties=input_.properties or USUAL[type_],
        )
        async with explaining(services, installation, type_):
            page = await services.crm.of(installation).search(
                type_, wanted, limit=input_.limit, after=input_.after
            )
        records = tuple(record(one) for one in page.objects)
        return SearchRecordsOutput(total=page.total, records=records, after=page.after)

    return handle


async def upsert_contact(
    services: Services, installation: Installation, input_: UpsertContactInput
) -> UpsertContactOutput:
    """Change the contact with this email or own unique property, or create it."""
    async with explaining(services, installation, CrmType.CONTACT):
        values = values_of(input_)
        crm = services.crm.of(installation)
        done = await crm.upsert(
            CrmType.CONTACT, values[input_.match_by], by=input_.match_by, properties=values
        )
        if input_.company_id:
            await crm.associate(CrmType.CONTACT, done.object.id, CrmType.COMPANY, input_.company_id)
    shown = record(done.object)
    return UpsertContactOutput(**shown.model_dump(), created=done.created)


async def upsert_contacts(
    services: Services, installation: Installation, input_: UpsertContactsInput
) -> UpsertContactsOutput:
    """Change or create many contacts; what HubSpot refuses is told, the others are done."""
    by = input_.match_by
    values = [values_of(one) for one in input_.contacts]
    async with explaining(services, installation, CrmType.CONTACT):
        found = await services.crm.of(installation).upsert_batch(
            CrmType.CONTACT, [Keyed(one[by], one) for one in values], by=by
        )
    done = tuple(
        UpsertedContact(key=key, id=one.object.id, created=one.created)
        for key, one in found.done.items()
    )
    refused = tuple(RefusedContact(keys=one.ids, message=one.message) for one in found.problems)
    return UpsertContactsOutput(done=done, refused=refused)


def record(found: CrmObject) -> RecordOutput:
    """A record as an action returns it: only properties that have a value."""
    return RecordOutput(
        id=found.id,
        properties={name: value for name, value in found.properties.items() if value},
        created_at=iso(found.created_ms),
        updated_at=iso(found.updated_ms),
    )


def iso(at_ms: int | None) -> str | None:
    """Epoch milliseconds as ISO 8601 in UTC."""
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _values(
    services: Services, installation: Installation, type_: CrmType, input_: CrmInput, *, new: bool
) -> dict[str, str]:
    """What to write, with pipeline and stage by their ids.

    New deals and tickets need a stage; without one they begin in the first of the pipeline.
    """
    values = values_of(input_)
    if not isinstance(input_, Staged):
        return values
    if input_.stage or input_.pipeline or (new and type_ in _STAGE_NEEDED):
        place = await place_of(services, installation, type_, input_.pipeline, input_.stage)
        values = {**place.properties(type_), **values}
    return values


def _links(input_: CrmInput) -> list[Link]:
    links: list[Link] = []
    if isinstance(input_, ForContact) and input_.contact_id:
        links.append(Link(CrmType.CONTACT, input_.contact_id))
    if isinstance(input_, ForCompany) and input_.company_id:
        links.append(Link(CrmType.COMPANY, input_.company_id))
    return links


def _filter(one: FilterInput) -> Filter:
    operator = Operator(one.operator)
    many = operator in (Operator.IN, Operator.NOT_IN)
    values = tuple(part.strip() for part in one.value.split(";") if part.strip()) if many else ()
    return Filter(one.property, operator, one.value, values)
