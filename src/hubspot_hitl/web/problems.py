"""Errors of our HTTP API as RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error answer. `error` carries the stable code, `detail` says what to do.

    https://www.rfc-editor.org/rfc/rfc9457
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    told = {} if detail is None else {"detail": detail, "message": detail}
    return web.json_response(
        {**body, "error": code, **told}, status=status, headers=headers, content_type=TYPE
    )
