from __future__ import annotations

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.fetch.addresses import is_public, problem_of
from hubspot_hitl.fetch.resolver import NotPublicError, PublicResolver

PRIVATE = (
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not to listen on
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "240.0.0.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.01/",
        "http://2130706433/",
        "http://127.1/",
        "http://[::1]:8080/",
        "http://[::ffff:169.254.169.254]/latest/meta-data/",
        "http://①②⑦.⓪.⓪.①/",
        "http://user:password@example.com/",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "//example.com/x",
        "http://",
        "http://example.com:99999/",
        "",
        "http://" + "a" * 9_000,
    ],
)
def test_an_address_that_could_lead_inside_is_not_asked(url: str) -> None:
    assert problem_of(url) is not None


@given(st.text(max_size=200))
def test_any_text_is_judged_without_an_error(url: str) -> None:
    assert problem_of(url) is None or problem_of(url)


class Names(AbstractResolver):
    """A resolver that knows one answer."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=2, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        return None


async def test_a_name_that_leads_inside_is_refused_after_resolution() -> None:
    with pytest.raises(NotPublicError):
        await PublicResolver(Names("10.0.0.1", "::1")).resolve("innocent.example.com", 80)


async def test_of_a_mixed_answer_only_the_public_addresses_are_connected_to() -> None:
    found = await PublicResolver(Names("10.0.0.1", "93.184.215.14")).resolve("example.com", 80)

    assert [one["host"] for one in found] == ["93.184.215.14"]
