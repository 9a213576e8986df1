"""The one list of everything this server answers."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.web.botpress import health, operation
from hubspot_hitl.web.health import live, ready
from hubspot_hitl.web.hubspot import webhook, webhook_unaddressed

ROUTES: tuple[web.RouteDef, ...] = (
    # Botpress: it ignores method and path itself, so any method is taken (facts: SDK serve.ts).
    web.route("*", "/", operation),
    web.route("*", "/botpress", operation),
    web.route("*", "/botpress/{path_secret}", operation),
    # HubSpot, when it calls this server directly
    web.post("/hubspot/webhooks/{webhook_id}", webhook),
    web.post("/hubspot/webhooks", webhook_unaddressed),
    # machines
    web.route("*", "/health", health),
    web.get("/livez", live),
    web.get("/readyz", ready),
)
