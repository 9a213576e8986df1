"""The CRM part of a configuration: checked when it is saved, and again as the portal changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from hubspot_hitl.crm.contact_link import mapping_of
from hubspot_hitl.crm.drift import FieldChange
from hubspot_hitl.crm.fields import fields_of, refresh_fields
from hubspot_hitl.crm.outcome_rules import outcome_rules_of
from hubspot_hitl.crm.portal_checks import (
    check_mapping,
    check_targets,
    mapping_broken_by,
    names_contact_properties,
)
from hubspot_hitl.crm.routing.choosing import rules_in
from hubspot_hitl.crm.routing.conditions import Problem
from hubspot_hitl.crm.routing.hours import hours_of
from hubspot_hitl.crm.routing.rule_checks import TYPES, broken_by, check_facts, check_inboxes
from hubspot_hitl.crm.routing.rules import Rules, rules_of
from hubspot_hitl.errors import BadConfiguration, VendorError
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.subscribers import subscribers_of
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot
from hubspot_hitl.ports.services import NoCrm, Services

log = structlog.get_logger(__name__)

DISCOVER_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a look at the portal found: changed fields, and rules that no longer fit them."""

    changes: tuple[FieldChange, ...]
    problems: tuple[Problem, ...]


def check_crm_settings(configuration: Configuration) -> None:
    """Refuse rules, hours and mappings that cannot work, before they are relied on.

    Raises BadConfiguration that names the place.
    """
    rules = rules_of(configuration.routing_rules)
    inboxes = configuration.inbox_ids
    _refuse([*check_inboxes(rules, inboxes), *check_facts(rules, {})])
    hours = hours_of(configuration.business_hours)
    strangers = [one for one in hours.inboxes if one not in inboxes]
    if strangers:
        raise BadConfiguration(
            f"The business hours name inboxes that are not connected: {', '.join(strangers)}."
        )
    mapping_of(configuration.contact_properties)
    outcome_rules_of(configuration.outcome_rules)
    subscribers_of(configuration.events_webhook.get_secret_value())


async def check_against_portal(services: Services, installation: Installation) -> None:
    """Discover the portal's fields, and refuse settings that name what it does not have.

    What cannot be read is not checked: a rule whose facts cannot be known simply does not fit.
    Raises BadConfiguration.
    """
    if isinstance(services.crm, NoCrm):
        return  # built without a CRM, as for tools that only set up the channel
    await _discover(services, installation)
    try:
        async with asyncio.timeout(DISCOVER_S):
            problems = await _problems(services, installation, rules_in(installation))
    except TimeoutError:
        log.warning("rules_not_checked", installation=installation.id, error="too_slow")
        return
    _refuse(problems)


async def keep_up(services: Services, installation: Installation) -> Upkeep:
    """Read all fields anew; what changed since the last time, and what that does to the settings.

    For the nightly look and for people who ask. Raises the VendorError of fields that cannot be
    read.
    """
    changes = await refresh_fields(services, installation)
    rules = rules_in(installation)
    problems = broken_by(rules, changes)
    try:
        problems += mapping_broken_by(installation.configuration, changes)
        problems += await _problems(services, installation, rules)
    except BadConfiguration as error:
        problems.append(Problem("configuration", error.message))
    for problem in problems:
        log.warning("routing_rule_broken", installation=installation.id, place=problem.place)
    return Upkeep(changes, tuple(dict.fromkeys(problems)))


async def _discover(services: Services, installation: Installation) -> None:
    """Keep a first look at the fields, so that the next one can tell what changed."""
    try:
        async with asyncio.timeout(DISCOVER_S):
            await refresh_fields(services, installation)
    except (VendorError, TimeoutError) as error:
        code = error.code if isinstance(error, VendorError) else "too_slow"
        log.warning("fields_not_discovered", installation=installation.id, error=code)


async def _problems(services: Services, installation: Installation, rules: Rules) -> list[Problem]:
    snapshots = await _snapshots(services, installation, rules)
    found = check_facts(rules, snapshots)
    contacts = snapshots.get(CrmType.CONTACT)
    if contacts is not None:
        found += check_mapping(installation.configuration, contacts)
    return found + await check_targets(services, installation, rules)


async def _snapshots(
    services: Services, installation: Installation, rules: Rules
) -> dict[CrmType, FieldSnapshot]:
    found: dict[CrmType, FieldSnapshot] = {}
    for root, type_ in TYPES.items():
        mapped = type_ is CrmType.CONTACT and names_contact_properties(installation.configuration)
        if not rules.names(root) and not mapped:
            continue
        try:
            found[type_] = await fields_of(services, installation, type_)
        except VendorError as error:
            log.warning(
                "rules_not_checked",
                installation=installation.id,
                type=type_.value,
                error=error.code,
            )
    return found


def _refuse(problems: list[Problem]) -> None:
    wrong = [one for one in problems if not one.warning]
    if wrong:
        told = "; ".join(f"{one.place}: {one.message}" for one in wrong[:10])
        what = (
            "routing rules" if all(one.place.startswith("rules") for one in wrong) else "settings"
        )
        raise BadConfiguration(f"The {what} cannot be used. {told}")
