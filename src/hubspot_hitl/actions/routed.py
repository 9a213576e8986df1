"""How a routing rule bears on a handoff that is about to start."""

from __future__ import annotations

import json
from dataclasses import dataclass

import structlog

from hubspot_hitl.crm.contact_link import ContactLink, link_contact
from hubspot_hitl.crm.routing.choosing import Asked, decide, rules_in, wants_contact
from hubspot_hitl.crm.routing.rules import Rule
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.integration.actions import HitlSession, StartHitlInput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports import flight
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """The rule that counts, and the contact if it had to be known for that."""

    rule: Rule | None = None
    inbox_id: str | None = None
    contact_id: str | None = None
    contact_asked: bool = False

    @property
    def priority(self) -> str | None:
        """The rule's priority."""
        return self.rule.then.priority if self.rule else None


async def route_of(
    services: Services, installation: Installation, input_: StartHitlInput, person: Person
) -> Route:
    """What the rules say of this start. Costs nothing where there are no rules.

    Raises ActionRefused when a rule keeps the user with the bot; nothing else of routing stops a
    handoff.
    """
    rules = rules_in(installation)
    if not rules.rules:
        return Route()
    asked = wants_contact(rules)
    session = input_.hitl_session
    contact = ContactLink()
    if asked:
        contact = await link_contact(services, installation, person, session)
    decision = await decide(
        services,
        installation,
        Asked(
            title=input_.title,
            description=input_.description,
            session=session,
            email=person.email,
            phone=person.phone,
            language=person.language,
            contact=contact,
        ),
    )
    rule = decision.rule
    flight.note(
        "routing",
        {
            "rule": rule.name if rule else None,
            "judged": [
                {"rule": one.rule.name, "fits": one.fits, "reasons": len(one.reasons)}
                for one in decision.verdicts
            ],
            "facts": sorted(decision.facts),
        },
    )
    if rule is not None and rule.then.stay:
        raise ActionRefused(
            rule.then.say or f"The routing rule {rule.name!r} keeps the user with the bot."
        )
    return Route(rule, _inbox(installation, rule), contact.id, asked)


def _inbox(installation: Installation, rule: Rule | None) -> str | None:
    """The rule's inbox if it is connected; else the default one serves, which is logged."""
    inbox_id = rule.then.inbox if rule else None
    if inbox_id is None or rule is None:
        return None
    try:
        connected = installation.configuration.inbox_ids
    except ValueError:
        return None  # the caller asks for the inboxes next, and says what is wrong
    if inbox_id not in connected:
        log.error(
            "routing_inbox_not_connected",
            installation=installation.id,
            rule=rule.name,
            inbox=inbox_id,
        )
        return None
    return inbox_id


def described(
    description: str | None, session: HitlSession | None, route: Route, words: Words
) -> str | None:
    """The description with the priority in a line of its own, where there is one."""
    priority = (session.priority if session else None) or route.priority
    if priority is None:
        return description
    line = words.line(TextKey.LABEL_PRIORITY, words(TextKey(f"agent-priority-{priority}")))
    return "\n".join(part for part in (description, line) if part)


def session_text(session: HitlSession | None, route: Route) -> str:
    """The session as it is kept with the handoff, with the rule that counted."""
    kept: dict[str, object] = (
        session.model_dump(by_alias=True, exclude_none=True, mode="json") if session else {}
    )
    if route.rule is not None:
        texts = dict(route.rule.then.texts)
        kept["routing"] = {"rule": route.rule.name, **({"texts": texts} if texts else {})}
    return json.dumps(kept, ensure_ascii=False) if kept else "{}"
