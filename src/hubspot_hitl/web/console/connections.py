"""Connections to portals: how each stands, and the way to HubSpot's consent page."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.connecting.return_url import with_query
from hubspot_hitl.web.console.gate import Visit
from hubspot_hitl.web.console.render import problem, see, show
from hubspot_hitl.web.oauth import DOOR

MOST = 200
LINK_S = 15 * 60
"""How long the page that leads to HubSpot may stay open."""


async def connections(visit: Visit) -> web.StreamResponse:
    """All installations with their portal, token and inboxes."""
    installations = visit.desk.services.installations
    watch = visit.request.app[DOOR].watch
    every = list(await installations.all())
    rows = [
        (one, await watch.status(one.id), await installations.bindings(one.id))
        for one in every[:MOST]
    ]
    return show(
        visit.frame,
        "connections.html",
        rows=rows,
        left_out=max(0, len(every) - MOST),
        now_ms=visit.desk.services.clock.now_ms(),
    )


async def connect(visit: Visit) -> web.StreamResponse:
    """A link to HubSpot's consent page; the page's policy lets no form lead to another site.

    It leads over this server's public address, where the browser is known again at the end.
    """
    found = await visit.desk.services.installations.get(visit.request.match_info["installation"])
    if found is None:
        return problem(visit.frame, 404, "There is no such installation.")
    public_url = visit.desk.services.policy.public_url
    door = visit.request.app[DOOR]
    if public_url:
        link = door.connector.signer.link(found.id, door.clock.now_ms(), LINK_S)
        back = f"{public_url.rstrip('/')}{visit.frame.base}/connections"
        url = with_query(
            f"{public_url.rstrip('/')}/oauth/hubspot/connect", {"link": link, "redirectUrl": back}
        )
    else:
        url = (await door.connector.begin(found.id)).url
    await visit.desk.audit.append(visit.who.name, "connection.begin", found.id)
    return show(visit.frame, "connect.html", url=url, one=found)


async def refresh(visit: Visit) -> web.StreamResponse:
    """Refresh the token now."""
    installation_id = visit.request.match_info["installation"]
    await visit.desk.audit.append(visit.who.name, "connection.refresh", installation_id)
    await visit.request.app[DOOR].watch.refresh(installation_id)
    return see(f"{visit.frame.base}/connections")
