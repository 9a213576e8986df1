"""What machines read: `/metrics` and `/openapi.json`. Their code is loaded when first asked for."""

from __future__ import annotations

from aiohttp import web


async def metrics(request: web.Request) -> web.Response:
    """One scrape in Prometheus's text format."""
    from hubspot_hitl.web import exposition  # 70 ms of imports that few processes need

    return await exposition.metrics(request)


async def openapi(request: web.Request) -> web.Response:
    """The description of this server's own HTTP API."""
    from hubspot_hitl.web.openapi import description

    return web.json_response(description())
