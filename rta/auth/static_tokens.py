"""Static tokens, for a site without an issuer: named, each with a role and an end, kept by their hashes alone.

A token is 256 random bits, so a plain SHA-256 of it is as good as a slow hash. Blocking code.
"""

from __future__ import annotations

import fcntl
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import field, frozen

from rta.auth.settings import role_named
from rta.errors import DamagedFileError, RtaError
from rta.ports.access import Role, Subject
from rta.state_file import make_folder, read_document, write_document

__all__ = [
    "NAME",
    "PREFIX",
    "StaticToken",
    "StaticTokens",
    "change_tokens",
    "new_token_text",
    "read_tokens",
    "token_digest",
]

PREFIX = "rta_"
NAME = re.compile(r"[A-Za-z0-9._@-]{1,100}")

_VERSION = 1
_LARGEST = 4 << 20  # bytes of the file
_MOST = 10_000
_BITS = 256
_LATEST = 1 << 63  # ns since the Unix epoch
_HASH = re.compile(r"[0-9a-f]{64}")


@frozen
class StaticToken:
    """What is kept of one."""

    name: str
    role: Role
    hash: str = field(repr=False)
    """The SHA-256 of its text, as hexadecimal digits."""
    made: int
    """ns since the Unix epoch, as is `until`."""
    until: int | None = None
    """When it ends; None: when it is revoked."""

    @property
    def subject(self) -> Subject:
        """Who comes with it."""
        return Subject(f"token {self.name}", self.role, self.until, self.hash)


@frozen
class StaticTokens:
    """All of a file."""

    tokens: tuple[StaticToken, ...] = ()
    by_hash: Mapping[str, Subject] = field(init=False, repr=False)

    @by_hash.default
    def _by_hash(self) -> dict[str, Subject]:
        return {token.hash: token.subject for token in self.tokens}

    def named(self, name: str) -> StaticToken | None:
        """The one of this name."""
        return next((token for token in self.tokens if token.name == name), None)


def new_token_text(random: Callable[[int], bytes]) -> str:
    """A new token, whose text nobody keeps. `random`: gives so many bytes."""
    return PREFIX + urlsafe_b64encode(random(_BITS // 8)).rstrip(b"=").decode()


def token_digest(text: str) -> bytes:
    """What a token is known by: its SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> StaticTokens:
    """What the file has; a file that is not there has none. A symbolic link is followed, as those of secrets are.

    :raises DamagedFileError: it is not as we write it, or of a version that we do not know.
    :raises OSError: it cannot be read.
    """
    try:
        document = read_document(path.resolve(), _LARGEST)
    except FileNotFoundError:
        return StaticTokens()
    version, listed = document.get("version"), document.get("tokens")
    if version != _VERSION:
        raise DamagedFileError(f"it is not of version {_VERSION}, which is the one that is known")
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise DamagedFileError(f"it has no list of up to {_MOST} tokens")
    tokens = tuple(map(_read, listed))
    if len({token.name for token in tokens}) < len(tokens) or len({token.hash for token in tokens}) < len(tokens):
        raise DamagedFileError("it has a token twice")
    return StaticTokens(tokens)


@contextmanager
def change_tokens(path: Path) -> Iterator[list[StaticToken]]:
    """The tokens of the file, as a list that is written back when the block has ended. Nobody else changes it
    meanwhile.

    :raises DamagedFileError: as `read_tokens`; the file stays as it is.
    :raises OSError: it cannot be written.
    """
    target = path.resolve()
    make_folder(target.parent, 0o700)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        tokens = list(read_tokens(target).tokens)
        yield tokens
        if len(tokens) > _MOST:
            raise RtaError(f"there are {_MOST} tokens, which is the most that there can be")
        write_document(target, {"version": _VERSION, "tokens": list(map(_written, tokens))}, indent=2)
    finally:
        os.close(folder)


def _written(token: StaticToken) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role.name.lower(),
        "hash": token.hash,
        "made": token.made,
        "until": token.until,
    }


def _read(entry: Any) -> StaticToken:
    if not isinstance(entry, dict):
        raise DamagedFileError("it has a token that is no JSON object")
    name, text, role = (value if isinstance(value := entry.get(key), str) else "" for key in ("name", "hash", "role"))
    made, until = _time(entry.get("made")), entry.get("until")
    known = role_named(role)
    if not NAME.fullmatch(name) or not _HASH.fullmatch(text) or known is None:
        raise DamagedFileError("it has a token of which name, hash or role is not right")
    return StaticToken(name, known, text, made, None if until is None else _time(until))


def _time(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _LATEST:
        raise DamagedFileError("it has a token with a time that is none")
    return value
