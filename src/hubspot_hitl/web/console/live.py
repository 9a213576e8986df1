"""Tells open pages that something happened, as server-sent events without content."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from hubspot_hitl.web.console.gate import HEADERS, Visit

LOOK_EVERY_S = 1.0
TICK_EVERY = 10  # other replicas' work shows at the latest with a tick
LASTS_LOOKS = 600


async def live(visit: Visit) -> web.StreamResponse:
    """An event `changed` whenever this process did something, at most one each second.

    `Last-Event-ID`, else `?seen=`, says what the page knows: what happened before the stream was
    there counts as well, and so does another process than the one that made the page.
    Ends after a while, so that a session that has run out does not stay connected.
    """
    request, metrics = visit.request, visit.desk.metrics
    response = web.StreamResponse(
        headers={**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    seen = request.headers.get("Last-Event-ID") or request.query.get("seen") or metrics.moment
    closing = visit.desk.closing
    with contextlib.suppress(ConnectionResetError):
        await response.write(b"retry: 1000\n\n")
        for look in range(1, LASTS_LOOKS):
            if metrics.moment != seen or look % TICK_EVERY == 0:
                seen = metrics.moment
                await response.write(f"id: {seen}\nevent: changed\ndata: -\n\n".encode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), LOOK_EVERY_S)
                break
    return response
