"""Files of the state directory: whatever stands in their place, opening them does not hang, and follows no link.

They are small, but for the history; each is replaced wholly or not at all, only its owner may read it, and a damaged
one is set aside under another name, so that a new one can be begun. What root makes, as by a command, belongs to
whoever has the folder: the service runs as another user. Blocks.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from pwd import getpwuid
from typing import Any

from rta.errors import DamagedFileError

__all__ = [
    "MODE",
    "give_to_owner",
    "make_folder",
    "make_way",
    "open_own_file",
    "read_document",
    "replace_file",
    "set_aside",
    "sync_folder",
    "try_to_set_aside",
    "why_not_readable",
    "write_document",
]

MODE = 0o600
"""Of a file: what streams have sent, and who has asked for what, is nobody else's business."""

_KEPT = 5  # damaged files of one name
_UNUSABLE = (errno.EACCES, errno.EPERM, errno.EIO, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_own_file(path: Path, flags: int) -> int:
    """A descriptor of a file of ours. It is readable for its owner alone from then on.

    :param flags: as of `os.open`.
    :raises DamagedFileError: there is something else in its place, or it may not be opened.
    :raises FileNotFoundError: it is not there, and `flags` do not say that it is to be made.
    :raises OSError: it cannot be opened for a reason that has nothing to do with it.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        _check_kind(path, os.lstat(path).st_mode)  # before it is opened: to open a device can do something
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, MODE)
    except OSError as e:
        if e.errno in _UNUSABLE:
            raise DamagedFileError(f"it cannot be opened: {e.strerror}") from None
        raise
    try:
        found = os.fstat(descriptor)
        _check_kind(path, found.st_mode)
        if flags & os.O_CREAT:
            give_to_owner(descriptor, path)
        if found.st_mode & 0o077:
            with suppress(OSError):  # it may be somebody else's
                os.fchmod(descriptor, MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def give_to_owner(descriptor: int, path: Path) -> None:
    """Where root has made a file, it belongs to whoever has the one of this name, or else the folder.

    :raises OSError: it cannot be given away.
    """
    if os.geteuid() != 0:
        return
    owner = os.stat(path.parent)
    with suppress(FileNotFoundError):
        if (there := os.lstat(path)).st_uid != 0:
            owner = there
    mine = os.fstat(descriptor)
    if mine.st_uid == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """With those above it, if it is not there. Where root makes one, it belongs to whoever has the one above it.

    :raises OSError: it cannot be made.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(mode=mode, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        give_to_owner(descriptor, path)
    finally:
        os.close(descriptor)


def why_not_readable(path: Path) -> str | None:
    """Why the user of the service, who has the folder, cannot read a file in it; None: they can, or it is not there."""
    try:
        found, folder = path.stat(), path.parent.stat()
    except OSError:
        return None
    if os.geteuid() != 0:
        return None if os.access(path, os.R_OK) else f"{path} belongs to {_user(found.st_uid)}: we cannot read it"
    if folder.st_uid in (0, found.st_uid) or found.st_mode & 0o044:
        return None
    users = f"{_user(found.st_uid)}, and its folder to {_user(folder.st_uid)}"
    return f"{path} belongs to {users}: `chown {folder.st_uid}:{folder.st_gid} {path}` lets the service read it"


def _user(number: int) -> str:
    try:
        return getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise DamagedFileError(f"it is {_KINDS.get(stat.S_IFMT(mode), 'no file')}, not a file")


def read_document(path: Path, limit: int) -> dict[str, Any]:
    """The JSON object that `write_document` has written; one without a check sum, which a person has written, too.

    :param limit: bytes that it may have.
    :raises DamagedFileError: it is not as it was written.
    :raises FileNotFoundError: it is not there.
    :raises OSError: as above.
    """
    with open(open_own_file(path, os.O_RDONLY), "rb") as file:
        try:
            data = file.read(limit + 1)
        except OSError as e:
            raise DamagedFileError(f"it cannot be read: {e.strerror}") from None
    if len(data) > limit:
        raise DamagedFileError(f"it has more than {limit} bytes")
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            raise DamagedFileError("it is no JSON object")
        if "sum" in document and document.pop("sum") != _check_sum(document):
            raise DamagedFileError("its check sum is wrong")
    except (ValueError, RecursionError) as e:
        raise DamagedFileError(f"it is no JSON: {e}") from None
    return document


def write_document(path: Path, document: Mapping[str, Any], indent: int | None = None) -> None:
    """Replace the file, with a check sum in it. Nested mappings have texts as keys.

    :raises OSError: it cannot be written.
    """
    text = json.dumps({"sum": _check_sum(document), **document}, indent=indent, ensure_ascii=False)
    replace_file(path, text.encode("utf-8", "surrogatepass") + b"\n")


def _check_sum(document: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(document, sort_keys=True).encode()):08x}"


def replace_file(path: Path, data: bytes) -> None:
    """Wholly or not at all, and lasting; its folder is made.

    :raises OSError: it cannot be written; the file is as it was.
    """
    new = path.with_name(path.name + ".new")
    make_folder(path.parent)
    make_way(new)
    if path.is_dir():  # which no file can take the place of
        set_aside(path)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE), "wb") as file:
            give_to_owner(file.fileno(), path)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    with suppress(OSError):  # the file is replaced; only a power cut could undo it
        sync_folder(path.parent)


def make_way(path: Path) -> None:
    """What is left of a file that was to take another's place is removed; a folder, which we have not made, set aside.

    :raises OSError: it cannot be.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError:
        if not path.is_dir():
            raise
        set_aside(path)


def set_aside(path: Path, suffixes: Sequence[str] = ("",)) -> Path:
    """Give a damaged file another name, which says when; of those with one name the first four and the newest are kept.

    :param suffixes: of the files that belong together.
    :return: the other name, without a suffix.
    :raises OSError: it cannot be renamed.
    """
    name = f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    taken = _set_aside(path)
    number = 1
    while (aside := name if number == 1 else f"{name}.{number}") in taken:
        number += 1
    for surplus in taken[_KEPT - 1 :]:
        for suffix in suffixes:
            with suppress(OSError):
                path.with_name(surplus + suffix).unlink()
    for suffix in sorted(suffixes, reverse=True):  # the file itself last: without it the others are nothing
        with suppress(FileNotFoundError):
            os.rename(path.with_name(path.name + suffix), path.with_name(aside + suffix))
    sync_folder(path.parent)
    return path.with_name(aside)


def try_to_set_aside(path: Path) -> str:
    """What has become of a damaged file, for people."""
    try:
        return f"it is set aside as {set_aside(path).name}"
    except OSError as e:
        return f"it cannot be set aside: {e.strerror}"


def _set_aside(path: Path) -> list[str]:
    """The names of those that have been, in order."""
    pattern = re.compile(re.escape(path.name) + r"\.damaged-(\d{8}T\d{6}Z)(?:\.(\d+))?")
    matches = filter(None, (pattern.match(other.name) for other in path.parent.iterdir()))
    found = {match[0]: (match[1], int(match[2] or 1)) for match in matches}
    return sorted(found, key=lambda name: found[name])


def sync_folder(folder: Path) -> None:
    """What was renamed in it lasts."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
