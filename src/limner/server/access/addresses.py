"""Which addresses are on the public internet, and so may be fetched from on a stranger's word.

The rule does not lean on `ipaddress.is_global`, whose answer changes between Python versions.
"""

from __future__ import annotations

import ipaddress

__all__ = ["is_public"]

# IANA IPv4 Special-Purpose Address Registry (RFC 6890), and 224/4 for multicast (RFC 5771).
_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; many systems take 0.0.0.0 for themselves
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and metadata at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata and control, at an address that looks public
        "169.254.0.0/16",  # link-local, and metadata at 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)

# All of IPv6 that is given out (RFC 4291, 2.4). Outside lie loopback, private, link-local and multicast
# addresses and those that wrap an IPv4 address: ::ffff:0:0/96 (mapped) and 64:ff9b::/96 (NAT64).
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
# IANA IPv6 Special-Purpose Address Registry: what of that is not public, or wraps an IPv4 address.
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """Whether this is the address of a host on the public internet; False for what is no address."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv4Address):
        return not any(known in network for network in _CLOSED_V4)
    return known in _OPEN_V6 and not any(known in network for network in _CLOSED_V6)
