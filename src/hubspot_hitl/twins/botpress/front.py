"""The public webhook entry: what `webhook.botpress.cloud` does with a call from outside.

`/{webhookId}{path}?query` becomes the operation `webhook_received`, and the integration's answer
goes back to the caller as it is.
"""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.operations import Operations
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.guard import carry_out
from hubspot_hitl.twins.wire import Json, list_of, object_of, parse_object

_NOT_RELAYED = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "transfer-encoding",
    }
)


class Front:
    """Relays webhooks to integrations."""

    def __init__(self, world: World, operations: Operations) -> None:
        self._world = world
        self._operations = operations

    def mount(self, app: web.Application) -> None:
        """Add the routes; they come last, since a webhook id can be any first segment."""
        app.router.add_route("*", "/oauth", self._by_state)
        app.router.add_route("*", "/oauth/{tail:.*}", self._by_state)
        app.router.add_route("*", "/integration/global/{name}", self._by_identifier)
        app.router.add_route("*", "/{webhook:[^/]+}", self._direct)
        app.router.add_route("*", "/{webhook:[^/]+}/{tail:.*}", self._direct)

    async def _direct(self, request: web.Request) -> web.Response:
        found = self._world.installations.get(request.match_info["webhook"])
        path = request.path.removeprefix(f"/{request.match_info['webhook']}")
        return await self._relay(request, found, path or self._world.options.bare_path)

    async def _by_state(self, request: web.Request) -> web.Response:
        found = self._world.installations.get(request.query.get("state", ""))
        return await self._relay(request, found, request.path)

    async def _by_identifier(self, request: web.Request) -> web.Response:
        """A shared app's webhook: the portal of the first event decides."""
        portal = str(_first_portal(await request.read()))
        every = self._world.installations.values()
        found = next((one for one in every if one.identifier == portal), None)
        return await self._relay(request, found, self._world.options.bare_path)

    async def _relay(
        self, request: web.Request, installation: Installation | None, path: str
    ) -> web.Response:
        async def effect() -> web.Response:
            if installation is None:
                return ApiError.not_found("Webhook", request.path).response()
            raw = await request.read()
            req: Json = {
                "method": request.method,
                "path": path,
                "query": request.raw_path.partition("?")[2],
                "headers": {name.lower(): value for name, value in request.headers.items()},
            }
            if request.method not in ("GET", "HEAD"):
                req["body"] = raw.decode("utf-8", "replace")
            answer = await self._operations.send(installation, "webhook_received", {"req": req})
            if answer.status is None:
                status = 504 if answer.problem == "timeout" else 502
                return ApiError(status, "Unknown", "The integration did not answer").response()
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in _NOT_RELAYED
            }
            return web.Response(status=answer.status, body=answer.body, headers=headers)

        return await carry_out(self._world, "front.webhook", request, effect)


def _first_portal(raw: bytes) -> object:
    wrapped = parse_object(b'{"events":' + raw + b"}") or {}
    events = list_of(wrapped.get("events"))
    first = object_of(events[0] if events else wrapped.get("events")) or {}
    return first.get("portalId")
