"""What a routing rule does once the thread is there: who gets it, and its ticket.

Each is a delivery of its own, so that neither waits for the other, is tried again, and is done once
however often it runs. A thread that somebody has already is never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import structlog

from hubspot_hitl.crm.pipelines import place_of
from hubspot_hitl.crm.routing.queue import last_turns, open_threads
from hubspot_hitl.crm.routing.rules import AgentChoice, Rule, TeamChoice, Then, TicketChoice
from hubspot_hitl.errors import ActionRefused
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.crm import Crm
from hubspot_hitl.ports.crm_records import TICKET_TO_THREAD, CrmType, Link, Owner
from hubspot_hitl.ports.ledger import Delivery, Done, Later, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import DeliveryHandler, Services
from hubspot_hitl.privacy.masking import mask_handoff

log = structlog.get_logger(__name__)

ASSIGN: Final = "routing.assign"
TICKET: Final = "routing.ticket"
OWNER: Final = "hubspot_owner_id"
HELP_DESK_WAIT_MS: Final = 30_000
HELP_DESK_LOOK_S: Final = 5.0


def routing_deliveries(handoff: Handoff, rule: Rule | None) -> list[NewDelivery]:
    """What is left to do for a rule after the thread was opened."""
    if rule is None:
        return []
    then = rule.then
    kinds = [ASSIGN] if then.assign is not None else []
    kinds += [TICKET] if then.ticket is not None or then.priority is not None else []
    return [
        NewDelivery(
            dedup_key=f"{kind}:{handoff.id}",
            # Not the handoff's lane: chat must not wait for the CRM.
            lane=f"{kind}:{handoff.id}",
            kind=kind,
            installation_id=handoff.installation_id,
            handoff_id=handoff.id,
            body={"rule": rule.name, "then": then.model_dump(mode="json", exclude_none=True)},
        )
        for kind in kinds
    ]


async def assign(services: Services, it: Delivery) -> Outcome:
    """Give the thread to whom the rule chose, unless somebody has it."""
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    wanted = Then.model_validate(it.body.get("then")).assign
    if not handoff.active or handoff.thread_id is None or wanted is None:
        return Done(note="the handoff is over")
    hubspot = services.hubspot.of(installation)
    thread = await hubspot.thread(handoff.thread_id)
    if thread.assigned_to:
        return Done(note="somebody has the thread already")
    actor_id = await _choose(services, installation, handoff, wanted)
    if actor_id is None:
        log.warning("routing_found_nobody", handoff=handoff.id, rule=it.body.get("rule"))
        return Done(note=f"rule {it.body.get('rule')!r} found no agent for the thread")
    await hubspot.assign_thread(handoff.thread_id, actor_id)
    services.picks[_pick(installation, actor_id)] = services.clock.now_ms()
    return Done(note=f"rule {it.body.get('rule')!r}: given to {actor_id}")


async def _choose(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    wanted: str | TeamChoice | AgentChoice,
) -> str | None:
    crm = services.crm.of(installation)
    if isinstance(wanted, TeamChoice):
        team = wanted.team.strip().casefold()
        members = [
            one for one in await crm.owners() if team in {name.casefold() for name in one.teams}
        ]
        return await _next(services, installation, members, wanted.by)
    if isinstance(wanted, AgentChoice):
        owner = await _agent(crm, wanted.agent.strip())
        return owner.actor_id if owner else None
    if handoff.contact_id is None:
        return None
    contact = await crm.get(CrmType.CONTACT, handoff.contact_id, properties=(OWNER,))
    owner_id = contact.properties.get(OWNER) if contact else None
    owner = await crm.owner(owner_id) if owner_id else None
    return owner.actor_id if owner else None


async def _agent(crm: Crm, wanted: str) -> Owner | None:
    if "@" in wanted:
        return next(iter(await crm.owners(email=wanted.lower())), None)
    return await crm.owner(wanted)


async def _next(
    services: Services, installation: Installation, members: Sequence[Owner], by: str
) -> str | None:
    """Whose turn it is: who got a thread of ours least lately, or has the fewest of them open.

    Counted over our own handoffs, and over the picks of this process that HubSpot has not yet told
    us back: two users at the same moment get two agents.
    """
    actors = sorted({one.actor_id for one in members if one.actor_id})
    if not actors:
        return None
    turns = await last_turns(services, installation.id)
    latest = {
        one: max(turns.get(one, 0), services.picks.get(_pick(installation, one), 0))
        for one in actors
    }
    if by == "round-robin":
        return min(actors, key=lambda one: (latest[one], one))
    counts = await open_threads(services, installation.id)
    return min(actors, key=lambda one: (counts.get(one, 0), latest[one], one))


def _pick(installation: Installation, actor_id: str) -> str:
    return f"{installation.id}:{actor_id}"


async def ticket(services: Services, it: Delivery) -> Outcome:
    """Put the handoff's ticket into the stage and priority of the rule; make one if asked to.

    A help desk makes a ticket of its own for each thread: then that one is changed.
    """
    installation = await installation_of(services, it)
    handoff = mask_handoff(installation.configuration, await handoff_of(services, it))
    then = Then.model_validate(it.body.get("then"))
    if handoff.thread_id is None:
        return Done(note="there is no thread")
    thread = await services.hubspot.of(installation).thread(handoff.thread_id)
    crm, words = services.crm.of(installation), agents_words(installation, handoff)
    try:
        values = await _ticket_values(services, installation, then)
    except ActionRefused as error:
        log.error("routing_stage_unknown", handoff=handoff.id, rule=it.body.get("rule"))
        return Done(note=error.message)
    ticket_id = thread.ticket_id
    if ticket_id is None and (it.started or it.attempts):
        ticket_id = await _made_before(crm, handoff, then, words)
    if ticket_id is not None:
        if values:
            await crm.update(CrmType.TICKET, ticket_id, values)
        return Done(note=f"ticket {ticket_id} set")
    if await _help_desk_may_make_one(services, installation, handoff, it):
        return Later(HELP_DESK_LOOK_S, "the help desk may yet make the ticket")
    if then.ticket is None:
        return Done(note="the thread has no ticket to set the priority of")
    await services.ledger.mark_started(it)
    links = [Link(None, handoff.thread_id, TICKET_TO_THREAD)]
    links += [Link(CrmType.CONTACT, handoff.contact_id)] if handoff.contact_id else []
    made = await crm.create(
        CrmType.TICKET,
        {
            **values,
            "subject": _subject(handoff, then.ticket, words),
            "content": handoff.description or "",
        },
        links=links,
    )
    return Done(note=f"ticket {made.id} made")


async def _help_desk_may_make_one(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery
) -> bool:
    """Whether the thread is in a help desk and so young that its own ticket may still come.

    How long HubSpot takes for that is not documented (unverified).
    """
    if services.clock.now_ms() - it.accepted_ms > HELP_DESK_WAIT_MS:
        return False
    inboxes = await services.hubspot.of(installation).inboxes()
    return any(one.id == handoff.inbox_id and one.type == "HELP_DESK" for one in inboxes)


async def _ticket_values(
    services: Services, installation: Installation, then: Then
) -> dict[str, str]:
    values: dict[str, str] = {}
    if then.ticket is not None:
        place = await place_of(
            services, installation, CrmType.TICKET, then.ticket.pipeline, then.ticket.stage
        )
        values |= place.properties(CrmType.TICKET)
    if then.priority is not None:
        values["hs_ticket_priority"] = then.priority.upper()
    return values


async def _made_before(crm: Crm, handoff: Handoff, then: Then, words: Words) -> str | None:
    """The ticket that an attempt whose answer was lost may have made: same contact, same subject.

    Read through the contact's links, not by search, which lags behind.
    """
    if then.ticket is None or handoff.contact_id is None:
        return None
    ids = await crm.associated(CrmType.CONTACT, handoff.contact_id, CrmType.TICKET)
    found = await crm.read_batch(CrmType.TICKET, ids, properties=("subject", "createdate"))
    subject = _subject(handoff, then.ticket, words)
    for one in found.objects:
        if (one.created_ms or 0) >= handoff.created_ms and one.properties.get("subject") == subject:
            return one.id
    return None


def _subject(handoff: Handoff, wanted: TicketChoice, words: Words) -> str:
    """The ticket's name; the start time tells two tickets of one contact apart."""
    if wanted.subject:
        return wanted.subject
    if handoff.title:
        return handoff.title
    started = datetime.fromtimestamp(handoff.created_ms / 1000, UTC)
    name = handoff.user_name or words(TextKey.LABEL_VISITOR)
    return words(TextKey.TICKET_SUBJECT, name=name, time=f"{started:%Y-%m-%d %H:%M}")


DELIVERIES: Mapping[str, DeliveryHandler] = MappingProxyType({ASSIGN: assign, TICKET: ticket})
"""Kind of delivery -> who handles it."""
