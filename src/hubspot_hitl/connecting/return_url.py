"""Where a browser may be sent back to: https, and a host the operator named. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from hubspot_hitl.errors import InvalidPayload

MAX_CHARS = 2_000


def checked_return_url(value: str, hosts: Collection[str], public_url: str | None) -> str:
    """The URL, when a browser may be sent there; "" stays "".

    Allowed: https on a host in `hosts` (with its port unless it is 443), and the origin of
    `public_url`. Raises InvalidPayload for everything else, without repeating the URL.

    >>> checked_return_url("https://app.example.com/done?a=1", ["app.example.com"], None)
    'https://app.example.com/done?a=1'
    """
    if not value:
        return ""
    if len(value) > MAX_CHARS or "\\" in value or not (value.isascii() and value.isprintable()):
        raise InvalidPayload("redirectUrl is not a plain URL of up to 2,000 characters")
    if " " in value or value != value.strip():
        raise InvalidPayload("redirectUrl holds a space; escape it as %20")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise InvalidPayload("redirectUrl is not a URL") from None
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise InvalidPayload("redirectUrl must have a host, and no user name or fragment")
    if public_url is not None and same_origin(value, public_url):
        return value
    if parts.scheme != "https":
        raise InvalidPayload("redirectUrl must begin with https://")
    host = parts.hostname if port in (None, 443) else f"{parts.hostname}:{port}"
    if host not in {one.lower() for one in hosts}:
        raise InvalidPayload(
            f"redirectUrl leads to {host!r}, which is not allowed: add it to"
            " HITL_OAUTH_RETURN_HOSTS"
        )
    return value


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one server, to a browser.

    >>> same_origin("https://bot.example/a", "https://bot.example.evil.example/a")
    False
    """
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (
        second.scheme,
        second.hostname,
        second.port,
    )


def is_private_way(url: str) -> bool:
    """Whether nobody can read along: https, or plain http within one machine.

    HubSpot takes no other redirect URL (developers.hubspot.com, "Working with OAuth").

    >>> [is_private_way(f"{it}/cb") for it in ("https://a.example", "http://localhost:8080")]
    [True, True]
    >>> is_private_way("http://localhost.example/cb")
    False
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    near = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return near or (parts.scheme == "https" and bool(parts.hostname))


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The URL with more query parameters; spaces become %20.

    >>> with_query("https://a.test/x?b=1", {"hubspot_name": "My Workspace"})
    'https://a.test/x?b=1&hubspot_name=My%20Workspace'
    """
    parts = urlsplit(url)
    told = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in told if name not in values]
    query = urlencode([*kept, *values.items()], quote_via=quote)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
