"""States, files and the integration's own settings in the Runtime API."""

from __future__ import annotations

from collections.abc import Container

from aiohttp import web

from hubspot_hitl.twins.botpress.endpoint import Call, Route, require
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.records import State
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.wire import Json, answer, iso

MOST_IDLE_MS = 2_592_000_000
SCOPES = ("conversation", "user", "integration")
PERIODS = ("hourly", "daily", "weekly", "bi-weekly", "monthly", "quarterly", "yearly")


def _key(call: Call) -> tuple[str, str, str]:
    scope, owner = call.path["scope"], call.path["owner"]
    if scope not in SCOPES:
        raise ApiError(403, "Forbidden", f"Integrations have no states of type {scope!r}")
    owners: dict[str, Container[str]] = {
        "conversation": call.bot.conversations,
        "user": call.bot.users,
        "integration": (call.installation.integration_id,),
    }
    if owner not in owners[scope]:
        raise ApiError.reference(scope.capitalize(), owner)
    return scope, owner, call.path["name"]


def _live(world: World, call: Call, key: tuple[str, str, str]) -> State | None:
    found = call.bot.states.get(key)
    now = world.clock()
    if found is None:
        return None
    if found.idle_ms is not None and now > found.touched_at + found.idle_ms / 1000:
        del call.bot.states[key]
        return None
    found.touched_at = now
    return found


def _wire(key: tuple[str, str, str], state: State) -> Json:
    body: Json = {
        "id": ":".join(key),
        "type": key[0],
        "name": key[2],
        "payload": state.payload,
        "updatedAt": iso(state.touched_at),
    }
    if state.idle_ms is not None:
        body["expiry"] = state.idle_ms
        body["expiresAt"] = iso(state.touched_at + state.idle_ms / 1000)
    return body


def _idle(body: Json) -> int | None:
    value = body.get("expiry")
    if value is None:
        return None
    if not isinstance(value, int) or not 1 <= value <= MOST_IDLE_MS:
        raise ApiError.invalid(f"expiry must be between 1 and {MOST_IDLE_MS}")
    return value


def _get(world: World, call: Call) -> web.Response:
    key = _key(call)
    found = _live(world, call, key)
    if found is None:
        raise ApiError.not_found("State", key[2])
    return answer({"state": _wire(key, found), "meta": {"cached": False}})


def _set(world: World, call: Call) -> web.Response:
    key, body = _key(call), call.body()
    if "payload" not in body:
        raise ApiError.invalid("data must have required property 'payload'")
    if body["payload"] is not None:
        world.definition.state(key[0], key[2], body["payload"])
    state = State(body["payload"] or {}, _idle(body), world.clock())
    if body["payload"] is None:
        call.bot.states.pop(key, None)
    else:
        call.bot.states[key] = state
    return answer({"state": _wire(key, state)})


def _patch(world: World, call: Call) -> web.Response:
    key, body = _key(call), call.body()
    require(body, "payload")
    before = _live(world, call, key)
    payload = {**(before.payload if before else {}), **body["payload"]}
    world.definition.state(key[0], key[2], payload)
    state = State(payload, before.idle_ms if before else None, world.clock())
    call.bot.states[key] = state
    return answer({"state": _wire(key, state)})


def _get_or_set(world: World, call: Call) -> web.Response:
    key, body = _key(call), call.body()
    require(body, "payload")
    found = _live(world, call, key)
    if found is None:
        world.definition.state(key[0], key[2], body["payload"])
        found = call.bot.states[key] = State(body["payload"], _idle(body), world.clock())
    return answer({"state": _wire(key, found), "meta": {"cached": False}})


def _expire(world: World, call: Call) -> web.Response:
    key, body = _key(call), call.body()
    found = _live(world, call, key)
    if found is None:
        raise ApiError.not_found("State", key[2])
    found.idle_ms = _idle(body)
    return answer({"state": _wire(key, found)})


def _configure(world: World, call: Call) -> web.Response:
    body = call.body()
    identifier = body.get("identifier")
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > 200):
        raise ApiError(400, "InvalidIdentifier", "identifier must be at most 200 characters")
    period = body.get("scheduleRegisterCall")
    if period is not None and period not in PERIODS:
        raise ApiError.invalid(f"scheduleRegisterCall must be one of {list(PERIODS)}")
    if "identifier" in body:
        call.installation.identifier = identifier
    return answer({})


def _upsert_file(world: World, call: Call) -> web.Response:
    body = call.body()
    require(body, "key", "size")
    known = next((one for one in call.bot.files.values() if one["key"] == body["key"]), None)
    file_id = known["id"] if known else world.new_id("file")
    url = f"{world.url}/_files/{call.bot.id}/{file_id}"
    record: Json = {
        "id": file_id,
        "key": body["key"],
        "size": body["size"],
        "contentType": body.get("contentType", "application/octet-stream"),
        "accessPolicies": body.get("accessPolicies", []),
        "tags": body.get("tags", {}),
        "status": "upload_pending",
        "url": url,
        "createdAt": iso(world.clock()),
    }
    call.bot.files[file_id] = record
    return answer({"file": {**record, "uploadUrl": url}})


def _delete_file(world: World, call: Call) -> web.Response:
    if call.bot.files.pop(call.path["file"], None) is None:
        raise ApiError.not_found("File", call.path["file"])
    return answer({})


def mount_files(app: web.Application, world: World) -> None:
    """The addresses that `upsertFile` hands out: PUT the bytes, GET them again."""

    def file_of(request: web.Request) -> Json:
        bot = world.bots.get(request.match_info["bot"])
        found = bot.files.get(request.match_info["file"]) if bot else None
        if found is None:
            raise web.HTTPNotFound
        return found

    async def put(request: web.Request) -> web.Response:
        record = file_of(request)
        record["_content"] = await request.read()
        record["status"] = "upload_completed"
        return web.Response()

    async def get(request: web.Request) -> web.Response:
        record = file_of(request)
        if "_content" not in record:
            raise web.HTTPNotFound
        headers = {"Content-Type": record["contentType"]}
        return web.Response(body=record["_content"], headers=headers)

    app.router.add_put("/_files/{bot}/{file}", put)
    app.router.add_get("/_files/{bot}/{file}", get)


_S = "/v1/chat/states/{scope}/{owner}/{name}"
ROUTES = (
    Route("GET", _S, "states.get", _get),
    Route("POST", _S, "states.set", _set),
    Route("PATCH", _S, "states.patch", _patch),
    Route("POST", f"{_S}/get-or-set", "states.get_or_set", _get_or_set),
    Route("POST", f"{_S}/expiry", "states.expire", _expire),
    Route("POST", "/v1/chat/integrations/configure", "integrations.configure", _configure),
    Route("PUT", "/v1/files", "files.upsert", _upsert_file),
    Route("DELETE", "/v1/files/{file}", "files.delete", _delete_file),
)
