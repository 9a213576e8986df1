"""The settings that name things of a portal, against what the portal has: stages, teams, fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import structlog

from hubspot_hitl.crm.contact_link import mapping_of, matching_of
from hubspot_hitl.crm.drift import FieldChange
from hubspot_hitl.crm.fields import by_name
from hubspot_hitl.crm.outcome import lifecycle_stage
from hubspot_hitl.crm.outcome_rules import outcome_rules_of
from hubspot_hitl.crm.pipelines import place_of
from hubspot_hitl.crm.routing.conditions import Problem
from hubspot_hitl.crm.routing.rules import AgentChoice, Rules, TeamChoice
from hubspot_hitl.errors import ActionRefused, VendorError
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Owner, Property
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

ALWAYS: Final = frozenset({"email", "phone", "mobilephone"})
"""Contact properties that every portal has."""
Stage = tuple[str, CrmType, str | None, str | None]


async def check_targets(
    services: Services, installation: Installation, rules: Rules
) -> list[Problem]:
    """Stages, teams and agents that rules name and the portal does not have.

    What cannot be read, for want of a scope or because HubSpot is away, is not checked.
    """
    found: list[Problem] = []
    for place, type_, pipeline, stage in _stages(installation, rules):
        try:
            if await services.crm.of(installation).pipelines(type_):
                await place_of(services, installation, type_, pipeline, stage)
        except ActionRefused as error:
            found.append(Problem(place, error.message))
        except VendorError as error:
            _unread(installation, type_.value, error)
    found += await _check_lifecycle(services, installation)
    return found + await _check_people(services, installation, rules)


def _stages(installation: Installation, rules: Rules) -> Iterator[Stage]:
    for rule in rules.rules:
        wanted = rule.then.ticket
        if wanted is not None:
            yield f"{rule.place}.then.ticket", CrmType.TICKET, wanted.pipeline, wanted.stage
    for number, one in enumerate(outcome_rules_of(installation.configuration.outcome_rules)):
        place = f"outcomeRules[{number}].then"
        if one.then.deal is not None:
            yield f"{place}.deal", CrmType.DEAL, one.then.deal.pipeline, one.then.deal.stage
        if one.then.ticket is not None:
            yield f"{place}.ticket", CrmType.TICKET, one.then.ticket.pipeline, one.then.ticket.stage


async def _check_lifecycle(services: Services, installation: Installation) -> list[Problem]:
    found: list[Problem] = []
    for number, one in enumerate(outcome_rules_of(installation.configuration.outcome_rules)):
        if one.then.lifecycle_stage is None:
            continue
        try:
            await lifecycle_stage(services, installation, one.then.lifecycle_stage)
        except ActionRefused as error:
            place = f"outcomeRules[{number}].then.lifecycleStage"
            found.append(Problem(place, error.message))
        except VendorError as error:
            _unread(installation, CrmType.CONTACT.value, error)
    return found


async def _check_people(
    services: Services, installation: Installation, rules: Rules
) -> list[Problem]:
    chosen = [(one.place, one.then.assign) for one in rules.rules]
    if not any(isinstance(wanted, TeamChoice | AgentChoice) for _, wanted in chosen):
        return []
    try:
        owners = await services.crm.of(installation).owners()
    except VendorError as error:
        _unread(installation, "owners", error)
        return []
    found: list[Problem] = []
    # No teams at all may also mean that the app may not see them.
    sees_teams = any(one.teams for one in owners)
    for place, wanted in chosen:
        if isinstance(wanted, TeamChoice) and sees_teams:
            message = _no_team(wanted.team, owners)
        elif isinstance(wanted, AgentChoice) and owners:
            message = _no_agent(wanted.agent, owners)
        else:
            continue
        if message:
            found.append(Problem(f"{place}.then.assign", message))
    return found


def _no_team(wanted: str, owners: Sequence[Owner]) -> str | None:
    teams = {name.strip().casefold(): name for one in owners for name in one.teams}
    if wanted.strip().casefold() in teams:
        return None
    known = ", ".join(repr(name) for name in sorted(teams.values()))
    return f"there is no team {wanted!r}. There are: {known}"


def _no_agent(wanted: str, owners: Sequence[Owner]) -> str | None:
    key = wanted.strip().casefold()
    if any(key in (one.id, (one.email or "").casefold()) for one in owners):
        return None
    return f"no user of the portal has the email or owner id {wanted!r}"


def names_contact_properties(configuration: Configuration) -> bool:
    """Whether the settings name contact properties that a portal need not have."""
    if configuration.contact_properties.strip():
        return True
    return any(name not in ALWAYS for name in matching_of(configuration.contact_matching))


def check_mapping(configuration: Configuration, contacts: FieldSnapshot) -> list[Problem]:
    """Contact properties that are to be filled or matched and cannot be.

    A list without `email` is not the whole list of a portal, and proves nothing.
    """
    fields = by_name(contacts)
    found: list[Problem] = []
    if "email" not in fields:
        return found
    for name, source in mapping_of(configuration.contact_properties).items():
        message = _cannot_fill(fields, name, source)
        if message:
            found.append(Problem(f"contactProperties.{name}", message))
    for name in matching_of(configuration.contact_matching):
        if name not in fields and name not in ALWAYS:
            found.append(Problem("contactMatching", f"there is no contact property {name!r}"))
    return found


def _cannot_fill(fields: Mapping[str, Property], name: str, source: str) -> str | None:
    field = fields.get(name)
    if field is None:
        return "there is no such contact property; discoverFields lists them"
    if not field.writable:
        return "it is read-only: HubSpot sets it"
    allowed = [option.value for option in field.options]
    if source.startswith("=") and allowed and source[1:] not in allowed:
        return f"it never has this value; it takes {', '.join(map(repr, allowed[:20]))}"
    return None


def mapping_broken_by(
    configuration: Configuration, changes: Collection[FieldChange]
) -> list[Problem]:
    """The settings that name a contact property which changed its kind or is gone."""
    mapped = mapping_of(configuration.contact_properties)
    matched = matching_of(configuration.contact_matching)
    found: list[Problem] = []
    for change in changes:
        if change.type is not CrmType.CONTACT or change.what in ("added", "label"):
            continue
        if change.name in mapped:
            found.append(Problem(f"contactProperties.{change.name}", change.sentence()))
        if change.name in matched and change.what != "read-only":
            found.append(Problem("contactMatching", change.sentence()))
    return found


def _unread(installation: Installation, what: str, error: VendorError) -> None:
    log.warning("rules_not_checked", installation=installation.id, type=what, error=error.code)
