"""What an installation's routing rules would do, and why: for people, never for a handoff."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from hubspot_hitl.crm.contact_link import ContactLink
from hubspot_hitl.crm.fields import fields_of
from hubspot_hitl.crm.portal_checks import check_targets
from hubspot_hitl.crm.routing.choosing import Asked, Verdict, facts_of, judge
from hubspot_hitl.crm.routing.conditions import Problem
from hubspot_hitl.crm.routing.rule_checks import TYPES, check_facts, check_inboxes
from hubspot_hitl.crm.routing.rules import Rules, Then, read_rules, rules_of
from hubspot_hitl.errors import CallerError, VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot
from hubspot_hitl.ports.services import Services


@dataclass(frozen=True, slots=True)
class Told:
    """What became of each rule."""

    verdicts: tuple[Verdict, ...]
    facts: dict[str, object]
    unknown: dict[str, str]

    @property
    def chosen(self) -> Verdict | None:
        """The first rule that fits."""
        return next((one for one in self.verdicts if one.fits), None)

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        chosen = self.chosen
        return {
            "rule": chosen.rule.name if chosen else None,
            "then": chosen.rule.then.model_dump(mode="json", exclude_defaults=True)
            if chosen
            else None,
            "rules": [
                {"name": one.rule.name, "fits": one.fits, "reasons": list(one.reasons)}
                for one in self.verdicts
            ],
            "facts": self.facts,
            "unknown": self.unknown,
        }

    def as_text(self) -> str:
        """For a person."""
        lines = [
            f"{number}. {one.rule.name}: "
            + ("fits" if one.fits else f"no: {'; '.join(one.reasons)}")
            for number, one in enumerate(self.verdicts, start=1)
        ]
        chosen = self.chosen
        if chosen is None:
            return "\n".join([*lines, "no rule counts: the default inbox, nobody assigned"])
        return "\n".join([*lines, f"{chosen.rule.name!r} counts: {outcome(chosen.rule.then)}"])


def outcome(then: Then) -> str:
    """What a rule does, in a line."""
    shown = then.model_dump(mode="json", exclude_defaults=True)
    parts = [
        f"{name} {json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in shown.items()
    ]
    return ", ".join(parts) or "nothing"


async def explain(
    services: Services,
    installation: Installation,
    contact: str | None,
    asked: Asked,
    *,
    own_history: bool = True,
) -> Told:
    """Hold every rule against a contact (email or id; None: an anonymous user) as of now.

    Without `own_history` nothing is known of the queue. Raises BadConfiguration for unusable rules,
    CallerError for a contact that HubSpot has not, VendorError when it cannot be asked.
    """
    found = rules_of(installation.configuration.routing_rules)
    link = ContactLink()
    if contact is not None:
        link = ContactLink(await _contact_id(services, installation, contact.strip()))
        asked = replace(asked, contact=link, email=contact if "@" in contact else None)
    facts = facts_of(services, installation, found, asked)
    if not own_history:
        facts.skip("queue", "no database: name an --installation")
    verdicts: list[Verdict] = []
    await judge(found, facts, verdicts, stop=False)
    return Told(tuple(verdicts), facts.known, facts.unknown)


async def check(services: Services, installation: Installation) -> tuple[Problem, ...]:
    """Everything that is wrong with the rules: form, inboxes, and what they name in the portal."""
    configuration = installation.configuration
    found, problems = read_rules(configuration.routing_rules)
    try:
        inboxes = configuration.inbox_ids
    except ValueError:
        inboxes = ()
    wrong = check_inboxes(found, inboxes) if inboxes else []
    snapshots, unread = await _snapshots(services, installation, found)
    targets = await check_targets(services, installation, found)
    return (*problems, *wrong, *check_facts(found, snapshots), *targets, *unread)


async def _snapshots(
    services: Services, installation: Installation, found: Rules
) -> tuple[dict[CrmType, FieldSnapshot], list[Problem]]:
    snapshots: dict[CrmType, FieldSnapshot] = {}
    unread: list[Problem] = []
    for root, type_ in TYPES.items():
        if not found.names(root):
            continue
        try:
            snapshots[type_] = await fields_of(services, installation, type_)
        except VendorError as error:
            unread.append(Problem(root, f"could not be checked: {error.message}", warning=True))
    return snapshots, unread


async def _contact_id(services: Services, installation: Installation, contact: str) -> str:
    found = await services.crm.of(installation).get(
        CrmType.CONTACT, contact, by="email" if "@" in contact else None
    )
    if found is None:
        raise CallerError(f"HubSpot has no contact {contact!r}")
    return found.id
