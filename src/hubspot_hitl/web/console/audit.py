"""Who did what, and whether the record is whole."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import show

PAGE = 100


async def audit(visit: Visit) -> web.StreamResponse:
    """The trail, newest first; `?verify=1` recomputes the whole chain."""
    before = visit.request.query.get("before", "")
    entries = await visit.desk.audit.list(
        before_seq=int(before) if before.isdecimal() and len(before) < 18 else None, limit=PAGE
    )
    report = await visit.desk.audit.verify() if visit.request.query.get("verify") else None
    older = entries[-1].seq if len(entries) == PAGE else None
    return show(visit.frame, "audit.html", entries=entries, report=report, older=older)
