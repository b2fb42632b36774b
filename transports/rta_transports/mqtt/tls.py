"""TLS: what we trust, who we are, and the handshake, driven by Trio."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import trio

from rta.errors import UnreadableError
from rta_transports.mqtt.certificate import expiry
from rta_transports.mqtt.options import MqttTopicsOptions

__all__ = ["CertificateWatch", "encrypted", "tls_context"]

log = structlog.get_logger("rta.mqtt")


def tls_context(options: MqttTopicsOptions, folder: Path) -> ssl.SSLContext:
    """:raises UnreadableError: a file cannot be read, or is not what it should be."""

    def path(file: Path | None) -> Path | None:
        return None if file is None else folder / file

    try:
        context = ssl.create_default_context(cafile=path(options.ca_file))
        context.check_hostname = options.check_name
        if options.cert_file is not None:
            context.load_cert_chain(folder / options.cert_file, path(options.key_file), _no_passphrase)
    except (OSError, ValueError) as e:  # SSLError is an OSError
        raise UnreadableError(f"the certificates: {e}") from None
    return context


def _no_passphrase() -> str:
    """Without it, OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; it must not be")


async def encrypted(sock: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Over a connected, non-blocking socket, which is used up.

    :raises OSError: the handshake failed.
    """
    wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        while True:
            try:
                wrapped.do_handshake()
            except ssl.SSLWantReadError:
                await trio.lowlevel.wait_readable(wrapped)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(wrapped)
            else:
                return wrapped
    except BaseException:
        wrapped.close()
        raise


class CertificateWatch:
    """Warns, once a day, while our certificate is about to expire."""

    def __init__(self, path: Path, ahead: float) -> None:
        """`ahead` in seconds."""
        self._path = path
        self._ahead = timedelta(seconds=ahead)
        self._warned: datetime | None = None

    def check(self, now_ns: int) -> None:
        """At the wall clock's time."""
        now = datetime.fromtimestamp(now_ns / 1e9, UTC)
        if self._warned is not None and now - self._warned < timedelta(days=1):
            return
        try:
            end = expiry(self._path)
        except (OSError, ValueError):
            return  # connecting says what is wrong with it
        if end - now < self._ahead:
            self._warned = now
            log.warning("our certificate is about to expire", file=str(self._path), expires=end.isoformat())
