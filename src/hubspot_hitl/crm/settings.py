"""The CRM part of a configuration, as far as it can be checked without asking HubSpot. Pure."""

from __future__ import annotations

from hubspot_hitl.crm.contact_link import mapping_of
from hubspot_hitl.crm.hours import hours_of
from hubspot_hitl.crm.rule_checks import check_facts, check_inboxes
from hubspot_hitl.crm.rules import rules_of
from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.configuration import Configuration


def check_crm_settings(configuration: Configuration) -> None:
    """Refuse rules, hours and mappings that cannot work, before they are relied on.

    Raises BadConfiguration that names the place.
    """
    rules = rules_of(configuration.routing_rules)
    inboxes = configuration.inbox_ids
    wrong = [one for one in check_inboxes(rules, inboxes) if not one.warning]
    wrong += check_facts(rules, {})
    if wrong:
        told = "; ".join(f"{one.place}: {one.message}" for one in wrong[:10])
        raise BadConfiguration(f"The routing rules cannot be used. {told}")
    hours = hours_of(configuration.business_hours)
    strangers = [one for one in hours.inboxes if one not in inboxes]
    if strangers:
        raise BadConfiguration(
            f"The business hours name inboxes that are not connected: {', '.join(strangers)}."
        )
    mapping_of(configuration.contact_properties)
