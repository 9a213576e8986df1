"""Batch upsert of the twin: each input for itself; a 207 where some fail."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.crm import TYPES, checked, claim_email, find, make, wire
from hubspot_hitl.twins.hubspot.endpoint import Call, Handler, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Portal
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer

MOST_INPUTS = 100


def _upsert(kind: str) -> Handler:
    def upsert(world: World, call: Call) -> web.Response:
        inputs = checks.objects(call.body(), "inputs", least=1)
        if len(inputs) > MOST_INPUTS:
            raise ApiError.invalid(f"At most {MOST_INPUTS} inputs", field="inputs")
        keys = [str(item.get("id")) for item in inputs]
        if len(set(keys)) < len(keys):
            raise ApiError.invalid("Duplicate IDs found in batch input", field="inputs")
        if world.options.batch_upsert == "whole":
            _check_all(call.portal, kind, inputs)
        results: list[Json] = []
        errors: list[Json] = []
        for item in inputs:
            try:
                results.append(_one(world, call.portal, kind, item))
            except ApiError as error:
                errors.append({**error.body, "context": {"ids": [str(item.get("id"))]}})
        body: Json = {"status": "COMPLETE", "results": results}
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return answer(body, 207 if errors else 200)

    return upsert


def _check_all(portal: Portal, kind: str, inputs: list[Json]) -> None:
    """Refuse the whole batch for one bad input."""
    for item in inputs:
        checked(portal, kind, item)


def _one(world: World, portal: Portal, kind: str, item: Json) -> Json:
    checks.require(item, "id", "properties")
    by, key = item.get("idProperty"), str(item["id"])
    found = find(portal, kind, key, by)
    fresh = found is None
    if found is None:
        values = {**item["properties"], **({by: key} if by else {})}
        found = make(world, portal, kind, {"properties": values})
    else:
        changes = checked(portal, kind, item)
        if kind == "contacts":
            claim_email(portal, found, changes)
        found.properties |= changes
        found.updated_at = world.clock()
    return {**wire(kind, found, ",".join(found.properties)), "new": fresh}


ROUTES = tuple(
    Route(
        "POST",
        (
            f"/crm/objects/2026-03/{kind}/batch/upsert",
            f"/crm/v3/objects/{kind}/batch/upsert",
        ),
        f"{kind}.batch_upsert",
        _upsert(kind),
        scopes=(
            f"crm.objects.{'contacts' if kind in ('notes', 'tasks', 'communications') else kind}"
            ".write",
        ),
    )
    for kind in TYPES
)
