"""Start reading here: the only place where the parts are put together.

The main path, from the outside in::

    Botpress  -> web.botpress -> web.operations -> actions.* | channels.hitl -> ledger
    HubSpot   -> web.hubspot  -> web.webhooks   -> events.intake             -> ledger
    ledger    -> channels.hitl | events.* | actions.*  ->  HubSpot's and Botpress's APIs

`create_app` wires settings to adapters to handlers and owns their lives; nothing else does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

import aiohttp
from aiohttp import web

from hubspot_hitl import actions, events
from hubspot_hitl.botpress.client import BotpressRuntimes
from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.channels import hitl
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ledger import open_ledger
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.ledger import Delivery, Handler, Outcome
from hubspot_hitl.ports.services import Bots, Policy, Services
from hubspot_hitl.settings import Settings
from hubspot_hitl.store import open_store
from hubspot_hitl.web import keys
from hubspot_hitl.web.errors import errors
from hubspot_hitl.web.operations import BotpressDoor
from hubspot_hitl.web.routes import ROUTES
from hubspot_hitl.web.webhooks import HubSpotDoor

DELIVERY_HANDLERS: Mapping[str, Callable[[Services, Delivery], Awaitable[Outcome]]] = {
    **hitl.DELIVERIES,
    **actions.DELIVERIES,
    **events.EVENTS,
}
"""Everything the ledger can be asked to do: kind -> handler."""


def create_app(
    settings: Settings, *, runtime: BotRuntime | None = None, clock: Clock | None = None
) -> web.Application:
    """The integration as an aiohttp application, to run or to mount with `add_subapp`.

    `runtime` replaces Botpress's Runtime API for every installation, so that any Python bot can
    load the integration. Nothing is opened before the application starts.
    """
    app = web.Application(client_max_size=settings.max_body_bytes, middlewares=[errors])
    app[keys.SETTINGS] = settings
    app.cleanup_ctx.append(
        partial(_services, runtime=runtime, clock=clock or SystemClock())
    )
    app.add_routes(ROUTES)
    return app
