"""Who we say asks, where another process has the archive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, Self

import structlog
import trio
from attrs import define, field
from starlette.types import Scope

from rta.errors import RtaError

__all__ = ["PeerAccess", "ServiceAccess"]

log = structlog.get_logger("rta.rest")

Headers = list[tuple[bytes, bytes]]

_LONGEST = 16 << 10  # bytes of a token


class PeerAccess(Protocol):
    """How requests to the other process say it."""

    @property
    def known(self) -> bool:
        """Whether we have a credential of our own there, so that it is up to us, not to the client, that it is
        right."""
        ...

    def ours(self) -> Headers:
        """Headers of what we ask for ourselves."""
        ...

    def of_client(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """The headers of a client's request, as they are sent on."""
        ...

    async def refresh(self) -> None:
        """See whether it has changed."""
        ...


@define
class ServiceAccess:
    """At another service: with our own token there, or else each client with what it brings."""

    _token: str | None = field(default=None, repr=False)
    _file: Path | None = None

    @classmethod
    def of(cls, token: str | None, file: Path | None) -> Self:
        """`file`: holds the token and nothing else, in place of `token`.

        :raises RtaError: it cannot be read, or the token is none.
        """
        if file is not None:
            return cls(_read(file), file)
        return cls(None if token is None else _checked(token, "archive.token"))

    @property
    def known(self) -> bool:
        return self._token is not None

    def ours(self) -> Headers:
        return [] if self._token is None else [(b"authorization", b"Bearer " + self._token.encode())]

    def of_client(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        if self._token is None:
            return list(headers)
        return [*(header for header in headers if header[0] != b"authorization"), *self.ours()]

    async def refresh(self) -> None:
        if self._file is None:
            return
        try:
            self._token = await trio.to_thread.run_sync(_read, self._file, abandon_on_cancel=True)
        except RtaError as e:
            log.warning("archive.token_file cannot be read: the token is as it was", error=str(e))


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise RtaError(f"{path}: {e.strerror if isinstance(e, OSError) else 'it is not text'}") from None
    return _checked(text, str(path))


def _checked(text: str, where: str) -> str:
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise RtaError(f"{where}: expected a token and nothing else")
    return text
