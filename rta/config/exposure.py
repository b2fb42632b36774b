"""Whether the edge listens beyond this machine, where nobody has to sign in or everybody on the way can read along."""

from __future__ import annotations

from rta.auth.settings import AuthSettings
from rta.config.tables import SLOTS, offer_for
from rta.loopback import is_loopback_host

__all__ = ["exposure"]


def exposure(transport: str, options: object, auth: AuthSettings) -> str | None:
    """What is not safe in listening beyond loopback, if something is."""
    offer = offer_for(transport, SLOTS["edge"])
    host = "127.0.0.1" if offer.address is None else offer.address(options)[0]
    if is_loopback_host(host):
        return None
    lacks = []
    if not auth.enabled:
        lacks.append("nobody has to sign in")
    if offer.encrypted is None or not offer.encrypted(options):
        lacks.append("there is no TLS")
    where = host or "every address of this machine"
    return f"{where} can be reached from elsewhere, and {' and '.join(lacks)}" if lacks else None
