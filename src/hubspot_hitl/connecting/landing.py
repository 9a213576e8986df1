"""How the way over HubSpot's consent page ends: back at the caller's URL, or on a page of ours."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hubspot_hitl.connecting.return_url import with_query
from hubspot_hitl.errors import CallerError

ConnectCode = Literal[
    "missing_params",
    "authorization_denied",
    "session_expired",
    "token_exchange_failed",
    "useragent_not_found",
    "invalid_config",
    "internal_error",
]
"""Everything that can go wrong on the way, as the caller reads it in `hubspot_error`."""

_HEADERS: Final[Mapping[str, str]] = {
    # The address of the page holds HubSpot's code: it must not travel on.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class ConnectRefused(CallerError):
    """The portal was not connected; `code` says why, the message what to do."""

    def __init__(self, code: ConnectCode, message: str) -> None:
        super().__init__(message)
        self.code: ConnectCode = code


@dataclass(frozen=True, slots=True)
class Landing:
    """The end of the way. `code` is None when the portal is connected."""

    return_url: str
    code: ConnectCode | None
    message: str
    portal_id: str = ""
    portal_name: str = ""

    @property
    def query(self) -> Mapping[str, str]:
        """What the caller's URL is told."""
        if self.code is not None:
            return {"hubspot_error": self.code}
        return {
            "hubspot_connected": "true",
            "hubspot_portal": self.portal_id,
            "hubspot_name": self.portal_name,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer, for this server and for Botpress's relay alike."""

    status: int
    headers: Mapping[str, str]
    body: str


def page_of(landing: Landing) -> Page:
    """A redirect where the caller gave a URL, else a page for the person."""
    if landing.return_url:
        location = with_query(landing.return_url, landing.query)
        return Page(302, {**_HEADERS, "Location": location}, "")
    title = "HubSpot is connected" if landing.code is None else "HubSpot is not connected"
    note = "" if landing.code is None else f"<p><small>{html.escape(landing.code)}</small></p>"
    body = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><main><h1>{title}</h1>"
        f"<p>{html.escape(landing.message)}</p>{note}</main></html>"
    )
    headers = {
        **_HEADERS,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    return Page(200 if landing.code is None else 400, headers, body)
