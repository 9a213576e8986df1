"""The one error middleware: whatever a route lets through becomes a short JSON answer."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hubspot_hitl.errors import CallerError, HitlError, StoreUnavailable

log = structlog.get_logger(__name__)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 503 when the store is away, 400 for the caller's faults, 500 for ours, with a code."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except StoreUnavailable as error:
        log.error("store_unavailable", reason=error.message)
        return web.json_response({"error": error.code}, status=503, headers={"Retry-After": "5"})
    except CallerError as error:
        return web.json_response({"error": error.code, "message": error.message}, status=400)
    except HitlError as error:
        log.error("request_failed", error=error.code, reason=error.message)
        return web.json_response({"error": error.code}, status=502)
    except Exception:
        log.exception("request_failed")
        return web.json_response({"error": "internal_error"}, status=500)
