"""The list of handoffs, searched by any id or name."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import show

PAGE = 50
_ACTIVE = {"open": True, "ended": False}


async def handoffs(visit: Visit) -> web.StreamResponse:
    """One page of the list, newest first."""
    query = visit.request.query
    text, which = query.get("q", "").strip()[:200], query.get("which", "all")
    before = query.get("before", "")
    found = await visit.desk.services.handoffs.find(
        text=text or None,
        active=_ACTIVE.get(which),
        before_ms=int(before) if before.isdecimal() and len(before) < 16 else None,
        limit=PAGE,
    )
    older = found[-1].created_ms if len(found) == PAGE else None
    return show(
        visit.frame,
        "handoffs.html",
        found=found,
        q=text,
        which=which if which in _ACTIVE else "all",
        older=older,
        now_ms=visit.desk.services.clock.now_ms(),
    )
