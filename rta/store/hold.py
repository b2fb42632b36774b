"""The right to use a store, which one process has at a time; beside it may be known how far that has come.

The lock file has the last position that was noted. It is not waited for until that is on the disk, so that it costs
nothing; it is never ahead of the store. So a store that ends before it has lost something.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

from rta.errors import DamagedFileError
from rta.state_file import make_folder, open_own_file, set_aside
from rta.store.database import beside
from rta.store.kind import StoreKind

__all__ = ["FIRST_ABSURD", "Hold", "is_held"]

FIRST_ABSURD = 1 << 46
"""A position that no store comes to: a million entries a second for two years."""

_LOOK = 0.02  # seconds between tries to have the file
_NOTE = struct.Struct("<qI")


class Hold:
    """Other processes keep away until `release`."""

    def __init__(self, kind: StoreKind, path: Path, patience: float) -> None:
        """The folder is made.

        :param path: of the store; the lock's name is the same with `.lock` at its end.
        :param patience: seconds to wait for another process to leave it.
        :raises RtaError: another process has it, or its lock is another user's; `kind.error`.
        :raises OSError: the folder cannot be made or written.
        """
        make_folder(path.parent)
        self._descriptor = _opened(kind, beside(path, ".lock"))
        try:
            until = time.monotonic() + patience
            while not _locked(self._descriptor):
                if time.monotonic() >= until:
                    raise kind.error(f"the {kind.name} {path} is in use: another process has this state directory")
                time.sleep(_LOOK)
            self.noted = _noted(os.pread(self._descriptor, _NOTE.size, 0))
            """The last position that was noted; None: that is not known."""
        except BaseException:
            os.close(self._descriptor)
            raise

    def note(self, last: int) -> None:
        """So far it is in the store."""
        with suppress(OSError):  # the disk is full
            position = last.to_bytes(8, "little")
            os.pwrite(self._descriptor, _NOTE.pack(last, zlib.crc32(position)), 0)

    def release(self) -> None:
        """Others may have it."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a process has the store at this path."""
    try:
        descriptor = os.open(beside(path, ".lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # for a moment, which whoever comes then waits for
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _opened(kind: StoreKind, path: Path) -> int:
    try:
        return open_own_file(path, os.O_RDWR | os.O_CREAT)
    except DamagedFileError as e:
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode) and found.st_uid != os.geteuid():  # whose process may be recording
            raise kind.error(f"{path} is another user's: {e}") from None
        set_aside(path)
        return open_own_file(path, os.O_RDWR | os.O_CREAT)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _noted(data: bytes) -> int | None:
    if len(data) < _NOTE.size:
        return None
    last, found = _NOTE.unpack(data)
    right = 0 <= last < FIRST_ABSURD and zlib.crc32(data[:8]) == found
    return last if right else None
