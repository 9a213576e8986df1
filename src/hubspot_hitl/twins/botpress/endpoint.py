"""How a call reaches a handler of the Runtime API: faults, credentials, limit, body."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from aiohttp import web

from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.records import Bot, Installation
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.guard import carry_out
from hubspot_hitl.twins.wire import Json, answer, list_of, object_of, parse_object


@dataclass(slots=True)
class Call:
    """One call of an installation, its credentials checked."""

    request: web.Request
    path: Mapping[str, str]
    bot: Bot
    installation: Installation
    raw: bytes = b""

    def body(self) -> Json:
        """The body as a JSON object. Raises a 400 or 415."""
        if not self.request.content_type.endswith("json"):
            raise ApiError(415, "UnsupportedMediaType", "JSON is expected")
        found = parse_object(self.raw)
        if found is None:
            raise ApiError.invalid("The body must be a JSON object")
        return found

    def tags_query(self) -> dict[str, str]:
        """The `tags.x=y` part of the query."""
        query = self.request.query
        return {
            name.removeprefix("tags."): value
            for name, value in query.items()
            if name.startswith("tags.")
        }

    def page(self, name: str, items: Sequence[Json]) -> web.Response:
        """One page of a list."""
        query = self.request.query
        size, token = query.get("pageSize", "20"), query.get("nextToken", "0")
        if not size.isdecimal() or not token.isdecimal():
            raise ApiError(400, "InvalidQuery", "pageSize or nextToken is not valid")
        begin, count = int(token), max(1, int(size))
        meta = {"nextToken": str(begin + count)} if begin + count < len(items) else {}
        return answer({name: items[begin : begin + count], "meta": meta})


Handler = Callable[[World, Call], web.Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the Runtime API."""

    method: str
    path: str
    operation: str
    handler: Handler


WORLD = web.AppKey("WORLD", World)


def mount(app: web.Application, world: World, routes: tuple[Route, ...]) -> None:
    """Add routes to an application."""
    app[WORLD] = world
    for resource in _resources(routes):
        app.router.register_resource(resource)


@cache
def _resources(routes: tuple[Route, ...]) -> tuple[web.AbstractResource, ...]:
    """The routes as aiohttp's resources, made once for all twins of a process."""
    router = web.UrlDispatcher()
    for route in routes:
        router.add_route(route.method, route.path, _handler(route))
    return tuple(router.resources())


def _handler(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        world = request.app[WORLD]

        async def effect() -> web.Response:
            try:
                return await _serve(world, route, request)
            except ApiError as error:
                return error.response()

        return await carry_out(world, route.operation, request, effect)

    return handle


async def _serve(world: World, route: Route, request: web.Request) -> web.Response:
    bot, installation = authenticate(world, request)
    headers = world.count_call()
    call = Call(request, request.match_info, bot, installation)
    if request.body_exists:
        call.raw = await request.read()
    response = route.handler(world, call)
    response.headers.update(headers)
    return response


def authenticate(world: World, request: web.Request) -> tuple[Bot, Installation]:
    """The bot and installation that the headers name. Raises 400, 401 or 403."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    expected = world.options.token.encode()
    known = hmac.compare_digest(value.encode(), expected) or value in world.access_keys
    fits = scheme == "Bearer" and known
    if world.revoked or not fits:
        raise ApiError(401, "Unauthorized", "The token is missing or not valid")
    named: dict[str, str] = {}
    for name in ("x-bot-id", "x-integration-id", "x-integration-alias"):
        given = request.headers.get(name)
        if not given:
            raise ApiError.invalid(f"Header {name} is missing")
        named[name] = given
    installation = world.installation_of(named["x-bot-id"], named["x-integration-alias"])
    if installation is None or installation.integration_id != named["x-integration-id"]:
        raise ApiError(403, "Forbidden", "The integration is not installed in this bot")
    return world.bot(installation.bot_id), installation


def require(body: Json, *names: str) -> None:
    """All of `names` are present. Raises a 400."""
    for name in names:
        if body.get(name) is None:
            raise ApiError.invalid(f"data must have required property {name!r}")


def texts(body: Json, *names: str) -> None:
    """Those of `names` that are present are strings. Raises a 400."""
    for name in names:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise ApiError.invalid(f"data/{name} must be string")


def tags_of(body: Json) -> dict[str, str]:
    """The body's tags; absent means none. Raises a 400 when they are no object."""
    found = object_of(body.get("tags", {}))
    if found is None:
        raise ApiError.invalid("tags must be an object")
    return found


def discriminating(body: Json, tags: dict[str, str]) -> dict[str, str]:
    """The tags that decide a match: those named, or all. Raises a 400 for a name without tag."""
    if body.get("discriminateByTags") is None:
        return tags
    names = list_of(body["discriminateByTags"])
    if names is None or any(not isinstance(name, str) or name not in tags for name in names):
        raise ApiError.invalid("discriminateByTags names a tag that is not given")
    return {name: tags[name] for name in names}


def merged(before: dict[str, str], change: Mapping[str, str | None]) -> dict[str, str]:
    """Tags after an update: null or an empty text removes one."""
    after = {**before, **change}
    return {key: value for key, value in after.items() if value}
