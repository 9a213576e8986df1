"""Where a request comes from, also behind reverse proxies of ours. Pure but for the request."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from aiohttp import web

_FORWARDED: Final = "X-Forwarded-For"
_REAL_IP: Final = "X-Real-IP"
_PRIVATE: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Private and link-local (RFC 1918, 3927, 4193, 4291); `is_private` would take in more."""


def peer_of(request: web.Request, proxies: Sequence[str]) -> str:
    """Who asks, for counting: an address, or the network that one IPv6 subscriber has to itself.

    `X-Forwarded-For` is believed only as far as proxies of ours wrote it: read from the right, the
    first address that is none of theirs. What stands further left the caller may have made up.
    """
    peer = request.remote or ""
    told = ",".join(request.headers.getall(_FORWARDED, ()))
    return subscriber(nearest(peer, told, proxies))


def subscriber(address: str) -> str:
    """What one party may send from: whoever has an IPv6 address has 2**64 of them.

    >>> subscriber("2001:db8:1:2:aaaa::1"), subscriber("::ffff:192.0.2.7"), subscriber("")
    ('2001:db8:1:2::/64', '192.0.2.7', '')
    """
    try:
        known = _address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(ipaddress.IPv6Network((int(known), 64), strict=False))


def is_within(
    address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    """Whether the address lies in one of the networks; one that is none does not."""
    try:
        known = _address(address)
    except ValueError:
        return False
    return any(known in one for one in networks)


def is_near(request: web.Request, *, this_machine: bool) -> bool:
    """Whether a program on this machine or, unless `this_machine`, of a private network asks.

    Proxies that say for whom they ask are looked through. A browser is never near: a page in one
    may come from anywhere, and always names its origin.
    """
    headers = request.headers
    if "Origin" in headers or "Forwarded" in headers:
        return False
    told = ",".join([*headers.getall(_FORWARDED, ()), *headers.getall(_REAL_IP, ())])
    return all_near([request.remote or "", *told.split(",")], this_machine=this_machine)


def all_near(addresses: Sequence[str], *, this_machine: bool) -> bool:
    """Whether all of them are near; an empty one counts, as a Unix socket has none.

    >>> all_near(["127.0.0.1", "[::1]:9", "::ffff:127.0.0.2", ""], this_machine=True)
    True
    >>> all_near(["10.0.0.1"], this_machine=True), all_near(["10.0.0.1"], this_machine=False)
    (False, True)
    >>> all_near(["127.0.0.1", "unknown"], this_machine=False)
    False
    """
    named = [one.strip() for one in addresses if one.strip()]
    try:
        near = [_address(one) for one in named]
    except ValueError:
        return False
    return all(one.is_loopback or (not this_machine and _is_private(one)) for one in near)


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _PRIVATE)


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
