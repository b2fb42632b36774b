"""A socket with TLS that behaves as one without: it takes and gives bytes, or says that it would block.

Everybody who writes to a connection keeps to whole frames, and comes back with what `send` did not take. OpenSSL has
another rule: what it could not write it may have begun to write, and wants to be given again. `TlsSocket` stands
between the two.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from attrs import frozen

from rta.ports import ClientCertificate
from rta.ports.tls import client_certificate

__all__ = ["TlsClient", "TlsSocket"]

_RECORD = 16 << 10  # bytes: the most that one record of TLS holds
_NUMBERS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


class TlsSocket(ssl.SSLSocket):
    """Non-blocking. `send` and `recv` raise `BlockingIOError` as a plain socket does, and `OSError` where TLS fails.

    A record that OpenSSL has begun to write goes out whole, and whoever sends must know that it has begun: so all of it
    but its last byte counts as taken, and is kept here until it is out. That byte is the first one of the rest that
    comes next.
    """

    _begun = b""
    """The record."""
    _parted = False

    def send(self, data: Any, flags: int = 0) -> int:
        if self._begun or len(data) > _RECORD:
            return self._send_records(memoryview(data))
        try:
            return super().send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return self._begin(data)

    def sendmsg(self, buffers: Iterable[Any], *others: Any) -> int:  # type: ignore[override]
        sent = 0
        for data in buffers:
            try:
                taken = self.send(data)
            except BlockingIOError:
                if not sent:
                    raise
                break
            sent += taken
            if taken < len(data):
                break
        return sent

    def _send_records(self, data: memoryview) -> int:
        sent = 0
        record: memoryview | None = None
        try:
            if self._begun:
                super().send(self._begun)
                self._begun = b""
                sent = 1
            while sent < len(data):
                record = data[sent : sent + _RECORD]
                super().send(record)
                sent += len(record)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            if record is not None:
                self._begun = bytes(record)
                sent += len(record) - 1
            if not sent:
                raise BlockingIOError from None
        return sent

    def _begin(self, record: Any) -> int:
        self._begun = bytes(record)
        if len(self._begun) <= 1:
            raise BlockingIOError
        return len(self._begun) - 1

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        if self._parted:
            return socket.socket.recv(self, size)
        try:
            return super().recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def shutdown(self, how: int) -> None:
        """Say goodbye over TLS, if that can be said at once, and then over TCP. What is received from now on is for
        nobody, and is not decrypted: only its end matters."""
        self._parted = True
        with suppress(OSError, ValueError):  # the other side need not have said it
            self.unwrap()
        socket.socket.shutdown(self, how)

    def plain(self) -> socket.socket:
        """The connection without TLS, where the handshake has failed. This object is of no use any more."""
        plain = socket.socket(fileno=self.detach())
        plain.setblocking(False)
        return plain


@frozen
class TlsClient:
    """What is known of the other side by the handshake."""

    certificate: ClientCertificate | None
    """None: it has shown none."""
    extension: dict[str, Any]
    """The extension `tls` of an ASGI scope; `client_cert_ends`, in ns since the Unix epoch, is ours."""

    @classmethod
    def of(cls, sock: ssl.SSLSocket) -> TlsClient:
        """Behind the handshake.

        :raises ValueError: the certificate cannot be read.
        """
        der = sock.getpeercert(True)
        certificate = None if der is None else client_certificate(der)
        return cls(
            certificate,
            {
                "server_cert": None,
                "client_cert_chain": [] if der is None else [ssl.DER_cert_to_PEM_cert(der)],
                "client_cert_name": certificate and certificate.subject,
                "client_cert_ends": certificate and certificate.ends,
                "client_cert_error": None,
                "tls_version": _NUMBERS.get(sock.version() or ""),
                "cipher_suite": None,
            },
        )
