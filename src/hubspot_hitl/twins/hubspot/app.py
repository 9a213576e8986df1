"""The HubSpot twin as one object: an HTTP server and the hands of the people behind it."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from hubspot_hitl.twins.faults import Faults
from hubspot_hitl.twins.host import Host, run_until_cancelled
from hubspot_hitl.twins.hubspot import (
    channels,
    conversations,
    crm,
    crm_more,
    crm_upsert,
    files,
    oauth,
    properties,
    publish,
    timeline,
    webhooks_api,
)
from hubspot_hitl.twins.hubspot.agents import Agents
from hubspot_hitl.twins.hubspot.control import Control
from hubspot_hitl.twins.hubspot.endpoint import mount
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.hubspot.transcript import transcript
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json

ROUTES = (
    *oauth.ROUTES,
    *channels.ROUTES,
    *publish.ROUTES,
    *conversations.ROUTES,
    *crm_more.ROUTES,
    *crm_upsert.ROUTES,
    *timeline.ROUTES,
    *crm.ROUTES,
    *properties.ROUTES,
    *files.ROUTES,
    *webhooks_api.ROUTES,
)
MOST_BODY_BYTES = 64 * 1024 * 1024


@web.middleware
async def _unknown_path(
    request: web.Request, handler: Callable[[web.Request], object]
) -> web.StreamResponse:
    try:
        return await handler(request)  # type: ignore[misc, no-any-return]  # aiohttp's own shape
    except web.HTTPNotFound:
        return ApiError(404, f"No such path {request.path!r}", "NOT_FOUND").response()
    except web.HTTPMethodNotAllowed:
        return ApiError(405, "Method not allowed", "METHOD_NOT_ALLOWED").response()


class HubSpotTwin:
    """HubSpot on a local port.

    `agents` are the people in the inbox, `faults` what may go wrong, `journal` what happened,
    `world` the whole state. `clock` tells epoch seconds.
    """

    def __init__(
        self,
        options: HubSpotOptions | None = None,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = options or HubSpotOptions()
        self.faults = faults or Faults()
        self.world = World(self.options, self.faults, clock)
        self.journal = self.world.journal
        self.agents = Agents(self.world)
        self.url = ""
        self._host = Host()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 takes a free one. Returns the address."""
        await self.world.hooks.start()
        self.url = await self._host.start(self.application(), host, port)
        self.world.url = self.url
        return self.url

    async def stop(self) -> None:
        """Stop listening and give up webhooks under way."""
        await self._host.stop()
        await self.world.hooks.stop()

    def application(self) -> web.Application:
        """A new aiohttp application over this twin's state."""
        app = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[_unknown_path])
        Control(self.world, self.agents).mount(app)
        mount(app, self.world, ROUTES)
        return app

    async def settled(self) -> None:
        """Return when no webhook is waiting, in flight or due for a retry."""
        await self.world.hooks.settled()

    def deliver_to(self, url: str | None) -> None:
        """Send app webhooks to `url`, whatever the app's settings say; None obeys the settings."""
        self.options.app_webhook_url = url

    def transcript(self, thread_id: str) -> list[Json]:
        """What was said in a thread. Raises `ApiError` for an unknown one."""
        return transcript(self.world.thread(thread_id))

    def access_token(self, portal_id: str | None = None) -> str:
        """A fresh access token of the portal's first grant."""
        wanted = portal_id or self.options.portal_id
        for grant in self.world.grants.values():
            if grant.portal_id == wanted and not grant.revoked:
                return self.world.issue(grant).value
        raise ApiError.not_found("grant of portal", wanted)


async def serve(
    host: str = "127.0.0.1", port: int = 8091, options: HubSpotOptions | None = None
) -> None:
    """Serve a HubSpot twin until cancelled."""
    await run_until_cancelled(HubSpotTwin(options), host, port)
