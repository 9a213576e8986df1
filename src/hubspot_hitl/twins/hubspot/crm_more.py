"""The rest of the twin's CRM: batches, merges, links, pipelines, owners, lists, sequences."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks, threads
from hubspot_hitl.twins.hubspot.channels import page
from hubspot_hitl.twins.hubspot.crm import TYPES, checked, claim_email, link, make, wire
from hubspot_hitl.twins.hubspot.crm_schema import PIPELINES
from hubspot_hitl.twins.hubspot.endpoint import Call, Handler, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.properties import owners
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso, no_content

MOST_INPUTS = 100
TYPE_IDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets"}


def _inputs(call: Call) -> list[Json]:
    found = checks.objects(call.body(), "inputs", least=1)
    if len(found) > MOST_INPUTS:
        raise ApiError.invalid(f"At most {MOST_INPUTS} inputs", field="inputs")
    return found


def _live(portal: Portal, kind: str, key: str) -> CrmObject | None:
    found = portal.of_type(kind).get(portal.merged.get(key, key))
    return None if found is None or found.archived else found


def _outcome(results: list[Json], errors: list[Json], status: int) -> web.Response:
    body: Json = {"status": "COMPLETE", "results": results}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return answer(body, 207 if errors else status)


def _missing(key: str) -> Json:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some objects, they may be deleted or not exist.",
        "context": {"ids": [key]},
    }


def _batch(kind: str, verb: str) -> Handler:
    def read(world: World, call: Call) -> web.Response:
        asked = ",".join(call.body().get("properties") or ())
        results: list[Json] = []
        errors: list[Json] = []
        for item in _inputs(call):
            found = _live(call.portal, kind, str(item.get("id")))
            if found is None:
                errors.append(_missing(str(item.get("id"))))
            else:
                results.append(wire(kind, found, asked))
        return _outcome(results, errors, 200)

    def write(world: World, call: Call) -> web.Response:
        results: list[Json] = []
        errors: list[Json] = []
        for item in _inputs(call):
            try:
                found = _one(world, call.portal, kind, verb, item)
            except ApiError as error:
                key = item.get("id")
                context = {"ids": [str(key)]} if key else {}
                errors.append({**error.body, "context": context})
            else:
                results.append(wire(kind, found, ",".join(found.properties)))
        return _outcome(results, errors, 201 if verb == "create" else 200)

    def archive(world: World, call: Call) -> web.Response:
        for item in _inputs(call):
            found = _live(call.portal, kind, str(item.get("id")))
            if found is not None:
                found.archived = True
        return no_content()

    return {"read": read, "archive": archive}.get(verb, write)


def _one(world: World, portal: Portal, kind: str, verb: str, item: Json) -> CrmObject:
    if verb == "create":
        return make(world, portal, kind, item)
    found = _live(portal, kind, str(item.get("id")))
    if found is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    values = checked(portal, kind, item)
    if kind == "contacts":
        claim_email(portal, found, values)
    found.properties |= values
    found.updated_at = world.clock()
    return found


def _merge(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "primaryObjectId", "objectIdToMerge")
    portal = call.portal
    keeper = _live(portal, "contacts", str(body["primaryObjectId"]))
    gone = _live(portal, "contacts", str(body["objectIdToMerge"]))
    if keeper is None or gone is None or keeper is gone:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    del portal.of_type("contacts")[gone.id]
    portal.merged[gone.id] = keeper.id
    email = (gone.properties.get("email") or "").lower()
    if email:
        portal.by_email[email] = keeper.id
    return answer(wire("contacts", keeper, ",".join(keeper.properties)))


def _erase_contact(world: World, call: Call) -> web.Response:
    """The GDPR deletion: the contact and their threads are gone, and both are told as webhooks."""
    body = call.body()
    checks.require(body, "objectId")
    portal = call.portal
    found = _live(portal, "contacts", str(body["objectId"]))
    if found is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    del portal.of_type("contacts")[found.id]
    portal.by_email.pop((found.properties.get("email") or "").lower(), None)
    source = f"appId:{world.options.app_id}"
    for thread in [one for one in portal.threads.values() if one.visitor_id == found.id]:
        threads.forget(world, thread, source)
    world.emit_object(portal.id, found.id, "contact.privacyDeletion", source)
    return no_content()


# -- links
def _record(call: Call, kind: str, key: str) -> CrmObject:
    found = _live(call.portal, call.path[kind], call.path[key])
    if found is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    return found


def _linked(world: World, call: Call) -> web.Response:
    ids = _record(call, "from", "id").associations.get(call.path["to"], [])
    kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}]
    return page([{"toObjectId": int(one), "associationTypes": kinds} for one in ids], call)


def _label(world: World, call: Call) -> web.Response:
    source, target = _record(call, "from", "id"), _record(call, "to", "target")
    link(call.portal, call.path["from"], source, call.path["to"], target.id)
    return answer({"fromObjectId": source.id, "toObjectId": target.id, "labels": []}, 201)


def _unlink(world: World, call: Call) -> web.Response:
    source, target = _record(call, "from", "id"), _record(call, "to", "target")
    for one, kind, other in (
        (source, call.path["to"], target),
        (target, call.path["from"], source),
    ):
        if other.id in one.associations.get(kind, []):
            one.associations[kind].remove(other.id)
    return no_content()


# -- definitions
def _pipelines(world: World, call: Call) -> web.Response:
    return answer({"results": PIPELINES.get(call.path["type"], [])})


def _groups(world: World, call: Call) -> web.Response:
    group = {"name": "contactinformation", "label": "Contact information", "archived": False}
    return answer({"results": [group]})


def _owner(world: World, call: Call) -> web.Response:
    by = "userId" if call.query.get("idProperty") == "userId" else "id"
    for one in owners(call.portal):
        if str(one[by]) == call.path["owner"]:
            return answer(one)
    raise ApiError.not_found("owner", call.path["owner"])


# -- lists
def _create_list(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "name", "objectTypeId", "processingType")
    list_id = world.new_id("object")
    made = {
        "listId": list_id,
        "name": checks.text(body, "name"),
        "objectTypeId": str(body["objectTypeId"]),
        "processingType": str(body["processingType"]),
        "createdAt": iso(world.clock()),
    }
    call.portal.lists[list_id] = {**made, "members": []}
    return answer({"list": made})


def _list(call: Call) -> Json:
    found = call.portal.lists.get(call.path["list"])
    if found is None:
        raise ApiError.not_found("list", call.path["list"])
    return found


def _shown(found: Json) -> web.Response:
    return answer({"list": {name: value for name, value in found.items() if name != "members"}})


def _get_list(world: World, call: Call) -> web.Response:
    return _shown(_list(call))


def _list_named(world: World, call: Call) -> web.Response:
    for one in call.portal.lists.values():
        if (one["name"], one["objectTypeId"]) == (call.path["name"], call.path["type"]):
            return _shown(one)
    raise ApiError.not_found("list", call.path["name"])


def _members(verb: str) -> Handler:
    def change(world: World, call: Call) -> web.Response:
        found = _list(call)
        if found["processingType"] == "DYNAMIC":
            raise ApiError.invalid("Members of a dynamic list cannot be changed")
        ids = checks.array(call.raw)
        kind = TYPE_IDS.get(found["objectTypeId"], "contacts")
        missing = [one for one in ids if _live(call.portal, kind, one) is None]
        here: list[str] = found["members"]
        added = [o for o in ids if verb == "add" and o not in missing and o not in here]
        removed = [o for o in ids if verb == "remove" and o in here]
        found["members"] = [one for one in [*here, *added] if one not in removed]
        return answer(
            {
                "recordsIdsAdded": added,
                "recordIdsMissing": missing,
                "recordIdsRemoved": removed,
            }
        )

    return change


# -- sequences, visitors
def _sequences(world: World, call: Call) -> web.Response:
    if not call.query.get("userId"):
        raise ApiError.invalid("userId is required", field="userId", code="REQUIRED_FIELD")
    found = [{"id": id_, "name": name} for id_, name in call.portal.sequences.items()]
    return page(found, call)


def _enroll(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "sequenceId", "contactId", "senderEmail")
    if str(body["sequenceId"]) not in call.portal.sequences:
        raise ApiError.not_found("sequence", str(body["sequenceId"]))
    contact = _live(call.portal, "contacts", str(body["contactId"]))
    if contact is None:
        raise ApiError.not_found("contact", str(body["contactId"]))
    now = iso(world.clock())
    return answer(
        {
            "id": world.new_id("object"),
            "toEmail": contact.properties.get("email"),
            "enrolledAt": now,
            "updatedAt": now,
        }
    )


def _visitor_token(world: World, call: Call) -> web.Response:
    email = checks.text(call.body(), "email")
    if not checks.email(email):
        raise ApiError.invalid("email is not valid", field="email", code="INVALID_EMAIL")
    return answer({"token": f"twin-visitor-{world.new_id('object')}"})


def _batches(kind: str) -> tuple[Route, ...]:
    family = "contacts" if kind in ("notes", "tasks", "communications") else kind
    return tuple(
        Route(
            "POST",
            (
                f"/crm/objects/2026-03/{kind}/batch/{verb}",
                f"/crm/v3/objects/{kind}/batch/{verb}",
            ),
            f"{kind}.batch_{verb}",
            _batch(kind, verb),
            scopes=(f"crm.objects.{family}.{'read' if verb == 'read' else 'write'}",),
        )
        for verb in ("read", "create", "update", "archive")
    )


_READ, _WRITE = ("crm.objects.contacts.read",), ("crm.objects.contacts.write",)
_LISTS = "/crm/lists/2026-03"
_FROM = "/crm/objects/2026-03/{from}/{id}/associations/{to}"
_SEQUENCES = "/automation/sequences/2026-03"
_ENROLL = ("automation.sequences.enrollments.write",)
_LIST_READ, _LIST_WRITE = ("crm.lists.read",), ("crm.lists.write",)
_TOKEN = ("conversations.visitor_identification.tokens.create",)
ROUTES = (
    *(route for kind in TYPES for route in _batches(kind)),
    Route(
        "POST",
        ("/crm/objects/2026-03/contacts/merge",),
        "contacts.merge",
        _merge,
        scopes=_WRITE,
    ),
    Route(
        "POST",
        ("/crm/objects/2026-03/contacts/gdpr-delete", "/crm/v3/objects/contacts/gdpr-delete"),
        "contacts.erase",
        _erase_contact,
        scopes=_WRITE,
    ),
    Route("GET", (_FROM,), "associations.list", _linked, scopes=_READ),
    Route("PUT", (f"{_FROM}/{{target}}",), "associations.label", _label, scopes=_WRITE),
    Route("DELETE", (f"{_FROM}/{{target}}",), "associations.delete", _unlink, scopes=_WRITE),
    Route("GET", ("/crm/pipelines/2026-03/{type}",), "pipelines.list", _pipelines, scopes=_READ),
    Route("GET", ("/crm/properties/2026-03/{type}/groups",), "groups.list", _groups, scopes=_READ),
    Route(
        "GET",
        ("/crm/owners/2026-03/{owner}",),
        "owners.get",
        _owner,
        scopes=("crm.objects.owners.read",),
    ),
    Route("POST", (_LISTS,), "lists.create", _create_list, scopes=_LIST_WRITE),
    Route("GET", (f"{_LISTS}/{{list}}",), "lists.get", _get_list, scopes=_LIST_READ),
    Route(
        "GET",
        (f"{_LISTS}/object-type-id/{{type}}/name/{{name}}",),
        "lists.named",
        _list_named,
        scopes=_LIST_READ,
    ),
    *(
        Route(
            "PUT",
            (f"{_LISTS}/{{list}}/memberships/{verb}",),
            f"lists.{verb}",
            _members(verb),
            scopes=_LIST_WRITE,
        )
        for verb in ("add", "remove")
    ),
    Route(
        "GET", (_SEQUENCES,), "sequences.list", _sequences, scopes=("automation.sequences.read",)
    ),
    Route("POST", (f"{_SEQUENCES}/enrollments",), "sequences.enroll", _enroll, scopes=_ENROLL),
    Route(
        "POST",
        ("/visitor-identification/2026-03/tokens/create",),
        "visitor_tokens.create",
        _visitor_token,
        scopes=_TOKEN,
    ),
)
