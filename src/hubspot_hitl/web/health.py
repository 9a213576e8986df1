"""Whether the process lives, and whether it should get traffic."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.web.keys import SERVICES


async def live(_request: web.Request) -> web.Response:
    """200 as long as the event loop runs."""
    return web.json_response({"alive": True})


async def ready(request: web.Request) -> web.Response:
    """200 when deliveries can be accepted, else 503 with the reason."""
    services = request.app[SERVICES]
    try:
        ledger = await services.ledger.health()
    except StoreUnavailable as error:
        return web.json_response({"ready": False, "reason": error.message}, status=503)
    oldest_ms = ledger.oldest_ready_ms
    age_ms = services.clock.now_ms() - oldest_ms if oldest_ms is not None else 0
    return web.json_response(
        {
            "ready": True,
            "waiting": ledger.ready,
            "dead": ledger.dead,
            "oldest_waiting_ms": max(0, age_ms),
        }
    )
