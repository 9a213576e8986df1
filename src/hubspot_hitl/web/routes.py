"""The one list of everything this server answers."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.web import agent_oauth, oauth, registrations
from hubspot_hitl.web.botpress import health, operation
from hubspot_hitl.web.console.routes import ROUTES as CONSOLE
from hubspot_hitl.web.health import live, ready
from hubspot_hitl.web.hubspot import webhook, webhook_unaddressed
from hubspot_hitl.web.machines import metrics, openapi

ROUTES: tuple[web.RouteDef, ...] = (
    # Botpress: it ignores method and path itself, so any is taken (source: the SDK, serve.ts).
    web.route("*", "/", operation),
    web.route("*", "/botpress", operation),
    web.route("*", "/botpress/{path_secret}", operation),
    # HubSpot, when it calls this server directly
    web.post("/hubspot/webhooks/{webhook_id}", webhook),
    web.post("/hubspot/webhooks", webhook_unaddressed),
    # whoever connects a portal
    web.get("/oauth/hubspot/connect", oauth.connect),
    web.get("/oauth/hubspot/callback", oauth.callback),
    web.get("/oauth/hubspot/HubSpotCallback", oauth.callback),
    web.get("/oauth/hubspot/status", oauth.status),
    web.post("/oauth/hubspot/status", oauth.status),
    web.post("/oauth/hubspot/refresh", oauth.refresh),
    web.post("/oauth/hubspot/disconnect", oauth.disconnect),
    web.post("/oauth/hubspot/token", oauth.token),
    web.post("/oauth/hubspot/test", oauth.test),
    *agent_oauth.ROUTES,
    # web widgets, when a token is set
    web.post("/registrations", registrations.register),
    # machines
    web.route("*", "/health", health),
    web.get("/livez", live),
    web.get("/readyz", ready),
    web.get("/metrics", metrics),
    web.get("/openapi.json", openapi),
    # operators
    *CONSOLE,
)
