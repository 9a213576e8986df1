"""Who may ask: the console's token, or a signed link for one installation."""

from __future__ import annotations

import hmac

from aiohttp import web
from pydantic import SecretStr

from hubspot_hitl.connecting.state import StateExpired, StateSigner
from hubspot_hitl.errors import BadSignature


def holds_token(request: web.Request, token: SecretStr | None) -> bool:
    """Whether the request carries the console's token, as bearer or as `x-api-key`."""
    if token is None:
        return False
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    given = value.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    wanted = token.get_secret_value().encode()
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted)


def linked_installation(request: web.Request, signer: StateSigner, now_ms: int) -> str | None:
    """The installation that the request's signed link opens; None without one that is good."""
    link = request.query.get("link", "")
    if not link:
        return None
    try:
        return signer.read_link(link, now_ms)
    except (BadSignature, StateExpired):
        return None
