"""The clients of the TLS benchmark, a process of their own: they shake hands, follow or download, and say how it went.

`python -m scripts.bench.tls_clients URL CA what count`; a line of JSON on standard output when they are done.
"""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import struct
import sys
import time
from urllib.parse import urlsplit

_UPGRADE = (
    b"GET /rta/v2/sessions/s/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: mat.ocs.rta.stream-lz4\r\n\r\n"
)
_PATIENCE = 120.0  # seconds
_HEAD = 4  # bytes of a frame before its payload, whose first 8 are the time when it was sent


class Place:
    """Where the edge is, and how to get in."""

    def __init__(self, url: str, ca: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = parts.hostname, parts.port
        self._context = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None

    def connect(self) -> socket.socket:
        sock = socket.create_connection(self._address, _PATIENCE)
        return sock if self._context is None else self._context.wrap_socket(sock, server_hostname=self._address[0])


def handshakes(place: Place, count: int) -> dict[str, float]:
    for _ in range(count):
        with place.connect():
            pass
    return {}


def download(place: Place, count: int) -> dict[str, float]:
    began, size = time.perf_counter(), 0
    for _ in range(count):
        with place.connect() as sock:
            sock.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while data := sock.recv(1 << 18):
                size += len(data)
    return {"bytes": size, "seconds": time.perf_counter() - began}


def follow(place: Place, count: int) -> dict[str, float]:
    """Until the edge hangs up."""
    late: list[int] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            sock = place.connect()
            sock.sendall(_UPGRADE)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += sock.recv(1)
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            for key, _ in selector.select(_PATIENCE):
                if not _read(key.fileobj, key.data, late):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)
    late.sort()
    return {"frames": len(late), "p50": late[len(late) // 2] / 1e6, "p99": late[len(late) * 99 // 100] / 1e6}


def _read(sock: socket.socket, held: bytearray, late: list[int]) -> bool:
    """False: it is over."""
    try:
        while data := sock.recv(1 << 16):
            held += data
            while len(held) > _HEAD and len(held) >= (size := _HEAD + int.from_bytes(held[2:4], "big")):
                if held[0] == 0x82:
                    (sent,) = struct.unpack_from("!q", held, _HEAD)
                    late.append(time.monotonic_ns() - sent)
                else:
                    return False
                del held[:size]
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


if __name__ == "__main__":
    what = {"handshakes": handshakes, "download": download, "follow": follow}[sys.argv[3]]
    sys.stdout.write(json.dumps(what(Place(sys.argv[1], sys.argv[2]), int(sys.argv[4]))) + "\n")
