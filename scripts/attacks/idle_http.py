"""Keep-alive connections that have sent one request each, say nothing more, and leave all at once."""

from scripts.attacks.stage import Attack
from scripts.attacks.stage.visit import visit_with

__all__ = ["ATTACK"]

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

ATTACK = Attack(strike=visit_with(_REQUEST, 2), count=9900, counts="Connections.", seconds=20)
