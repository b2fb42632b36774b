"""Whether the edge listens beyond this machine, which the operator should know."""

from __future__ import annotations

import ipaddress

from rta.config.tables import SLOTS, offer_for

__all__ = ["exposure"]


def exposure(transport: str, options: object) -> list[str]:
    """A warning, if an edge with these options listens beyond loopback."""
    address = offer_for(transport, SLOTS["edge"]).address
    host = "" if address is None else address(options)[0]
    if address is None or _loopback(host):
        return []
    where = host or "every address of this machine"
    return [
        f"edge.host: {where} can be reached from elsewhere, and there is no sign-in yet: whoever reaches it may use it"
    ]


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
