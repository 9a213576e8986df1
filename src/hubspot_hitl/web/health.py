"""Whether the process lives, and whether it should get traffic."""

from __future__ import annotations

import structlog
from aiohttp import web

from hubspot_hitl.errors import StoreUnavailable
from hubspot_hitl.web.keys import SERVICES

log = structlog.get_logger(__name__)

LAG_MS = 60_000
STORE_AWAY = "the database is away: the log names it, under not_ready"


async def live(_request: web.Request) -> web.Response:
    """200 as long as the event loop runs."""
    return web.json_response({"alive": True})


async def ready(request: web.Request) -> web.Response:
    """200 when deliveries can be accepted, else 503 with the reason.

    `warnings` say what an operator should look at although traffic can come: a restart would not
    mend a vendor that is down, so they do not make the server unready.
    """
    services = request.app[SERVICES]
    try:
        ledger = await services.ledger.health()
    except StoreUnavailable as error:
        log.warning("not_ready", reason=error.message)  # names hosts, and this route is open to all
        return web.json_response({"ready": False, "reason": STORE_AWAY}, status=503)
    oldest_ms = ledger.oldest_ready_ms
    age_ms = services.clock.now_ms() - oldest_ms if oldest_ms is not None else 0
    return web.json_response(
        {
            "ready": True,
            "waiting": ledger.ready,
            "dead": ledger.dead,
            "oldest_waiting_ms": max(0, age_ms),
            "warnings": _warnings(ledger.dead, age_ms),
        }
    )


def _warnings(dead: int, age_ms: int) -> list[str]:
    found: list[str] = []
    if dead:
        found.append(f"{dead} dead letters: replay or discard them")
    if age_ms > LAG_MS:
        found.append(f"the oldest delivery waits for {age_ms // 1000} s: is a vendor down?")
    return found
