"""Property definitions of the twin, and owners."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.channels import page
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Portal
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer

_STRINGS = (
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "company",
    "jobtitle",
    "website",
    "city",
    "country",
    "hs_language",
    "hs_lead_status",
    "zip",
    "address",
    "state",
)
_STAGES = ("subscriber", "lead", "marketingqualifiedlead", "opportunity", "customer")
OWNER_OFFSET = 70_000_000
"""An owner's id is the user's number plus this: never the same as the user's."""


def _definition(name: str, kind: str = "string", **more: object) -> Json:
    field = {
        "string": "text",
        "enumeration": "select",
        "number": "number",
        "bool": "booleancheckbox",
        "datetime": "date",
        "date": "date",
    }.get(kind, "text")
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "description": "",
        "groupName": "contactinformation",
        "type": kind,
        "fieldType": field,
        "options": [],
        "hasUniqueValue": name == "email",
        "hidden": False,
        "calculated": False,
        "hubspotDefined": True,
        "archived": False,
        "modificationMetadata": {
            "readOnlyValue": False,
            "readOnlyDefinition": True,
            "archivable": False,
        },
        **more,
    }


def _read_only(name: str, kind: str) -> Json:
    locked = {"readOnlyValue": True, "readOnlyDefinition": True, "archivable": False}
    return _definition(name, kind, modificationMetadata=locked)


def definitions(portal: Portal, kind: str) -> dict[str, Json]:
    """The properties of an object type, by name; contacts have a standard set."""
    known = portal.properties.get(kind)
    if known is None:
        known = {}
        if kind == "contacts":
            known = {name: _definition(name) for name in _STRINGS}
            options = [
                {"label": one, "value": one, "displayOrder": n, "hidden": False}
                for n, one in enumerate(_STAGES)
            ]
            known["lifecyclestage"] = _definition("lifecyclestage", "enumeration", options=options)
            for name, type_ in (
                ("hs_object_id", "number"),
                ("createdate", "datetime"),
                ("lastmodifieddate", "datetime"),
            ):
                known[name] = _read_only(name, type_)
            known["hubspot_owner_id"] = _definition("hubspot_owner_id", "enumeration")
        portal.properties[kind] = known
    return known


def writable(portal: Portal, kind: str, values: Mapping[str, str | None]) -> None:
    """All named properties exist and may be written. Other types than contacts take any."""
    if kind != "contacts":
        return
    known = definitions(portal, kind)
    for name, value in values.items():
        found = known.get(name)
        if found is None:
            raise ApiError.invalid(
                f"Property {name!r} does not exist", field=name, code="PROPERTY_DOESNT_EXIST"
            )
        if found["modificationMetadata"]["readOnlyValue"]:
            raise ApiError.invalid(
                f"{name!r} is a read only property", field=name, code="READ_ONLY_VALUE"
            )
        allowed = [option["value"] for option in found["options"]]
        if value and allowed and value not in allowed:
            raise ApiError.invalid(
                f"{value!r} was not one of the allowed options", field=name, code="INVALID_OPTION"
            )


def _list(world: World, call: Call) -> web.Response:
    return answer({"results": list(definitions(call.portal, call.path["type"]).values())})


def _get(world: World, call: Call) -> web.Response:
    found = definitions(call.portal, call.path["type"]).get(call.path["name"])
    if found is None:
        raise ApiError.not_found("property", call.path["name"])
    return answer(found)


def _create(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "name", "label", "type", "fieldType", "groupName")
    known = definitions(call.portal, call.path["type"])
    name = checks.text(body, "name")
    if name in known:
        raise ApiError(409, f"A property named {name!r} already exists", "OBJECT_ALREADY_EXISTS")
    free = {"readOnlyValue": False, "readOnlyDefinition": False, "archivable": True}
    known[name] = _definition(
        name, str(body["type"]), **{**body, "hubspotDefined": False, "modificationMetadata": free}
    )
    return answer(known[name], 201)


def _owners(world: World, call: Call) -> web.Response:
    email = call.query.get("email")
    found: list[Json] = [
        {
            "id": str(OWNER_OFFSET + int(agent.user_id)),
            "userId": int(agent.user_id),
            "email": agent.email,
            "firstName": agent.name.partition(" ")[0],
            "lastName": agent.name.partition(" ")[2],
            "type": "PERSON",
            "archived": False,
        }
        for agent in call.portal.agents.values()
        if email in (None, agent.email)
    ]
    return page(found, call)


def _spelled(tail: str) -> tuple[str, str]:
    return (f"/crm/properties/2026-03{tail}", f"/crm/v3/properties{tail}")


_READ = ("crm.schemas.contacts.read", "crm.objects.contacts.read")
_OWNERS = ("/crm/owners/2026-03", "/crm/v3/owners")
ROUTES = (
    Route("GET", _spelled("/{type}"), "properties.list", _list, scopes=_READ),
    Route("GET", _spelled("/{type}/{name}"), "properties.get", _get, scopes=_READ),
    Route(
        "POST",
        _spelled("/{type}"),
        "properties.create",
        _create,
        scopes=("crm.schemas.contacts.write",),
    ),
    Route("GET", _OWNERS, "owners.list", _owners, scopes=("crm.objects.owners.read",)),
)
