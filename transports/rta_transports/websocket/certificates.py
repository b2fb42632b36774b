"""The certificate that clients are shown: new files are taken while the service runs, and those that are no good not.

Owns the context that new connections begin with; those that have begun keep theirs. Ends when it is cancelled.
"""

from __future__ import annotations

import os
import ssl
from functools import partial

import structlog
import trio
from attrs import frozen

from rta.errors import UnreadableError
from rta.ports import Context
from rta.ports.certificate_expiry import CertificateExpiry
from rta.ports.tls import certificate_end, server_context
from rta_transports.websocket.options import EdgeOptions
from rta_transports.websocket.tls_socket import TlsSocket

__all__ = ["Certificates"]

log = structlog.get_logger("rta.edge")

_ROUND = 1.0  # seconds

FileStates = tuple[tuple[int, int, int] | None, ...]
"""Of each file, behind all links: its inode, when it was changed (ns) and its size; None: it is not there."""


@frozen
class _Loaded:
    context: ssl.SSLContext
    end: int


class Certificates:
    """Of one edge whose options have a `cert_file`."""

    def __init__(self, options: EdgeOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._expiry = CertificateExpiry(options, context)
        self._seen: FileStates = ()
        self._taken: FileStates = ()
        """What the files were when they were last loaded, or refused."""
        self._loaded: _Loaded | None = None

    @property
    def context(self) -> ssl.SSLContext:
        """For the next connection. Its sockets are `TlsSocket`s. `load` comes first."""
        assert self._loaded is not None, "nothing has been loaded"
        return self._loaded.context

    async def load(self) -> None:
        """For the first time.

        :raises UnreadableError: a file cannot be read, or is not what it should be.
        """
        self._seen = self._taken = await _in_thread(self._file_states)
        self._loaded = await _in_thread(self._load)
        self._expiry.tell(self._loaded.end)

    async def watch(self) -> None:
        """Take new files, once they have been left alone for a moment, and say how long the certificate lasts."""
        assert self._loaded is not None, "nothing has been loaded"
        while True:
            await trio.sleep(_ROUND)
            before, self._seen = self._seen, await _in_thread(self._file_states)
            if self._seen == before and self._seen != self._taken:
                self._taken = self._seen
                await self._refresh()
            self._expiry.tell(self._loaded.end)

    async def _refresh(self) -> None:
        try:
            loaded = await _in_thread(self._load)
            if loaded.end <= self._context.clock():
                raise UnreadableError(f"cert_file: {self._options.cert_file} has ended already")
        except UnreadableError as e:
            self._context.report.count("rta_certificates_refused_total")
            self._context.warn("new certificate", f"refused, the old one is used: {e}")
            log.error("the new certificate is refused, the old one is used", why=str(e))
            return
        self._loaded = loaded
        self._context.warn("new certificate", None)
        log.info("the new certificate is used for new connections", file=str(self._options.cert_file))

    def _load(self) -> _Loaded:
        assert self._options.cert_file is not None
        context = server_context(self._options, self._context.folder)
        context.sslsocket_class = TlsSocket
        return _Loaded(context, certificate_end(self._context.folder / self._options.cert_file))

    def _file_states(self) -> FileStates:
        files = (self._options.ca_file, self._options.cert_file, self._options.key_file)
        return tuple(_state(os.fspath(self._context.folder / file)) for file in files if file is not None)


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


_in_thread = partial(trio.to_thread.run_sync, abandon_on_cancel=True)
