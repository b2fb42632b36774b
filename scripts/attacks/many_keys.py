"""POST requests whose JSON bodies of 60 kB have many keys, the last of them twice: each is compared with the others."""

import json
import socket
import time

from scripts.attacks.stage import Attack, Stage

__all__ = ["ATTACK"]

_SIZE = 60_000  # bytes


def _body() -> bytes:
    keys: list[str] = []
    size = 0
    while size < _SIZE:
        keys.append(json.dumps(format(len(keys), "x")))
        size += len(keys[-1]) + 3
    return ("{" + ",".join(f"{key}:0" for key in [*keys, keys[-1]]) + "}").encode()


def _strike(stage: Stage) -> None:
    body, until, slowest = _body(), time.monotonic() + stage.sizes.seconds, 0.0
    head = "POST /rta/v2/streams HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    request = f"{head}{len(body)}\r\n\r\n".encode() + body
    answer = b""
    with socket.create_connection(("127.0.0.1", stage.service.port), 10) as sock:
        for _ in range(stage.sizes.count):
            began = time.monotonic()
            if began > until:
                break
            sock.sendall(request)
            answer = sock.recv(1 << 16)
            slowest = max(slowest, time.monotonic() - began)
    stage.say(f"bodies of {len(body)} bytes; the slowest answer took {slowest * 1000:.0f} ms: {answer[:24].decode()}")


ATTACK = Attack(strike=_strike, count=100, counts="Requests, one after the other.", seconds=20)
