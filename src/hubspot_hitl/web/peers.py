"""Where a request comes from, also behind reverse proxies of ours. Pure but for the request."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aiohttp import web

_FORWARDED: Final = "X-Forwarded-For"
_REAL_IP: Final = "X-Real-IP"


def peer_of(request: web.Request, proxies: Sequence[str]) -> str:
    """The address of who asks, for counting.

    `X-Forwarded-For` is believed only as far as proxies of ours wrote it: read from the right, the
    first address that is none of theirs. What stands further left the caller may have made up.
    """
    peer = request.remote or ""
    told = ",".join(request.headers.getall(_FORWARDED, ()))
    return nearest(peer, told, proxies)


def is_local(request: web.Request) -> bool:
    """Whether a program on this machine asks: no proxy brought the request, and no browser.

    A page in a browser here may come from anywhere, and always names its origin.
    """
    headers = request.headers
    if "Origin" in headers or "Forwarded" in headers:
        return False
    told = ",".join([*headers.getall(_FORWARDED, ()), *headers.getall(_REAL_IP, ())])
    return all_loopback([request.remote or "", *told.split(",")])


def all_loopback(addresses: Sequence[str]) -> bool:
    """Whether all of them are of this machine; an empty one counts, as a Unix socket has none.

    >>> all_loopback(["127.0.0.1", "[::1]:9", "::ffff:127.0.0.2", ""]), all_loopback(["10.0.0.1"])
    (True, False)
    >>> all_loopback(["127.0.0.1", "unknown"])
    False
    """
    named = [one.strip() for one in addresses if one.strip()]
    try:
        return all(_address(one).is_loopback for one in named)
    except ValueError:
        return False


def nearest(peer: str, forwarded: str, proxies: Sequence[str]) -> str:
    """The last address before our own proxies; `peer` when it is none of them.

    >>> nearest("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.0.0.2", ["10.0.0.0/8"])
    '192.0.2.7'
    >>> nearest("::ffff:10.0.0.1", "192.0.2.7:50001", ["10.0.0.0/8"])
    '192.0.2.7'
    >>> nearest("192.0.2.9", "6.6.6.6", ["10.0.0.0/8"])
    '192.0.2.9'
    """
    networks = [ipaddress.ip_network(one) for one in proxies]
    found = peer
    for part in reversed([one.strip() for one in forwarded.split(",") if one.strip()]):
        try:
            if not any(_address(found) in one for one in networks):
                return found
            told = str(_address(part))
        except ValueError:
            return found
        found = told
    return found


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address alone: a port would make each connection another peer."""
    address = ipaddress.ip_address(_bare(text))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _bare(address: str) -> str:
    """Without port, brackets and zone, which some proxies write."""
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    return address.partition("%")[0]
