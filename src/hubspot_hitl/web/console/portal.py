"""What a portal holds and what it should hold: plan, fields, routing rules. Asks HubSpot live."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.crm.fields import FIELD_TYPES, fields_of, refresh_fields
from hubspot_hitl.crm.routing.choosing import Asked
from hubspot_hitl.crm.routing.rehearsal import check, explain, outcome
from hubspot_hitl.crm.routing.rules import read_rules
from hubspot_hitl.errors import CallerError, HitlError
from hubspot_hitl.ports.crm_records import CrmType, Property
from hubspot_hitl.setup.apply import plan_for
from hubspot_hitl.web.console.chosen import chosen
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import problem, show

MOST_FIELDS = 500
LONGEST = 500


async def plan(visit: Visit) -> web.StreamResponse:
    """What `apply` would change at HubSpot. Nothing is written."""
    choice = await chosen(visit)
    found, failed = None, None
    if choice.one is not None:
        try:
            found = await plan_for(visit.desk.services, choice.one)
        except HitlError as error:
            failed = error
    return show(visit.frame, "plan.html", choice=choice, plan=found, failed=failed)


async def fields(visit: Visit) -> web.StreamResponse:
    """The properties of a type, by name, as the portal defines them."""
    choice, query = await chosen(visit), visit.request.query
    types = {type_.value: type_ for type_ in FIELD_TYPES}
    type_ = types.get(query.get("type", ""), CrmType.CONTACT)
    text = query.get("q", "").strip()[:200]
    snapshot, failed = None, None
    if choice.one is not None:
        try:
            snapshot = await fields_of(visit.desk.services, choice.one, type_)
        except HitlError as error:
            failed = error
    every = snapshot.properties if snapshot else ()
    found = [one for one in every if _fits(one, text.lower())]
    return show(
        visit.frame,
        "fields.html",
        choice=choice,
        types=list(types),
        type=type_.value,
        q=text,
        snapshot=snapshot,
        found=sorted(found, key=lambda one: one.name)[:MOST_FIELDS],
        left_out=max(0, len(found) - MOST_FIELDS),
        failed=failed,
        changes=None,
        now_ms=visit.desk.services.clock.now_ms(),
    )


async def refresh(visit: Visit) -> web.StreamResponse:
    """Read the fields of all types anew, and tell what changed since they were kept."""
    choice = await chosen(visit)
    if choice.one is None:
        raise CallerError("There is no installation to read fields for.")
    await visit.desk.audit.append(visit.who.name, "fields.refresh", choice.one.id)
    try:
        changes = await refresh_fields(visit.desk.services, choice.one)
    except HitlError as error:
        return problem(visit.frame, 502, f"{error.message} ({error.code})")
    return show(visit.frame, "changes.html", choice=choice, changes=changes)


async def rules(visit: Visit) -> web.StreamResponse:
    """The rules in order, what is wrong with them, and what they would do for a contact."""
    choice, query = await chosen(visit), visit.request.query
    given = {name: query.get(name, "").strip()[:LONGEST] for name in ("contact", "title", "text")}
    told, failed = None, None
    found, problems = read_rules(choice.one.configuration.routing_rules if choice.one else "")
    if choice.one is not None and found.rules:
        problems = await check(visit.desk.services, choice.one)
    if choice.one is not None and "explain" in query:
        asked = Asked(title=given["title"] or None, description=given["text"] or None)
        try:
            told = await explain(visit.desk.services, choice.one, given["contact"] or None, asked)
        except HitlError as error:
            failed = error
    return show(
        visit.frame,
        "rules.html",
        choice=choice,
        rules=found.rules,
        problems=problems,
        told=told,
        failed=failed,
        outcome=outcome,
        given=given,
    )


def _fits(one: Property, text: str) -> bool:
    return not text or any(text in part.lower() for part in (one.name, one.label, one.group))
