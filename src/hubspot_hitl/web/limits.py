"""How much may be asked of this process at once: a guard against floods, not a price list.

The bounds are far above honest traffic. Who meets one is told to come again: HubSpot keeps the
events of a webhook that was not answered 2xx and calls again for a day, Botpress repeats what was
answered 5xx. Bodies are read before a place is taken, so that a slow sender holds none. Probes,
metrics and the console need no place: an operator must see what goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from posixpath import commonpath
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hubspot_hitl.botpress.signature import OPERATION_HEADER
from hubspot_hitl.web.problems import problem

log = structlog.get_logger(__name__)

_RETRY: Final = {"Retry-After": "1"}
_BUSY: Final = "Too much is asked of this server at this moment. Nothing was done; try again."
_FREE: Final = frozenset({"health", "livez", "readyz", "metrics", "openapi.json", "console"})
_SMALL: Final = _FREE | {"oauth", "v1", "registrations"}
_TENANT_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests in flight over all and for one installation; time and size of bodies.

    `small_body_bytes` is for routes of people and platforms, which carry a few fields; operations
    and webhooks have the application's `client_max_size`.
    """

    at_once: int = 4_000
    per_installation: int = 2_000
    body_s: float = 20.0
    small_body_bytes: int = 256 * 1024


class RequestLimiter:
    """Counts requests in flight and refuses those beyond the limits."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._at_once = 0
        self._by_tenant: Counter[str] = Counter()
        self._mount: str | None = None

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve the request if there is room. Answers 400, 408, 413, 429 or 503 otherwise."""
        door = self._door(request)
        refused = await self._body_refused(request, small=_is_small(request, door))
        if refused is not None:
            refused.force_close()  # what is left of the body on this connection is no next request
            return refused
        if door in _FREE:
            return await handler(request)
        tenant = _tenant(request)
        if self._at_once >= self._limits.at_once:
            return _refuse(503, "server_busy", tenant)
        if self._by_tenant[tenant] >= self._limits.per_installation:
            # Botpress is not known to repeat after a 429; HubSpot repeats after either.
            return _refuse(429 if door == "hubspot" else 503, "too_many_requests", tenant)
        self._at_once += 1
        self._by_tenant[tenant] += 1
        try:
            return await handler(request)
        finally:
            self._at_once -= 1
            self._by_tenant[tenant] -= 1
            if not self._by_tenant[tenant]:
                del self._by_tenant[tenant]

    def _door(self, request: web.Request) -> str | None:
        """The first part of the route's path; None where nothing is served.

        Operations come at any path, so the path that a caller names frees nobody.
        """
        resource = request.match_info.route.resource
        if resource is None:
            return None
        if self._mount is None:
            self._mount = _mount_of(request.app)
        return resource.canonical.removeprefix(self._mount).lstrip("/").partition("/")[0]

    async def _body_refused(self, request: web.Request, *, small: bool) -> web.Response | None:
        """Read the body, which the route then finds read; the answer if it cannot be had."""
        most = self._limits.small_body_bytes if small else None
        if most is not None and (request.content_length or 0) > most:
            return problem(413, "body_too_large")
        if not request.can_read_body:
            return None
        try:
            async with asyncio.timeout(self._limits.body_s):
                body = await request.read()
        except TimeoutError:
            return problem(408, "body_too_slow")
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "body_too_large")
        except (web.RequestPayloadError, OSError):
            return problem(400, "body_broken")
        if most is not None and len(body) > most:  # it came in chunks, and said no length before
            return problem(413, "body_too_large")
        return None


def limiter(limits: Limits | None = None) -> Middleware:
    """The guard as a middleware with its own counts."""
    guard = RequestLimiter(limits).guard

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await guard(request, handler)

    return limit


def _is_small(request: web.Request, door: str | None) -> bool:
    """Whether a few fields are all that the route can want; nothing wants the rest."""
    return door in _SMALL if door is not None else OPERATION_HEADER not in request.headers


def _mount_of(app: web.Application) -> str:
    """Where the application is mounted: what the paths of all its routes begin with."""
    return commonpath([one.canonical for one in app.router.resources()])


def _tenant(request: web.Request) -> str:
    """Whom the request is for, as far as it says so; unproven, so it only ever costs room."""
    told = request.match_info.get("webhook_id") or request.headers.get("x-webhook-id") or ""
    return told[:_TENANT_CHARS]


def _refuse(status: int, code: str, tenant: str) -> web.Response:
    log.warning("request_refused_busy", status=status, error=code, tenant=tenant)
    return problem(status, code, _BUSY, headers=_RETRY)
