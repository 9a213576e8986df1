"""Actions `createNote`, `createTask`, `createTimelineEvent`: what is put on a time line."""

from __future__ import annotations

from hubspot_hitl.actions.crm.records import iso
from hubspot_hitl.actions.crm.refusals import explaining
from hubspot_hitl.crm.values import moment_of
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.identity import email_of
from hubspot_hitl.integration.crm.inputs import values_of
from hubspot_hitl.integration.crm.tools import (
    CreatedOutput,
    CreateNoteInput,
    CreateTaskInput,
    CreateTimelineEventInput,
    CreateTimelineEventOutput,
    OnRecord,
)
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, Link, TimelineEvent
from hubspot_hitl.ports.services import Services


async def create_note(
    services: Services, installation: Installation, input_: CreateNoteInput
) -> CreatedOutput:
    """Put a note on the records that are named, dated now."""
    values = {**values_of(input_), "hs_timestamp": iso(services.clock.now_ms()) or ""}
    return await _create(services, installation, CrmType.NOTE, values, input_)


async def create_task(
    services: Services, installation: Installation, input_: CreateTaskInput
) -> CreatedOutput:
    """Give the owner a task about the records that are named. Raises ActionRefused."""
    due_ms = services.clock.now_ms()
    if input_.due:
        moment = moment_of(input_.due)
        if moment is None:
            raise ActionRefused("'due' must be a date such as 2026-05-31, or 2026-05-31T09:00:00Z.")
        due_ms = int(moment.timestamp() * 1000)
    values = {
        **values_of(input_),
        "hs_task_status": "NOT_STARTED",
        "hs_timestamp": iso(due_ms) or "",
    }
    return await _create(services, installation, CrmType.TASK, values, input_)


async def create_timeline_event(
    services: Services, installation: Installation, input_: CreateTimelineEventInput
) -> CreateTimelineEventOutput:
    """Put an event of the app on a contact's time line, dated now."""
    email = email_of(input_.email)
    if input_.email is not None and email is None:
        raise ActionRefused("'email' must be an email address.")
    event = TimelineEvent(
        type=input_.event_type.strip(),
        id=input_.event_id or services.new_id(),
        at_ms=services.clock.now_ms(),
        properties=input_.properties,
        contact_id=input_.contact_id,
        email=email,
    )
    async with explaining(services, installation, CrmType.CONTACT):
        created = await services.crm.of(installation).timeline_event(event)
    return CreateTimelineEventOutput(id=event.id, created=created)


async def _create(
    services: Services,
    installation: Installation,
    type_: CrmType,
    values: dict[str, str],
    input_: OnRecord,
) -> CreatedOutput:
    targets = (
        (CrmType.CONTACT, input_.contact_id),
        (CrmType.COMPANY, input_.company_id),
        (CrmType.DEAL, input_.deal_id),
        (CrmType.TICKET, input_.ticket_id),
    )
    links = [Link(kind, id_) for kind, id_ in targets if id_]
    async with explaining(services, installation, type_):
        made = await services.crm.of(installation).create(type_, values, links=links)
    return CreatedOutput(id=made.id)
