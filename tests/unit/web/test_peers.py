"""Who is counted, whatever stands between: ports, brackets, zones, IPv4 in IPv6, own proxies."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.web.peers import all_near, is_within, nearest, subscriber

OWN = ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("10.0.0.1", "192.0.2.7:50001", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7:50002", "192.0.2.7"),
        ("::ffff:10.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("fd00::1%eth0", "fe80::9%eth1", "fe80::9"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.1.2.3:80", "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("192.0.2.9", "6.6.6.6", "192.0.2.9"),
        ("", "6.6.6.6", ""),
    ],
)
def test_the_last_address_before_our_proxies_is_counted(
    peer: str, forwarded: str, counted: str
) -> None:
    assert nearest(peer, forwarded, OWN) == counted


def test_a_subscriber_with_many_addresses_is_one() -> None:
    many = {subscriber(f"2001:db8:0:7:{n:x}::{n}") for n in range(50)}
    assert many == {"2001:db8:0:7::/64"}
    assert subscriber("2001:db8:0:8::1") not in many
    assert subscriber("::1") == "::/64"


@given(st.text(), st.text())
def test_whatever_is_said_of_addresses_somebody_is_counted(peer: str, forwarded: str) -> None:
    assert isinstance(subscriber(nearest(peer, forwarded, OWN)), str)
    assert all_near([peer], this_machine=True) in (True, False)
    assert is_within(peer, [ipaddress.ip_network("10.0.0.0/8")]) in (True, False)


def test_a_proxy_on_a_socket_of_both_families_is_ours() -> None:
    networks = [ipaddress.ip_network("10.0.0.0/8")]
    assert is_within("::ffff:10.0.0.1", networks)
    assert not is_within("::ffff:11.0.0.1", networks)
