"""Which addresses may be asked for a file. Pure.

A user can send any address, also one of a machine that only we can reach (server-side request
forgery, https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html).
So only public addresses are asked, judged after resolution.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from yarl import URL

_SCHEMES = frozenset({"http", "https"})
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_MOST_URL_CHARS = 8_000


def is_public(address: str) -> bool:
    """Whether an IP address is one that the whole internet sees.

    An IPv6 address that carries an IPv4 address is judged by that one.

    >>> [is_public(a) for a in ("93.184.215.14", "10.0.0.7", "169.254.169.254", "::ffff:127.0.0.1")]
    [True, False, False, False]
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return False
        inner = _carried(found)
        if inner is not None:
            return _is_public(inner)
    return _is_public(found)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address in _NAT64_LOCAL:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def problem_of(url: str, *, allow_private: bool = False) -> str | None:
    """Why this address is not asked, as a plain phrase; None when it may be.

    A name is judged only when it is resolved. `allow_private` is for demos and tests.

    >>> problem_of("http://127.0.0.1/secret"), problem_of("https://example.com/cat.png")
    ('its address is not a public one', None)
    """
    if len(url) > _MOST_URL_CHARS:
        return "its address is too long"
    try:
        parsed = URL(url)
        host = parsed.raw_host
    except ValueError:
        return "its address is not readable"
    if parsed.scheme not in _SCHEMES or not host:
        return "its address is not a web address"
    if parsed.user is not None or parsed.password is not None:
        return "its address holds a user name"
    if not allow_private and passes_the_resolver(host) and not is_public(host):
        return "its address is not a public one"
    return None


def passes_the_resolver(host: str) -> bool:
    """Whether aiohttp takes a host for an IP address, so that no resolver of ours sees it.

    Its test is looser than a parser's: `127.0.0.01` and `2130706433` pass it, and the system's
    resolver then takes both for this machine. `host` is as yarl has made it, in plain ASCII: other
    digits (`①②⑦.⓪.⓪.①`) have become usual ones.
    """
    return ":" in host or host.replace(".", "").isdigit()
