"""The outcome of a chat in the CRM: which record goes to which stage, and the writing of it.

First it is decided which records are meant, and that is written down; then each is changed. So a
repeat changes the same records again, and never the contact's next open deal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hubspot_hitl.crm.fields import by_name, fields_of
from hubspot_hitl.crm.outcome_rules import Place, Then
from hubspot_hitl.crm.pipelines import place_of
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, Option
from hubspot_hitl.ports.services import Services

CLOSED = "hs_is_closed"
LIFECYCLE = "lifecyclestage"
MOST_DEALS = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """Properties to set in one record."""

    type: CrmType
    id: str
    properties: Mapping[str, str]


async def settings_of(
    services: Services, installation: Installation, handoff: Handoff, then: Then
) -> tuple[list[Setting], list[str]]:
    """What to set, and in plain words what there is nothing to set in.

    A name that the portal does not have is such a word too: it does not hold up the other parts.
    """
    parts: list[tuple[str, Callable[[], Awaitable[Setting | None]]]] = []
    if then.deal is not None:
        parts.append(("deal", partial(_deal, services, installation, handoff, then.deal)))
    if then.ticket is not None:
        parts.append(("ticket", partial(_ticket, services, installation, handoff, then.ticket)))
    if then.lifecycle_stage is not None:
        wanted = partial(_lifecycle, services, installation, handoff, then.lifecycle_stage)
        parts.append(("lifecycle stage", wanted))
    found: list[Setting] = []
    without: list[str] = []
    for name, look in parts:
        try:
            setting = await look()
        except ActionRefused as error:
            without.append(error.message)
            continue
        if setting is None:
            without.append(f"there is no {name} to set")
        else:
            found.append(setting)
    return found, without


async def _deal(
    services: Services, installation: Installation, handoff: Handoff, wanted: Place
) -> Setting | None:
    """The newest open deal of the contact; the stage is looked for in its own pipeline first."""
    if handoff.contact_id is None:
        return None
    crm = services.crm.of(installation)
    ids = await crm.associated(CrmType.CONTACT, handoff.contact_id, CrmType.DEAL)
    read = await crm.read_batch(
        CrmType.DEAL, ids[-MOST_DEALS:], properties=(CLOSED, "pipeline", "createdate")
    )
    deals = [one for one in read.objects if one.properties.get(CLOSED) != "true"]
    if not deals:
        return None
    deal = max(deals, key=lambda one: (one.created_ms or 0, len(one.id), one.id))
    pipeline = wanted.pipeline or deal.properties.get("pipeline")
    place = await place_of(services, installation, CrmType.DEAL, pipeline, wanted.stage)
    return Setting(CrmType.DEAL, deal.id, place.properties(CrmType.DEAL))


async def _ticket(
    services: Services, installation: Installation, handoff: Handoff, wanted: Place
) -> Setting | None:
    if handoff.thread_id is None:
        return None
    thread = await services.hubspot.of(installation).thread(handoff.thread_id)
    if thread.ticket_id is None:
        return None
    place = await place_of(services, installation, CrmType.TICKET, wanted.pipeline, wanted.stage)
    return Setting(CrmType.TICKET, thread.ticket_id, place.properties(CrmType.TICKET))


async def _lifecycle(
    services: Services, installation: Installation, handoff: Handoff, wanted: str
) -> Setting | None:
    if handoff.contact_id is None:
        return None
    value = await lifecycle_stage(services, installation, wanted)
    return Setting(CrmType.CONTACT, handoff.contact_id, {LIFECYCLE: value})


async def lifecycle_stage(services: Services, installation: Installation, wanted: str) -> str:
    """The value of the stage with this name or value. Raises ActionRefused naming those there are.

    Asks HubSpot again before it says no.
    """
    options: tuple[Option, ...] = ()
    for fresh in (False, True):
        snapshot = await fields_of(services, installation, CrmType.CONTACT, refresh=fresh)
        fields = by_name(snapshot)
        options = fields[LIFECYCLE].options if LIFECYCLE in fields else ()
        text = wanted.strip().casefold()
        for one in options:
            if text in (one.value.casefold(), one.label.strip().casefold()):
                return one.value
    known = ", ".join(repr(one.label) for one in options) or "none"
    raise ActionRefused(f"There is no lifecycle stage {wanted!r}. There are: {known}.")
