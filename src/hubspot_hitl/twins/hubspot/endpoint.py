"""How a call reaches a handler: faults, credentials, rate limit, body, then the handler itself."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from aiohttp import web
from aiohttp.web_request import FileField

from hubspot_hitl.twins.guard import carry_out
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Portal, Token
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, parse_object

Access = Literal["none", "app", "oauth"]
FormValue = str | bytes | bytearray | FileField


@dataclass(slots=True)
class Call:
    """One call after its credentials were checked. `raw` is the body, `form` its form fields."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    request: web.Request
    raw: bytes = b""
    form: Mapping[str, FormValue] = field(default_factory=dict[str, FormValue])
    token: Token | None = None
    caller_portal: Portal | None = None

    @property
    def portal(self) -> Portal:
        """The portal whose token was presented."""
        if self.caller_portal is None:
            raise ApiError(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
        return self.caller_portal

    def body(self) -> Json:
        """The body as a JSON object. Raises a 400 or 415."""
        if not self.request.content_type.endswith("json"):
            raise ApiError(415, "Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE")
        found = parse_object(self.raw)
        if found is None:
            raise ApiError.invalid("Invalid input JSON: an object is expected")
        return found

    def truth(self, name: str) -> bool:
        """A boolean of the query; false when absent."""
        return self.query.get(name, "").lower() == "true"

    def limit(self, default: int, most: int) -> int:
        """The `limit` of the query. Raises a 400 when it is no number from 1 to `most`."""
        text = self.query.get("limit", str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ApiError.invalid(f"limit must be between 1 and {most}", field="limit")
        return int(text)


Handler = Callable[[World, Call], web.Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its spellings, who may call it (any one of `scopes` suffices), its handler."""

    method: str
    paths: tuple[str, ...]
    operation: str
    handler: Handler
    access: Access = "oauth"
    scopes: tuple[str, ...] = ()
    search: bool = False


WORLD = web.AppKey("WORLD", World)


def mount(app: web.Application, world: World, routes: tuple[Route, ...]) -> None:
    """Add routes to an application."""
    app[WORLD] = world
    for resource in _resources(routes):
        app.router.register_resource(resource)


@cache
def _resources(routes: tuple[Route, ...]) -> tuple[web.AbstractResource, ...]:
    """The routes as aiohttp's resources, made once for all twins of a process.

    Making these hundreds takes longer than many a test has to say to a twin.
    """
    router = web.UrlDispatcher()
    for route in routes:
        for path in route.paths:
            router.add_route(route.method, path, _handler(route))
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
    call = Call(request.match_info, request.query, request)
    if route.access == "oauth":
        call.token = _token(world, request, route.scopes)
        call.caller_portal = world.portals[call.token.portal_id]
    elif route.access == "app":
        _check_app(world, request)
    needs_edition = route.operation.split(".")[0] in ("accounts", "channel_accounts")
    if needs_edition and not world.options.custom_channels_edition:
        raise ApiError(403, "This account does not have access to this feature.", "BANNED")
    headers: dict[str, str] = {}
    if call.token is not None:
        headers = world.count_call(call.token.portal_id, route.search)
    if request.content_type.startswith("multipart/"):
        call.form = await request.post()
    elif request.body_exists:
        call.raw = await request.read()
        if request.content_type == "application/x-www-form-urlencoded":
            call.form = await request.post()
    response = route.handler(world, call)
    response.headers.update(headers)
    response.headers.setdefault("X-HubSpot-Correlation-Id", str(uuid.uuid4()))
    return response


def _token(world: World, request: web.Request, scopes: tuple[str, ...]) -> Token:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise ApiError(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
    token = world.tokens.get(value)
    if token is None:
        raise ApiError(401, "Authentication credentials are not valid.", "INVALID_AUTHENTICATION")
    if token.expires_at is not None and token.expires_at <= world.clock():
        raise ApiError(
            401, "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION"
        )
    if scopes and not token.scopes.intersection(scopes):
        raise ApiError(
            403,
            "This app hasn't been granted all required scopes to make this call.",
            "MISSING_SCOPES",
            errors=[
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": list(scopes)},
                }
            ],
        )
    return token


def _check_app(world: World, request: web.Request) -> None:
    """App-level authentication: the developer's key and the app's id, both in the query."""
    key = request.query.get("hapikey")
    if key != world.options.developer_api_key:
        what = "not found" if key is None else "not valid"
        raise ApiError(401, f"The developer API key is {what}.", "INVALID_AUTHENTICATION")
    app_id = request.query.get("appId") or request.match_info.get("app_id")
    if not app_id:
        raise ApiError.invalid("Required query parameter appId is missing", field="appId")
    if app_id != world.options.app_id:
        raise ApiError(403, "The key does not belong to this app.", "BANNED")
    if request.path.startswith("/webhooks/") and not world.options.webhooks_api:
        raise ApiError(403, "This kind of app is not supported by this API.", "BANNED")
