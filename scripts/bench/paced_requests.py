"""Requests at a rate, over a few connections that are kept, each of which has one at a time."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Iterator

__all__ = ["answers_to"]

_CONNECTIONS = 20


def answers_to(requests: Iterator[bytes], port: int, rate: float, seconds: float) -> Counter[str]:
    """How many were answered with each status. A rate that the service does not keep up with is not kept.

    `requests` are without bodies, and so short that one fits into the kernel's buffer. A connection that the service
    ends is made anew.
    """
    answers: Counter[str] = Counter()
    poll, sockets, free = select.epoll(), {}, []
    began, sent = time.monotonic(), 0

    def connect() -> None:
        sock = socket.create_connection(("127.0.0.1", port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
        free.append(sock)

    for _ in range(_CONNECTIONS):
        connect()
    while (now := time.monotonic()) < began + seconds:
        while free and sent < (now - began) * rate:
            free.pop().sendall(next(requests))
            sent += 1
        for number, _ in poll.poll(0.002):
            sock = sockets[number]
            answer = sock.recv(1 << 16)
            if answer.startswith(b"HTTP/1.1 "):
                answers[answer[9:12].decode()] += 1
            if not answer or b"\r\nconnection: close" in answer.lower():
                poll.unregister(number)
                del sockets[number]
                if sock in free:
                    free.remove(sock)
                sock.close()
                connect()
            elif answer.startswith(b"HTTP/1.1 "):
                free.append(sock)
    for sock in sockets.values():
        sock.close()
    return answers
