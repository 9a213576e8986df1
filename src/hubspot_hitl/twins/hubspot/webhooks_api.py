"""The API by which a legacy public app sets its webhook target and subscriptions."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Subscription
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import answer, iso, no_content, object_of

_CONVERSATION = tuple(
    f"conversation.{name}"
    for name in ("creation", "deletion", "privacyDeletion", "propertyChange", "newMessage")
)
EVENT_TYPES = (
    *_CONVERSATION,
    *(
        f"{kind}.{name}"
        for kind in ("contact", "company", "deal", "ticket", "object")
        for name in ("creation", "deletion", "propertyChange", "merge", "restore")
    ),
    "contact.privacyDeletion",
)
MOST_SUBSCRIPTIONS = 1_000


def _settings(world: World, call: Call) -> web.Response:
    if world.hook_settings is None:
        raise ApiError.not_found("webhook settings of app", world.options.app_id)
    return answer(world.hook_settings)


def _put_settings(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "targetUrl", "throttling")
    checks.url(body, "targetUrl")
    most = (object_of(body["throttling"]) or {}).get("maxConcurrentRequests")
    if not isinstance(most, int) or most <= 5:
        raise ApiError.invalid("maxConcurrentRequests must be greater than 5", field="throttling")
    now = iso(world.clock())
    world.hook_settings = {
        "targetUrl": body["targetUrl"],
        "throttling": {"maxConcurrentRequests": most},
        "createdAt": now,
        "updatedAt": now,
    }
    return answer(world.hook_settings)


def _delete_settings(world: World, call: Call) -> web.Response:
    world.hook_settings = None
    return no_content()


def _list(world: World, call: Call) -> web.Response:
    return answer({"results": [one.wire() for one in world.subscriptions.values()]})


def _create(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "eventType")
    event_type = checks.one_of(body, "eventType", EVENT_TYPES)
    name = body.get("propertyName")
    if event_type.endswith("propertyChange") and not isinstance(name, str):
        raise ApiError.invalid("propertyName is required", field="propertyName")
    if event_type in _CONVERSATION and "conversations.read" not in world.options.scopes:
        raise ApiError.invalid("The app needs the scope conversations.read", field="eventType")
    if len(world.subscriptions) >= MOST_SUBSCRIPTIONS:
        raise ApiError.invalid("The app has 1000 subscriptions already")
    for known in world.subscriptions.values():
        if (known.event_type, known.property_name) == (event_type, name):
            raise ApiError(409, "The subscription exists already", "CONFLICT")
    made = world.subscribe(event_type, name, active=body.get("active") is True)
    return answer(made.wire(), 201)


def _one(world: World, call: Call) -> Subscription:
    found = world.subscriptions.get(call.path["id"])
    if found is None:
        raise ApiError.not_found("subscription", call.path["id"])
    return found


def _get(world: World, call: Call) -> web.Response:
    return answer(_one(world, call).wire())


def _patch(world: World, call: Call) -> web.Response:
    found = _one(world, call)
    found.active = checks.truth(call.body(), "active")
    return answer(found.wire())


def _delete(world: World, call: Call) -> web.Response:
    del world.subscriptions[_one(world, call).id]
    return no_content()


def _batch(world: World, call: Call) -> web.Response:
    changed: list[Subscription] = []
    for item in checks.objects(call.body(), "inputs", least=1):
        found = world.subscriptions.get(str(item.get("id")))
        if found is None:
            raise ApiError.not_found("subscription", str(item.get("id")))
        found.active = checks.truth(item, "active")
        changed.append(found)
    return answer({"status": "COMPLETE", "results": [one.wire() for one in changed]})


def _spelled(tail: str) -> tuple[str, str]:
    return (f"/webhooks/v3/{{app_id}}{tail}", f"/webhooks/2026-03/{{app_id}}{tail}")


_SETTINGS, _SUBS, _SUB = "/settings", "/subscriptions", "/subscriptions/{id}"
ROUTES = (
    Route("GET", _spelled(_SETTINGS), "webhooks.settings.get", _settings, "app"),
    Route("PUT", _spelled(_SETTINGS), "webhooks.settings.put", _put_settings, "app"),
    Route("DELETE", _spelled(_SETTINGS), "webhooks.settings.delete", _delete_settings, "app"),
    Route("GET", _spelled(_SUBS), "webhooks.list", _list, "app"),
    Route("POST", _spelled(_SUBS), "webhooks.create", _create, "app"),
    Route("POST", _spelled("/subscriptions/batch/update"), "webhooks.batch", _batch, "app"),
    Route("GET", _spelled(_SUB), "webhooks.get", _get, "app"),
    Route("PATCH", _spelled(_SUB), "webhooks.update", _patch, "app"),
    Route("DELETE", _spelled(_SUB), "webhooks.delete", _delete, "app"),
)
