"""Events on contacts' time lines, and transactional emails, of the twin."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.crm import find
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso


def _event(world: World, call: Call) -> web.Response:
    """Take an event once. A private app's token never expires, which is how it is known here."""
    if call.token is not None and call.token.expires_at is None:
        raise ApiError(403, "This app may not create timeline events.", "MISSING_SCOPES")
    body, portal = call.body(), call.portal
    name = "eventTemplateId" if "eventTemplateId" in body else "eventTypeName"
    values = "tokens" if name == "eventTemplateId" else "properties"
    checks.require(body, name, values)
    known = world.options.timeline_types.get(str(body[name]))
    if known is None:
        raise ApiError.not_found("event type", str(body[name]))
    for one in body[values]:
        if one not in known:
            raise ApiError.invalid(f"{one} is not defined", field=one, code="PROPERTY_DOESNT_EXIST")
    by = None if body.get("objectId") else "email"
    contact = find(portal, "contacts", str(body.get("objectId") or body.get("email")), by)
    if contact is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    id_ = str(body.get("id") or world.new_id("object"))
    if id_ in portal.timeline:
        raise ApiError(409, "An event with this id exists", "CONFLICT")
    event: Json = {**body, "id": id_, "objectId": contact.id, "createdAt": iso(world.clock())}
    portal.timeline[id_] = event
    return answer(event, 201)


def _email(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "emailId", "message")
    message: Json = body["message"]
    if not checks.email(str(message.get("to"))):
        raise ApiError.invalid("to is not valid", field="to", code="INVALID_EMAIL")
    send_id = str(message.get("sendId") or world.new_id("object"))
    call.portal.emails.setdefault(send_id, body)
    now = iso(world.clock())
    return answer({"statusId": f"status-{send_id}", "status": "PENDING", "requestedAt": now})


ROUTES = (
    Route(
        "POST",
        ("/integrators/timeline/2026-03/events", "/integrators/timeline/v3/events"),
        "timeline.create",
        _event,
        scopes=("timeline",),
    ),
    Route(
        "POST",
        ("/marketing/transactional/2026-03/single-email/send",),
        "emails.send",
        _email,
        scopes=("transactional-email",),
    ),
)
