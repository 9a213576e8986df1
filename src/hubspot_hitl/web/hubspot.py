"""HubSpot's webhooks over HTTP, when it calls this server directly."""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web

from hubspot_hitl.errors import (
    BadSignature,
    HitlError,
    InvalidPayload,
    StoreUnavailable,
    UnknownInstallation,
)
from hubspot_hitl.web.keys import HUBSPOT, SERVICES
from hubspot_hitl.web.problems import problem
from hubspot_hitl.web.webhooks import WebhookCall

log = structlog.get_logger(__name__)


PATH: Final = "/hubspot/webhooks"


async def webhook(request: web.Request) -> web.Response:
    """A webhook at an installation's own address."""
    door = request.app[HUBSPOT]
    try:
        installation = await door.installation(request.match_info["webhook_id"])
        await door.receive(installation, await _call(request))
    except _REFUSALS as error:
        return _refused(error)
    return web.json_response({})


async def webhook_unaddressed(request: web.Request) -> web.Response:
    """A webhook of an app that several installations share: the signature and portal decide."""
    try:
        await request.app[HUBSPOT].receive_unaddressed(await _call(request))
    except _REFUSALS as error:
        return _refused(error)
    return web.json_response({})


_REFUSALS = (BadSignature, InvalidPayload, StoreUnavailable, UnknownInstallation)


def _refused(error: HitlError) -> web.Response:
    """Say no in few words. After a 503 HubSpot keeps the events and calls again, for a day."""
    match error:
        case BadSignature():
            status = 401
        case UnknownInstallation():
            status = 404
        case InvalidPayload():
            status = 400
        case _:
            status = 503
    log.warning("webhook_refused", status=status, error=error.code, reason=error.message)
    headers = {"Retry-After": "5"} if status == 503 else None
    return problem(status, error.code, headers=headers)


async def _call(request: web.Request) -> WebhookCall:
    """The call with the URL that HubSpot signed: the configured public one, with path and query.

    Without a public URL, the address as the client named it; behind a proxy that is not the public
    one, so a public URL must be set there.
    """
    public_url = request.app[SERVICES].policy.public_url
    base = public_url.rstrip("/") if public_url else f"{request.scheme}://{request.host}"
    path = request.raw_path
    if public_url and path.count(PATH) == 1:
        path = path[path.index(PATH) :]  # where we are mounted is part of the public URL
    return WebhookCall(
        method=request.method,
        urls=(f"{base}{path}",),
        headers=request.headers,
        body=await request.read(),
    )
