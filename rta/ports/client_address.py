"""Addresses of clients, as the edge counts them and the log names them."""

from __future__ import annotations

import ipaddress

__all__ = ["Address", "read_address", "site_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SITE = 64  # bits of an IPv6 address that one site is given at least: the others are its own choice


def read_address(text: str) -> Address | None:
    """An IPv4 address that is mapped into IPv6 is itself; None: it is no address."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


def site_of(text: str) -> str | None:
    """The address, or its /64 of IPv6, which is one client as far as we can tell; None: it is no address."""
    ip = read_address(text)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(ip), _SITE), strict=False))
    return None if ip is None else str(ip)
