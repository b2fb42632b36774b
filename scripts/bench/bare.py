"""The yardstick: a bare non-blocking Python socket loop, one send for each frame and client, and nothing else.

    python -m scripts.bench.bare GATE PORT CLIENTS SHAPE BURSTS [SESSIONS RATE]

Frames are built in advance; with a rate, each is stamped with the time just before it is sent.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from pathlib import Path

from scripts.bench.gate import Gate, Slot
from scripts.bench.processes import allow_many_files
from scripts.bench.shapes import Maker

__all__: list[str] = []

_ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_FRAMES = 16
_PATIENCE = 60.0  # seconds


def _accept(listening: socket.socket) -> socket.socket:
    sock, _ = listening.accept()
    while b"\r\n\r\n" not in sock.recv(4096):
        pass
    sock.sendall(_ACCEPT)
    sock.recv(65536)  # what it subscribes
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return sock


def _send(sock: socket.socket, frame: bytes) -> None:
    try:
        taken = sock.send(frame)
    except BlockingIOError:
        taken = 0
    if taken < len(frame):
        _wait(sock, memoryview(frame)[taken:])


def _wait(sock: socket.socket, rest: memoryview) -> None:
    """The sink is behind: everybody waits for this one."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while rest:
        poll.poll(1000)
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            pass


def _flat_out(socks: list[socket.socket], maker: Maker, bursts: int) -> None:
    frames = [maker.frame(i) for i in range(_FRAMES)]
    for i in range(bursts):
        frame = frames[i % _FRAMES]
        size = len(frame)
        for sock in socks:
            try:
                taken = sock.send(frame)
            except BlockingIOError:
                taken = 0
            if taken != size:
                _wait(sock, memoryview(frame)[taken:])


def _paced(socks: list[socket.socket], maker: Maker, bursts: int, sessions: int, rate: float) -> None:
    start = time.monotonic()
    for i in range(bursts):
        time.sleep(max(0.0, start + i / rate - time.monotonic()))
        frame = maker.frame(i, time.time_ns())
        for sock in socks[i % sessions :: sessions]:
            _send(sock, frame)


def main() -> None:
    path, *numbers = sys.argv[1:]
    port, clients, shape, bursts = int(numbers[0]), int(numbers[1]), numbers[2], int(numbers[3])
    allow_many_files()
    gate, maker = Gate(Path(path)), Maker(shape)
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listening:
        gate[Slot.READY] = 1
        socks = [_accept(listening) for _ in range(clients)]
    until = time.monotonic() + _PATIENCE
    while not gate[Slot.GO] and time.monotonic() < until:
        time.sleep(0.001)
    gate[Slot.BEGUN] = time.time_ns()
    if len(numbers) > 4:
        _paced(socks, maker, bursts, int(numbers[4]), float(numbers[5]))
    else:
        _flat_out(socks, maker, bursts)
    time.sleep(_PATIENCE)  # the harness ends us; closing the sockets now might cost the sink the last frames


if __name__ == "__main__":
    main()
