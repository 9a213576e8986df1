"""The console's routes, one list."""

from __future__ import annotations

import re

from aiohttp import web

from hubspot_hitl.web.console import (
    audit,
    bundle,
    connections,
    deliveries,
    doctor,
    figures,
    handoffs,
    live,
    login,
    overview,
    portal,
    recorder,
)
from hubspot_hitl.web.console.actions import DELIVERY, HANDOFF
from hubspot_hitl.web.console.assets import FILES, asset, asset_path
from hubspot_hitl.web.console.confirmed import asking, doing
from hubspot_hitl.web.console.desk import DESK
from hubspot_hitl.web.console.gate import acting, reading, sealed

_ON_DELIVERY = f"/console/deliveries/{{seq:[0-9]+}}/{{action:{'|'.join(DELIVERY.actions)}}}"
_ON_HANDOFF = f"/console/handoffs/{{handoff}}/{{action:{'|'.join(HANDOFF.actions)}}}"
_TYPES = {"css": "text/css", "js": "text/javascript"}
_ASSET = f"/console/static/{{name:{'|'.join(map(re.escape, FILES))}}}"


async def _home(request: web.Request) -> web.Response:
    """`/console` without the slash."""
    return web.Response(status=308, headers={"Location": f"{request.path}/"})


async def _static(request: web.Request) -> web.StreamResponse:
    """A file of the pages, kept by browsers for as long as the pages name it."""
    if not request.app[DESK].access.is_open:
        raise web.HTTPNotFound(text="There is nothing at this path.")
    name = request.match_info["name"]
    kind = _TYPES[name.rpartition(".")[2]]
    response = web.Response(body=asset(name), content_type=kind, charset="utf-8")
    if asset_path(name).endswith(f"?{request.query_string}"):
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.enable_compression()  # pages are not compressed: they hold what must stay secret
    return sealed(response)


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/console", _home, name="console"),
    web.get("/console/", reading(overview.overview)),
    web.get(_ASSET, _static),
    web.get("/console/login", login.ask),
    web.post("/console/login", login.log_in),
    web.post("/console/logout", reading(login.log_out)),
    web.get("/console/events", reading(live.live)),
    web.get("/console/handoffs", reading(handoffs.handoffs)),
    web.get("/console/handoffs/{handoff}", reading(recorder.handoff)),
    web.get("/console/handoffs/{handoff}/bundle.zip", reading(bundle.download)),
    web.get(_ON_HANDOFF, reading(asking(HANDOFF))),
    web.post(_ON_HANDOFF, acting(doing(HANDOFF))),
    web.get("/console/deliveries", reading(deliveries.deliveries)),
    web.get("/console/deliveries/{seq:[0-9]+}", reading(deliveries.delivery)),
    web.get(_ON_DELIVERY, reading(asking(DELIVERY))),
    web.post(_ON_DELIVERY, acting(doing(DELIVERY))),
    web.get("/console/figures", reading(figures.page)),
    web.get("/console/figures.{form:csv|json}", reading(figures.export)),
    web.get("/console/connections", reading(connections.connections)),
    web.post("/console/connections/{installation}/connect", acting(connections.connect)),
    web.post("/console/connections/{installation}/refresh", acting(connections.refresh)),
    web.get("/console/plan", reading(portal.plan)),
    web.get("/console/fields", reading(portal.fields)),
    web.post("/console/fields", acting(portal.refresh)),
    web.get("/console/rules", reading(portal.rules)),
    web.get("/console/doctor", reading(doctor.page)),
    web.post("/console/doctor", acting(doctor.run)),
    web.get("/console/audit", reading(audit.audit)),
)
