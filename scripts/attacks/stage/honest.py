"""The honest client: streams bench-1, asks for /health four times a second, and notes how late what comes is.

    python -m scripts.attacks.stage.honest GATE PORT OUT [CA]

With the file of an authority it speaks TLS. A client whose connection ends comes back at once. The result is a JSON
file, written when all that was sent has come, or nothing has for three seconds after the end.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from rta.wire import read_burst
from rta.wire.websocket import SUBPROTOCOL
from scripts.bench.certificate import NAME
from scripts.bench.gate import Gate, Slot

__all__: list[str] = []

_UPGRADE = (
    "GET /rta/v2/sessions/bench-1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
).encode()
_NO_MASK = bytes(4)
_SUBSCRIBE = b"\x82\x86" + _NO_MASK + b"\x12\x04\x08\x01\x10\x01"  # StreamRequest: all channels and events
_PONG = b"\x8a\x80" + _NO_MASK
_BINARY, _PING = 2, 9
_PATIENCE = 3.0  # seconds


class _Stream:
    """One WebSocket connection, by a blocking socket."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        sock = socket.create_connection(("127.0.0.1", port), 10)
        try:
            self._socket = sock if tls is None else tls.wrap_socket(sock, server_hostname=NAME)
        except OSError:
            sock.close()
            raise
        self._socket.settimeout(0.1)
        self._socket.sendall(_UPGRADE + _SUBSCRIBE)
        self._received = bytearray()
        self._shaken = False

    def bursts(self) -> list[int]:
        """The stamps of bursts that have come, waiting for some at most a tenth of a second.

        :raises OSError: the connection is over.
        """
        try:
            data = self._socket.recv(1 << 18)
        except TimeoutError:
            return []
        if not data:
            raise ConnectionResetError("closed")
        self._received += data
        if not self._shaken:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return []
            if not self._received.startswith(b"HTTP/1.1 101"):
                raise ConnectionRefusedError(self._received[:40].decode("latin-1"))
            self._shaken = True
            del self._received[: end + 4]
        return [stamp for payload in self._payloads() for stamp in _stamps(payload)]

    def _payloads(self) -> list[bytes]:
        found = []
        while len(self._received) >= 10 or (len(self._received) >= 2 and self._received[1] < 126):
            size, head = self._received[1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                size = int.from_bytes(self._received[2:head], "big")
            if len(self._received) < head + size:
                break
            opcode = self._received[0] & 15
            if opcode == _BINARY:
                found.append(bytes(self._received[head : head + size]))
            elif opcode == _PING:
                self._socket.sendall(_PONG)
            del self._received[: head + size]
        return found

    def close(self) -> None:
        self._socket.close()


def _stamps(payload: bytes) -> list[int]:
    items = read_burst(payload).message().data
    return [i.time_range.end_time for i in items if i.HasField("time_range")]


class _Health(threading.Thread):
    """Asks for it, each time on a new connection, as a probe does."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._tls = tls
        self.answers: list[tuple[int, float, int]] = []
        """When it was asked for in ns, seconds to the answer, and its status; 0: there was none."""

    def run(self) -> None:
        while True:
            asked, began = time.time_ns(), time.monotonic()
            status = self._ask()
            self.answers.append((asked, time.monotonic() - began, status))
            time.sleep(0.25)

    def _ask(self) -> int:
        connection = (
            HTTPConnection("127.0.0.1", self._port, timeout=10)
            if self._tls is None
            else HTTPSConnection(NAME, self._port, timeout=10, context=self._tls)
        )
        try:
            connection.request("GET", "/health", headers={"Connection": "close"})
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


def main() -> None:
    gate, port, out = Gate(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3])
    tls = ssl.create_default_context(cafile=sys.argv[4]) if len(sys.argv) > 4 else None
    health, stream = _Health(port, tls), _Stream(port, tls)
    came: dict[int, float] = {}
    endings: list[tuple[int, str]] = []
    print("READY", flush=True)
    health.start()
    last, parent = time.monotonic(), os.getppid()
    while os.getppid() == parent:
        try:
            stamps = stream.bursts()
        except OSError as e:
            endings.append((time.time_ns(), str(e)))
            stream.close()
            stamps = []
            time.sleep(0.05)
            try:
                stream = _Stream(port, tls)
            except OSError:
                pass  # it is tried again
        now = time.time_ns()
        for stamp in stamps:
            came.setdefault(stamp, (now - stamp) / 1e6)
            last = time.monotonic()
        if gate[Slot.READY] and (len(came) >= gate[Slot.SENT] or time.monotonic() - last > _PATIENCE):
            break
    found: dict[str, Any] = {"bursts": sorted(came.items()), "endings": endings, "health": health.answers}
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
