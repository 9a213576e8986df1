"""Start reading here: the integration as one aiohttp application.

The main path, from the outside in::

    Botpress  -> web.botpress -> web.operations -> actions.* | channels.hitl -> ledger
    HubSpot   -> web.hubspot  -> web.webhooks   -> intake.batch              -> ledger
    ledger    -> channels.hitl | events.* -> effects.*  ->  HubSpot's and Botpress's APIs

`web.routes` lists every address, :mod:`hubspot_hitl.dispatch` every kind of delivery with its
handler. `create_app` puts doors before what :mod:`hubspot_hitl.house` opens, and owns its life.
Nothing else wires parts together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from hubspot_hitl.botpress.server import OperationServer
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.house import House, open_house
from hubspot_hitl.observing.metrics import Metrics
from hubspot_hitl.observing.observing import Observing, open_traces
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.settings import Settings
from hubspot_hitl.web import keys, oauth, registrations
from hubspot_hitl.web.botpress import at_any_path, who_may_be_unsigned
from hubspot_hitl.web.console.access import Access
from hubspot_hitl.web.console.desk import DESK, Desk, end_streams
from hubspot_hitl.web.errors import errors
from hubspot_hitl.web.limits import limiter
from hubspot_hitl.web.operations import BotpressDoor
from hubspot_hitl.web.routes import ROUTES
from hubspot_hitl.web.surroundings import surroundings
from hubspot_hitl.web.webhooks import HubSpotDoor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


def create_app(
    settings: Settings,
    *,
    runtime: BotRuntime | None = None,
    clock: Clock | None = None,
    spans: SpanExporter | None = None,
) -> web.Application:
    """The integration as an aiohttp application, to run or to mount with `add_subapp`.

    `runtime` replaces Botpress's Runtime API for every installation, so that any Python bot can
    load the integration. `spans` takes the traces, which otherwise go where `HITL_TRACES` says.
    Nothing is opened before the application starts.
    """
    middlewares = [errors, limiter(), at_any_path]
    app = web.Application(client_max_size=settings.max_body_bytes, middlewares=middlewares)
    app[keys.SETTINGS] = settings
    app[registrations.COUNTS] = registrations.counts()
    app.cleanup_ctx.append(
        partial(_life, runtime=runtime, clock=clock or SystemClock(), spans=spans)
    )
    app.on_shutdown.append(end_streams)
    app.add_routes(ROUTES)
    return app


async def _life(
    app: web.Application,
    *,
    runtime: BotRuntime | None,
    clock: Clock,
    spans: SpanExporter | None,
) -> AsyncIterator[None]:
    """What lives as long as the application: opened in this order, closed in the other."""
    settings, observing = app[keys.SETTINGS], Observing(Metrics(), clock)
    async with (
        open_traces(observing, wanted=settings.traces, exporter=spans),
        open_house(settings, runtime=runtime, clock=clock, observing=observing) as house,
    ):
        _open_doors(app, settings, house, observing)
        app[DESK] = _desk(settings, house, observing)
        yield


def _open_doors(
    app: web.Application, settings: Settings, house: House, observing: Observing
) -> None:
    """Hand the routes what they lead to."""
    hubspot = HubSpotDoor(house.services, accept_v1=settings.hubspot_accept_v1_signatures)
    botpress = BotpressDoor(
        house.services,
        hubspot,
        house.connector,
        guarded=bool(house.signing_secrets or settings.botpress_path_secret),
        observing=observing,
    )
    app[oauth.DOOR] = oauth.OAuthDoor(
        house.connector, house.connections, house.services.clock, settings.console_token
    )
    app[keys.SERVICES] = house.services
    app[keys.HUBSPOT] = hubspot
    app[keys.OPERATIONS] = OperationServer(
        botpress.operations(),
        clock=house.services.clock,
        signing_secrets=house.signing_secrets,
        unsigned=who_may_be_unsigned(settings, house.signing_secrets),
        answered=botpress.answered,
    )


def _desk(settings: Settings, house: House, observing: Observing) -> Desk:
    return Desk(
        house.services,
        house.storage.audit,
        house.storage.figures,
        house.rates,
        observing.metrics,
        Access(settings, house.services.clock),
        rate_used=lambda: house.portals.rate_used,
        token_age=lambda: house.portals.token_age_s,
        surroundings=partial(
            surroundings,
            settings,
            house.storage.vault,
            signing_secret=bool(house.signing_secrets),
        ),
        circuits=house.circuits,
    )
