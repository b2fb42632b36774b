"""What is kept of a sign-in until the next time: a file for each service, which only its user may read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trio
from attrs import field, frozen

from rta.client import Token
from rta.client.base_url import check_base_url
from rta.errors import DamagedFileError, NotConnectedError, RtaError
from rta.state_file import open_own_file, read_document, write_document

__all__ = ["KeptToken", "TokenKeeper"]

_VERSION = 1
_LARGEST = 256 << 10  # bytes of a file
_PORTS = {"http": 80, "https": 443}
_LOOK = 0.05  # seconds between two tries to get the lock
_PATIENCE = 25.0  # seconds that it is waited for
_EARLY, _PART = 30 * 10**9, 5  # ns before its end that a token is renewed; the part of its life that this is at most


@frozen
class KeptToken:
    """A token, and how to get the next one."""

    token: Token
    made: int
    """When it came, ns since the Unix epoch."""
    refresh: str | None = field(default=None, repr=False)
    """None: there is no next one."""
    authority: str | None = None
    """The issuer; None: a static token."""
    client_id: str | None = None
    audience: str | None = None

    def is_due(self, now: int) -> bool:
        """Whether it is to be renewed. `now`: ns since the Unix epoch."""
        ends = self.token.ends
        return ends is not None and now >= ends - min(_EARLY, max(0, ends - self.made) // _PART)

    def counts(self, now: int) -> bool:
        """Whether it has not ended."""
        return self.token.ends is None or now < self.token.ends


class TokenKeeper:
    """Where the token for one service is. What it does blocks, but for `acquire`."""

    def __init__(self, folder: Path, base: str) -> None:
        """`folder`: for the tokens of all services; it is made. `base`: the service's URL.

        :raises RtaError: it is no base URL.
        """
        check_base_url(base)
        parts = urlsplit(base)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        self.service = f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{parts.path.rstrip('/')}"
        self.path = folder / f"{sha256(self.service.encode()).hexdigest()[:32]}.json"

    def read(self) -> KeptToken | None:
        """None: there is none.

        :raises RtaError: it cannot be read, or is damaged.
        """
        try:
            document = read_document(self.path, _LARGEST)
            if document.get("version") != _VERSION or document.get("service") != self.service:
                raise DamagedFileError("it is none that this version keeps for this service")
            return _read(document)
        except FileNotFoundError:
            return None
        except DamagedFileError as e:
            raise RtaError(f"{self.path}: {e}; sign in again") from None
        except OSError as e:
            raise RtaError(f"{self.path}: {e.strerror}") from None

    def write(self, kept: KeptToken) -> None:
        """:raises RtaError: it cannot be written."""
        document = {
            "version": _VERSION,
            "service": self.service,
            "token": kept.token.text,
            "ends": kept.token.ends,
            "made": kept.made,
            "refresh": kept.refresh,
            "authority": kept.authority,
            "client_id": kept.client_id,
            "audience": kept.audience,
        }
        try:
            self._make_folder()
            write_document(self.path, document)
        except OSError as e:
            raise RtaError(f"the token cannot be kept: {self.path}: {e.strerror}") from None

    def forget(self) -> None:
        """:raises RtaError: it cannot be removed."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as e:
            raise RtaError(f"{self.path}: {e.strerror}") from None

    async def acquire(self) -> int:
        """Wait until nobody else renews this token or writes it: the descriptor of the lock, which ends with it.

        :raises NotConnectedError: somebody else does not come to an end.
        :raises RtaError: there can be no lock.
        """
        try:
            self._make_folder()
            descriptor = open_own_file(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
        except (OSError, DamagedFileError) as e:
            reason = e.strerror if isinstance(e, OSError) else e
            raise RtaError(f"{self.path.with_suffix('.lock')}: {reason}") from None
        try:
            with trio.move_on_after(_PATIENCE):
                while True:
                    with suppress(BlockingIOError):
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        return descriptor
                    await trio.sleep(_LOOK)
            raise NotConnectedError("another command that renews the token does not come to an end")
        except BaseException:
            os.close(descriptor)
            raise

    def _make_folder(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _read(document: Mapping[str, Any]) -> KeptToken:
    """:raises DamagedFileError: it is none that we have written."""
    names = ("token", "refresh", "authority", "client_id", "audience")
    token, refresh, authority, client_id, audience = (_text(document.get(name)) for name in names)
    ends, made = document.get("ends"), document.get("made")
    if token is None or type(made) is not int or not (ends is None or type(ends) is int):
        raise DamagedFileError("it has no token")
    return KeptToken(Token(token, ends), made, refresh, authority, client_id, audience)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DamagedFileError("it has a value of another kind")
    return value
