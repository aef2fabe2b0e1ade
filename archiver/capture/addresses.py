"""Which IP addresses are public, stricter than the registries; a table, because the standard library errs."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_V4_REFUSED: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud host's own service"),  # public by registry, answers inside Azure only
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol assignment"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "anycast service (AS112)"),
        ("192.52.193.0/24", "anycast service (AMT)"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "anycast service (AS112)"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_V6_REFUSED: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("2001::/32", "Teredo tunnel"),
        ("2001::/23", "IETF protocol assignment"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "anycast service (AS112)"),
        ("3ffe::/16", "returned 6bone space"),
        ("3fff::/20", "documentation"),
    )
)
_V6_GLOBAL = IPv6Network("2000::/3")
_V6_OUTSIDE: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64 translation"),
        ("100::/64", "discard-only"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("::/0", "outside 2000::/3"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def _embedded_v4(address: IPv6Address) -> tuple[IPv4Address, str] | None:
    """Return the IPv4 address a translator or tunnel would forward to, and by what means, or None."""
    if address.sixtofour is not None:
        return address.sixtofour, "6to4"
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF), "NAT64"
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFF_FFFF), "ISATAP"
    return None


def why_not_public(address: Address) -> str | None:
    """Say why an address is not public, or None when it is.

    IANA IPv4 and IPv6 Special-Purpose Address Registries, but stricter: of IPv6 only ``2000::/3`` is
    allocated for global unicast, so the rest is refused without a list. ``ipaddress.is_global`` is not used:
    Python 3.11 calls ``::127.0.0.1``, ``fec0::/10``, ``3fff::/20``, ``5f00::/16`` and ``192.88.99.0/24`` global.
    """
    if isinstance(address, IPv4Address):
        return next((why for network, why in _V4_REFUSED if address in network), None)
    embedded = _embedded_v4(address)
    if embedded is not None:
        inner = why_not_public(embedded[0])
        if inner is not None:
            return f"{embedded[1]} to {embedded[0]}, {inner}"
        if address in _NAT64:
            return None
    table = _V6_REFUSED if address in _V6_GLOBAL else _V6_OUTSIDE
    return next((why for network, why in table if address in network), None)


def parse_address(text: str) -> Address:
    """Return the address the kernel would dial: ``::ffff:a.b.c.d`` is IPv4; ``ValueError`` if it is none."""
    address = ipaddress.ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError("a zone identifier names an interface of this host")
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
    return address
