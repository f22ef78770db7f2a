"""`limner.server.access.addresses`: what is not on the public internet is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.server.access.addresses import is_public

CLOSED = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "this host": "0.0.0.0",  # noqa: S104  to be refused
    "this network": "0.1.2.3",
    "private A": "10.0.0.1",
    "private B": "172.31.255.255",
    "private C": "192.168.1.1",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "metadata in NAT": "100.100.100.200",
    "metadata that looks public": "168.63.129.16",
    "metadata among protocols": "192.0.0.192",
    "carrier-grade NAT": "100.127.255.255",
    "benchmarks": "198.19.0.1",
    "documentation": "203.0.113.7",
    "6to4 relays": "192.88.99.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 unspecified": "::",
    "IPv6 loopback": "::1",
    "IPv6 private": "fd00:ec2::254",
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with a zone": "fe80::1%eth0",
    "IPv6 site-local": "fec0::1",
    "IPv6 multicast": "ff02::1",
    "IPv6 documentation": "2001:db8::1",
    "newer IPv6 documentation": "3fff::1",
    "IPv4-mapped": "::ffff:127.0.0.1",
    "IPv4-mapped public": "::ffff:8.8.8.8",
    "IPv4-compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "local NAT64": "64:ff9b:1::7f00:1",
    "Teredo": "2001::1",
    "6to4": "2002:7f00:1::1",
    "no address": "pictures.test",
    "octal": "0177.0.0.1",
    "a number": "2130706433",
    "nothing": "",
}


@pytest.mark.parametrize("address", CLOSED.values(), ids=CLOSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    """Each special range, and each way to wrap an IPv4 address into IPv6, is closed."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "100.63.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1"],
)
def test_what_is_public_is_allowed(address: str) -> None:
    """Ordinary addresses, and the neighbours of closed ranges, are open."""
    assert is_public(address)


@settings(deadline=None, derandomize=True)
@given(st.ip_addresses())
def test_nothing_is_open_that_python_calls_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """The rule is at least as strict as that of the standard library."""
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if special or address.is_reserved or address.is_unspecified:
        assert not is_public(str(address))
