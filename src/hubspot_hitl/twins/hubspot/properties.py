"""Property definitions of the twin, and owners."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import orjson
from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.channels import page
from hubspot_hitl.twins.hubspot.crm_schema import LOCKED, OPTIONS, PROPERTIES
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


def _standard(name: str, type_: str) -> Json:
    if name == "hs_is_closed":
        return {**_read_only(name, type_), "calculated": True}
    options = [
        {"label": one.capitalize(), "value": one, "displayOrder": n, "hidden": False}
        for n, one in enumerate(OPTIONS.get(name, ()))
    ]
    external = type_ == "enumeration" and not options
    return _definition(name, type_, options=options, externalOptions=external)


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
            known["hubspot_owner_id"] = _definition(
                "hubspot_owner_id", "enumeration", externalOptions=True
            )
        for name, type_ in PROPERTIES.get(kind, ()):
            known[name] = _standard(name, type_)
        for name in LOCKED:
            known.setdefault(name, _read_only(name, "datetime"))
        portal.properties[kind] = known
    return known


def writable(portal: Portal, kind: str, values: Mapping[str, str | None]) -> None:
    """All named properties exist, may be written and take their values. Raises one 400 for all.

    `twinPattern` of a definition is a validation rule of the portal; how HubSpot words a breach of
    one is not documented.
    """
    known = definitions(portal, kind)
    found = [
        {"isValid": False, "message": message, "error": code, "name": name}
        for name, value in values.items()
        for code, message in _faults(known.get(name), name, value)
    ]
    if not found:
        return
    raise ApiError(
        400,
        f"Property values were not valid: {orjson.dumps(found).decode()}",
        "VALIDATION_ERROR",
        errors=[
            {"message": one["message"], "in": one["name"], "code": one["error"]} for one in found
        ],
    )


def _faults(found: Json | None, name: str, value: str | None) -> Iterator[tuple[str, str]]:
    if found is None:
        yield "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
        return
    if found["modificationMetadata"]["readOnlyValue"]:
        yield "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
    if not value:
        return
    allowed = [option["value"] for option in found["options"]]
    given = value.split(";") if found["fieldType"] == "checkbox" else [value]
    if allowed and any(one and one not in allowed for one in given):
        listed = ", ".join(allowed)
        yield "INVALID_OPTION", f"{value} was not one of the allowed options: [{listed}]"
    if not re.fullmatch(found.get("twinPattern", ".*"), value, re.DOTALL):
        yield "VALIDATION_RULE", f'"{value}" does not meet the validation rule of {name}.'
    if found["type"] == "number" and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        yield "INVALID_INTEGER", f"{value} was not a valid number."
    if found["type"] == "bool" and value not in ("true", "false"):
        yield "INVALID_BOOLEAN", f"{value} was not a valid boolean."
    if found["type"] in ("date", "datetime") and not _dated(value):
        yield "INVALID_DATE", f"{value} was not a valid date."


def _dated(value: str) -> bool:
    if value.lstrip("-").isdigit():
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


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
    more = {key: value for key, value in body.items() if key not in ("name", "type")}
    more |= {"hubspotDefined": False, "modificationMetadata": free}
    known[name] = _definition(name, str(body["type"]), **more)
    return answer(known[name], 201)


def owners(portal: Portal) -> list[Json]:
    """Every agent as an owner, with teams."""
    return [
        {
            "id": str(OWNER_OFFSET + int(agent.user_id)),
            "userId": int(agent.user_id),
            "email": agent.email,
            "firstName": agent.name.partition(" ")[0],
            "lastName": agent.name.partition(" ")[2],
            "type": "PERSON",
            "archived": False,
            "teams": [
                {"id": str(n), "name": name, "primary": True}
                for n, (name, members) in enumerate(portal.teams.items(), start=1)
                if agent.user_id in members
            ],
        }
        for agent in portal.agents.values()
    ]


def _owners(world: World, call: Call) -> web.Response:
    email = call.query.get("email")
    return page([one for one in owners(call.portal) if email in (None, one["email"])], call)


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
