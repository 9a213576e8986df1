"""CRM of the twin: contacts, notes and the other object types, which share one shape."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.channels import page
from hubspot_hitl.twins.hubspot.crm_schema import REQUIRED, closed
from hubspot_hitl.twins.hubspot.endpoint import Call, Handler, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.properties import definitions, writable
from hubspot_hitl.twins.hubspot.records import CrmObject, Portal
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso, no_content, object_of, parse_iso

TYPES = ("contacts", "companies", "deals", "tickets", "leads", "notes", "tasks", "communications")
_DEFAULT_PROPERTIES = {"contacts": ("email", "firstname", "lastname")}
NOTE_MOST = 65_536


def wire(kind: str, found: CrmObject, asked: str) -> Json:
    """A record as the API shows it, with the properties in a comma-separated list."""
    names = [name for name in asked.split(",") if name] or list(
        _DEFAULT_PROPERTIES.get(kind, found.properties)
    )
    shown = {name: found.properties.get(name) for name in names}
    created, updated = iso(found.created_at), iso(found.updated_at)
    return {
        "id": found.id,
        "properties": {
            **shown,
            "createdate": created,
            "lastmodifieddate": updated,
            "hs_object_id": found.id,
        },
        "createdAt": created,
        "updatedAt": updated,
        "archived": found.archived,
    }


def _find(portal: Portal, kind: str, call: Call) -> CrmObject:
    found = find(portal, kind, call.path["id"], call.query.get("idProperty"))
    if found is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    return found


def find(portal: Portal, kind: str, key: str, by: str | None) -> CrmObject | None:
    """The record that is not archived, by id or a unique property; None when there is none."""
    found = None
    if by is None or by == "hs_object_id":
        found = portal.of_type(kind).get(portal.merged.get(key, key))
    elif kind == "contacts" and by == "email":
        found = portal.of_type(kind).get(portal.by_email.get(key.lower(), ""))
    elif definitions(portal, kind).get(by, {}).get("hasUniqueValue"):
        records = portal.of_type(kind).values()
        found = next((one for one in records if one.properties.get(by) == key), None)
    else:
        raise ApiError.invalid(f"{by!r} is not a unique property", field="idProperty")
    return None if found is None or found.archived else found


def checked(portal: Portal, kind: str, body: Json) -> dict[str, str | None]:
    """The properties of a body. Raises a 400 for those that cannot be written."""
    given = object_of(body.get("properties"))
    if given is None:
        raise ApiError.invalid("properties must be an object", field="properties")
    values = {name: None if value is None else str(value) for name, value in given.items()}
    writable(portal, kind, values)
    email = values.get("email")
    if kind == "contacts" and email and not checks.email(email):
        raise ApiError.invalid(
            f"Email address {email!r} is invalid", field="email", code="INVALID_EMAIL"
        )
    if kind in ("notes", "tasks", "communications"):
        body_text = values.get("hs_note_body") or ""
        if len(body_text) > NOTE_MOST:
            raise ApiError.invalid("hs_note_body is too long", field="hs_note_body")
    return values


def claim_email(portal: Portal, owner: CrmObject, values: dict[str, str | None]) -> None:
    """Keep emails unique among contacts. Raises a 409."""
    email = (values.get("email") or "").lower()
    if not email:
        return
    holder = portal.by_email.get(email)
    if holder not in (None, owner.id):
        raise ApiError(409, f"Contact already exists. Existing ID: {holder}", "CONFLICT")
    portal.by_email.pop((owner.properties.get("email") or "").lower(), None)
    portal.by_email[email] = owner.id


def _create(kind: str) -> Handler:
    def create(world: World, call: Call) -> web.Response:
        body = call.body()
        made = make(world, call.portal, kind, body)
        return answer(wire(kind, made, ",".join(made.properties)), 201)

    return create


def make(world: World, portal: Portal, kind: str, body: Json) -> CrmObject:
    """Create a record with its associations. Raises a 400 or 409."""
    values = checked(portal, kind, body)
    for name in REQUIRED.get(kind, ()):
        if not values.get(name):
            raise ApiError.invalid(f"{name} is required", field=name, code="REQUIRED_FIELD")
    now = world.clock()
    made = CrmObject(world.new_id("object"), {}, now, now)
    linked = [_association(item) for item in body.get("associations") or ()]
    if kind == "leads" and not linked:
        raise ApiError.invalid("A lead needs an association with a contact", field="associations")
    if kind == "deals":
        values["hs_is_closed"] = str(closed(kind, values.get("dealstage"))).lower()
    if kind == "contacts":
        claim_email(portal, made, values)
    made.properties = values
    for target in linked:
        link(portal, kind, made, _type_of(portal, target), target)
    portal.of_type(kind)[made.id] = made
    return made


def _association(item: Json) -> str:
    checks.require(item, "to", "types")
    return str(item["to"]["id"])


def link(portal: Portal, kind: str, made: CrmObject, to_kind: str, target: str) -> None:
    """Link two records in both directions; a thread learns of its ticket."""
    thread = portal.threads.get(target) if to_kind == "threads" else None
    if thread is not None:
        thread.ticket_id = made.id
        return
    for one, other_kind, other in (
        (made, to_kind, target),
        (portal.of_type(to_kind)[target], kind, made.id),
    ):
        known = one.associations.setdefault(other_kind, [])
        if other not in known:
            known.append(other)


def _type_of(portal: Portal, object_id: str) -> str:
    if object_id in portal.threads:
        return "threads"
    for kind, records in portal.objects.items():
        if object_id in records:
            return kind
    raise ApiError.invalid(f"No object with id {object_id!r}", field="associations")


def _get(kind: str) -> Handler:
    def get(world: World, call: Call) -> web.Response:
        found = _find(call.portal, kind, call)
        body = wire(kind, found, call.query.get("properties", ""))
        wanted = [name for name in call.query.get("associations", "").split(",") if name]
        if wanted:
            body["associations"] = {
                name: {"results": [{"id": one} for one in found.associations[name]]}
                for name in wanted
                if found.associations.get(name)
            }
        return answer(body)

    return get


def _patch(kind: str) -> Handler:
    def patch(world: World, call: Call) -> web.Response:
        found = _find(call.portal, kind, call)
        values = checked(call.portal, kind, call.body())
        if kind == "contacts":
            claim_email(call.portal, found, values)
        if kind == "deals" and "dealstage" in values:
            values["hs_is_closed"] = str(closed(kind, values["dealstage"])).lower()
        found.properties |= values
        found.updated_at = world.clock()
        return answer(wire(kind, found, ",".join(found.properties)))

    return patch


def _archive(kind: str) -> Handler:
    def archive(world: World, call: Call) -> web.Response:
        found = _find(call.portal, kind, call)
        found.archived = True
        call.portal.by_email.pop((found.properties.get("email") or "").lower(), None)
        return no_content()

    return archive


def _list(kind: str) -> Handler:
    def listed(world: World, call: Call) -> web.Response:
        asked = call.query.get("properties", "")
        records = call.portal.of_type(kind).values()
        return page([wire(kind, one, asked) for one in records if not one.archived], call)

    return listed


def _search(kind: str) -> Handler:
    def search(world: World, call: Call) -> web.Response:
        body = call.body()
        if len(call.raw) > 3_000:
            raise ApiError.invalid("The request body is longer than 3000 characters")
        groups = checks.objects(body, "filterGroups") if "filterGroups" in body else []
        if len(groups) > 5 or any(len(group.get("filters", ())) > 6 for group in groups):
            raise ApiError.invalid("At most 5 filter groups of 6 filters", field="filterGroups")
        for one in (rule for group in groups for rule in group.get("filters", ())):
            name = str(one.get("propertyName"))
            if name not in definitions(call.portal, kind):
                raise ApiError.invalid(
                    f"There was a problem with the request: property {name!r} does not exist",
                    field=name,
                    code="PROPERTY_DOESNT_EXIST",
                )
        limit = body.get("limit", 10)
        if not isinstance(limit, int) or not 1 <= limit <= 200:
            raise ApiError.invalid("limit must be between 1 and 200", field="limit")
        newest = world.clock() - world.options.search_lag_s
        found = [
            one
            for one in call.portal.of_type(kind).values()
            if not one.archived and one.updated_at <= newest and _fits(one, groups)
        ]
        after = int(body.get("after") or 0)
        asked = ",".join(body.get("properties") or ())
        result: Json = {
            "total": len(found),
            "results": [wire(kind, one, asked) for one in found[after : after + limit]],
        }
        if after + limit < len(found):
            result["paging"] = {"next": {"after": str(after + limit)}}
        return answer(result)

    return search


def _fits(found: CrmObject, groups: list[Json]) -> bool:
    if not groups:
        return True
    return any(all(_matches(found, one) for one in group.get("filters", ())) for group in groups)


def _matches(found: CrmObject, rule: Json) -> bool:
    checks.require(rule, "propertyName", "operator")
    actual = found.properties.get(rule["propertyName"])
    if rule["propertyName"] == "hs_object_id":
        actual = found.id
    value = str(rule.get("value", "")).lower()
    held = (actual or "").lower()
    match rule["operator"]:
        case "EQ":
            return held == value
        case "NEQ":
            return held != value
        case "IN":
            return held in [str(one).lower() for one in rule.get("values", ())]
        case "NOT_IN":
            return held not in [str(one).lower() for one in rule.get("values", ())]
        case "HAS_PROPERTY":
            return bool(actual)
        case "NOT_HAS_PROPERTY":
            return not actual
        case "CONTAINS_TOKEN":
            return value.strip("*") in held
        case "NOT_CONTAINS_TOKEN":
            return value.strip("*") not in held
        case "LT" | "LTE" | "GT" | "GTE" | "BETWEEN" as operator:
            return _compares(operator, actual, rule)
        case _:
            raise ApiError.invalid("operator is not known", field="operator")


def _compares(operator: str, actual: str | None, rule: Json) -> bool:
    def number(value: object) -> float:
        moment = parse_iso(value)
        return float(str(value)) if moment is None else moment * 1000

    if not actual:
        return False
    try:
        held, bound = number(actual), number(rule["value"])
        high = number(rule["highValue"]) if operator == "BETWEEN" else bound
    except (ValueError, KeyError) as error:
        raise ApiError.invalid("value is not a number or date", field="value") from error
    verdicts = {
        "LT": held < bound,
        "LTE": held <= bound,
        "GT": held > bound,
        "GTE": held >= bound,
        "BETWEEN": bound <= held <= high,
    }
    return verdicts[operator]


def _associate(world: World, call: Call) -> web.Response:
    portal, path = call.portal, call.path
    source = portal.of_type(path["from"]).get(path["id"])
    target = portal.of_type(path["to"]).get(path["target"])
    if source is None or target is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    link(portal, path["from"], source, path["to"], target.id)
    return answer({"status": "COMPLETE", "results": []})


def _routes(kind: str) -> tuple[Route, ...]:
    base = (f"/crm/objects/2026-03/{kind}", f"/crm/v3/objects/{kind}")
    family = "contacts" if kind in ("notes", "tasks", "communications") else kind
    read, write = (f"crm.objects.{family}.read",), (f"crm.objects.{family}.write",)

    def at(tail: str) -> tuple[str, ...]:
        return tuple(f"{one}{tail}" for one in base)

    return (
        Route("POST", at("/search"), f"{kind}.search", _search(kind), scopes=read, search=True),
        Route("GET", at(""), f"{kind}.list", _list(kind), scopes=read),
        Route("POST", at(""), f"{kind}.create", _create(kind), scopes=write),
        Route("GET", at("/{id}"), f"{kind}.get", _get(kind), scopes=read),
        Route("PATCH", at("/{id}"), f"{kind}.update", _patch(kind), scopes=write),
        Route("DELETE", at("/{id}"), f"{kind}.delete", _archive(kind), scopes=write),
    )


_LINKS = tuple(
    f"{base}/{{from}}/{{id}}/associations/default/{{to}}/{{target}}"
    for base in ("/crm/objects/2026-03", "/crm/v4/objects")
)
ROUTES = (
    *(route for kind in TYPES for route in _routes(kind)),
    Route("PUT", _LINKS, "associations.create", _associate, scopes=("crm.objects.contacts.write",)),
)
