"""The error bodies of Botpress's API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from aiohttp import web

from hubspot_hitl.twins.wire import Refusal, answer


class ApiError(Refusal):
    """A refusal in the API's shape: id, code, type, message."""

    def __init__(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = headers

    def response(self) -> web.Response:
        """The answer that carries this error."""
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        body = {
            "id": f"err_{stamp}x{secrets.token_hex(4).upper()}",
            "code": self.status,
            "type": self.kind,
            "message": str(self),
        }
        return answer(body, self.status, self.headers)

    @staticmethod
    def invalid(message: str) -> ApiError:
        """400 InvalidPayload."""
        return ApiError(400, "InvalidPayload", message)

    @staticmethod
    def reference(what: str, which: object) -> ApiError:
        """400 ReferenceNotFound: the body names something that is not there."""
        return ApiError(400, "ReferenceNotFound", f"{what} {which!r} not found")

    @staticmethod
    def not_found(what: str, which: object) -> ApiError:
        """404 ResourceNotFound: the path names something that is not there."""
        return ApiError(404, "ResourceNotFound", f"{what} {which!r} not found")
