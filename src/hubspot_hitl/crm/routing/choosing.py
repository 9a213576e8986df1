"""Chooses where a handoff goes: the first routing rule whose facts fit. Never a reason to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from hubspot_hitl.crm.contact_link import ContactLink
from hubspot_hitl.crm.routing.facts import Facts, clock_facts
from hubspot_hitl.crm.routing.hours import BusinessHours, hours_of
from hubspot_hitl.crm.routing.matching import reasons
from hubspot_hitl.crm.routing.rules import Rule, Rules, read_rules
from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 8.0
CRM_ROOTS: Final = frozenset({"contact", "company", "deals"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule: why it did not fit, or nothing when it did."""

    rule: Rule
    reasons: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the rule fits."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Decision:
    """The rule that counts, if any, and what was found on the way to it."""

    rule: Rule | None
    verdicts: tuple[Verdict, ...]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a handoff before it starts."""

    title: str | None = None
    description: str | None = None
    session: HitlSession | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    contact: ContactLink = field(default_factory=ContactLink)


def rules_in(installation: Installation) -> Rules:
    """The installation's rules; unusable ones are logged and count as none."""
    rules, problems = read_rules(installation.configuration.routing_rules)
    wrong = [one for one in problems if not one.warning]
    if wrong:
        log.error(
            "routing_rules_unusable",
            installation=installation.id,
            problems=len(wrong),
            place=wrong[0].place,
        )
    return rules


def wants_contact(rules: Rules) -> bool:
    """Whether some rule looks at the CRM, so that the contact must be known first."""
    return any(rule.roots & CRM_ROOTS for rule in rules.rules)


async def decide(services: Services, installation: Installation, asked: Asked) -> Decision:
    """The first rule that fits. Ends within eight seconds; what is not known by then is unknown."""
    rules = rules_in(installation)
    if not rules.rules:
        return Decision(None, (), {})
    facts = facts_of(services, installation, rules, asked)
    verdicts: list[Verdict] = []
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await judge(rules, facts, verdicts, stop=True)
    except TimeoutError:
        log.warning("routing_too_slow", installation=installation.id, judged=len(verdicts))
    rule = next((one.rule for one in verdicts if one.fits), None)
    log.info(
        "routed",
        installation=installation.id,
        rule=rule.name if rule else None,
        unknown=sorted(facts.unknown),
    )
    return Decision(rule, tuple(verdicts), facts.known)


async def judge(rules: Rules, facts: Facts, verdicts: list[Verdict], *, stop: bool) -> None:
    """Hold the facts against each rule in order, into `verdicts`; `stop` ends at the first fit."""
    now = datetime.fromtimestamp(facts.services.clock.now_ms() / 1000, UTC)
    for rule in rules.rules:
        unknown = await facts.need(rule.roots)
        why = (
            tuple(f"{root} is not known ({facts.unknown[root]})" for root in sorted(unknown))
            if unknown
            else tuple(reasons(rule.schema, facts.known, now))
        )
        verdicts.append(Verdict(rule, why))
        if stop and not why:
            return


def facts_of(services: Services, installation: Installation, rules: Rules, asked: Asked) -> Facts:
    """The facts that cost nothing; the others come when they are needed."""
    facts = Facts(services, installation, rules, asked.contact)
    facts.known["handoff"] = _handoff_facts(asked)
    try:
        inboxes = installation.configuration.inbox_ids
    except ValueError:
        inboxes = ()
    facts.known["clock"] = clock_facts(services.clock.now_ms(), _hours(installation), inboxes)
    return facts


def _hours(installation: Installation) -> BusinessHours:
    try:
        return hours_of(installation.configuration.business_hours)
    except BadConfiguration as error:
        log.error("business_hours_unusable", installation=installation.id, error=error.code)
        return BusinessHours()


def _handoff_facts(asked: Asked) -> dict[str, object]:
    session = asked.session or HitlSession()
    values = {
        "title": asked.title,
        "description": asked.description,
        "language": session.language or asked.language,
        "priority": session.priority,
        "subject": session.subject,
        "reason": session.reason,
        "intent": session.intent,
        "sentiment": session.sentiment,
        "pageUrl": session.page_url,
        "inbox": session.inbox_id,
    }
    facts: dict[str, object] = {name: value for name, value in values.items() if value}
    return {**facts, "hasEmail": bool(asked.email), "hasPhone": bool(asked.phone)}
