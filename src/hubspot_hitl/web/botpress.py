"""Botpress's operations over HTTP: the path secret, then the operation server."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hubspot_hitl.botpress.signature import OPERATION_HEADER
from hubspot_hitl.settings import Settings
from hubspot_hitl.web.keys import OPERATIONS, SETTINGS
from hubspot_hitl.web.peers import is_near

log = structlog.get_logger(__name__)


def who_may_be_unsigned(
    settings: Settings, signing_secrets: Sequence[str]
) -> Callable[[web.Request], bool] | None:
    """Who is believed without a signature; None is everybody, where the path is the proof."""
    if signing_secrets or settings.botpress_path_secret is not None:
        return None
    log.warning(
        "operations_without_proof",
        taken_from=settings.botpress_unsigned,
        cure="Set HITL_BOTPRESS_SIGNING_SECRETS, or HITL_BOTPRESS_PATH_SECRET.",
    )
    if settings.botpress_unsigned == "anywhere":
        return None
    return partial(is_near, this_machine=settings.botpress_unsigned == "loopback")


async def operation(request: web.Request) -> web.StreamResponse:
    """Serve an operation; 404 when a path secret is set and the path does not carry it."""
    secret = request.app[SETTINGS].botpress_path_secret
    given = request.match_info.get("path_secret", "")
    if secret is not None and not hmac.compare_digest(
        given.encode(), secret.get_secret_value().encode()
    ):
        log.warning("operation_at_wrong_path")
        raise web.HTTPNotFound(text="There is nothing at this path.")
    return await request.app[OPERATIONS].handle(request)


@web.middleware
async def at_any_path(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve an operation at a path that is nobody's, unless a path secret is set.

    Botpress's own server ignores the path (SDK, serve.ts), and whoever publishes chooses the `url`.
    """
    nobodys = isinstance(request.match_info.http_exception, web.HTTPNotFound)
    if nobodys and OPERATION_HEADER in request.headers:
        return await operation(request)
    return await handler(request)


async def health(request: web.Request) -> web.Response:
    """Answer `ok` to any method: Botpress's containers are probed like this."""
    return await request.app[OPERATIONS].health(request)
