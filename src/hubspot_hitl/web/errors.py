"""The one error middleware: whatever a route lets through becomes a problem+json answer."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hubspot_hitl.errors import CallerError, HitlError, StoreUnavailable
from hubspot_hitl.web.problems import problem

log = structlog.get_logger(__name__)


_KEPT = ("Allow", "WWW-Authenticate", "Cache-Control", "Retry-After")


def _for_people(request: web.Request) -> bool:
    """Whether a browser's user reads the answer."""
    return request.path.startswith("/console")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 503 when the store is away, 400 for the caller's faults, 500 for ours, with a code."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type != "text/plain" or _for_people(request):
            raise
        code = HTTPStatus(error.status).name.lower()
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        return problem(error.status, code, headers=kept)
    except StoreUnavailable as error:
        log.error("store_unavailable", reason=error.message)
        return problem(503, error.code, headers={"Retry-After": "5"})
    except CallerError as error:
        return problem(400, error.code, error.message)
    except HitlError as error:
        log.error("request_failed", error=error.code, reason=error.message)
        return problem(502, error.code)
    except Exception:
        log.exception("request_failed")
        return problem(500, "internal_error")
