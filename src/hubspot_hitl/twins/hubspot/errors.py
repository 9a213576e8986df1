"""HubSpot's error bodies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from aiohttp import web

from hubspot_hitl.twins.wire import Json, Refusal, answer


class ApiError(Refusal):
    """A refusal in HubSpot's shape: status, message, category, correlationId."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str,
        *,
        sub_category: str | None = None,
        errors: Sequence[Json] = (),
        context: Json | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body: Json = {"status": "error", "message": message, "category": category}
        if sub_category:
            self.body["subCategory"] = sub_category
        if errors:
            self.body["errors"] = list(errors)
        if context:
            self.body["context"] = context
        self.body |= extra or {}

    def response(self) -> web.Response:
        """The answer that carries this error."""
        correlation = str(uuid.uuid4())
        headers = {"X-HubSpot-Correlation-Id": correlation, **(self.headers or {})}
        return answer({**self.body, "correlationId": correlation}, self.status, headers)

    @staticmethod
    def invalid(message: str, *, field: str | None = None, code: str | None = None) -> ApiError:
        """A 400 for a body or query that does not fit."""
        detail: Json = {"message": message}
        if field:
            detail["in"] = field
        if code:
            detail["code"] = code
        return ApiError(400, message, "VALIDATION_ERROR", errors=[detail])

    @staticmethod
    def not_found(what: str, which: str) -> ApiError:
        """A 404 for something that is not there."""
        return ApiError(404, f"No {what} with id {which!r}", "OBJECT_NOT_FOUND")


def rate_limited(
    policy: str, retry_after_s: int | None, headers: Mapping[str, str] | None = None
) -> ApiError:
    """A 429. `Retry-After` is not promised by HubSpot, so it is only there when asked for."""
    more = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return ApiError(
        429,
        "You have reached your rate limit.",
        "RATE_LIMITS",
        headers={**(headers or {}), **more},
        extra={"errorType": "RATE_LIMIT", "policyName": policy, "requestId": uuid.uuid4().hex},
    )
