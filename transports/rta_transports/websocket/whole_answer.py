"""The head of an answer whose length is known, written at once. Other answers are h11's to write. Plain.

Nearly all answers are short and are sent in one piece, and h11 takes longer to write such a head than to read that of
the request. What is written here is what h11 would write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["head_of_whole"]

_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE = re.compile(rb"(?:[!-~\x80-\xff]+(?:[ \t]+[!-~\x80-\xff]+)*)?")
_UP_TO_H11 = frozenset((b"transfer-encoding", b"connection", b"host"))


def head_of_whole(status: int, headers: Sequence[tuple[bytes, bytes]], size: int, kept: bool) -> bytes | None:
    """Status line and headers, blank line and all. `size`: bytes of the body. `kept`: the connection is.

    None: not all of the headers can be told to be right here, or they do not give this size.
    """
    names = [name.lower() for name, _ in headers]
    if not _UP_TO_H11.isdisjoint(names) or names.count(b"content-length") != 1:
        return None
    if headers[names.index(b"content-length")][1] != b"%d" % size or not 200 <= status < 600:
        return None
    lines = [_line(name, value) for name, value in headers]
    end = b"\r\n" if kept else b"connection: close\r\n\r\n"
    return b"".join((b"HTTP/1.1 %d \r\n" % status, *lines, end)) if all(lines) else None


@lru_cache(maxsize=256)
def _line(name: bytes, value: bytes) -> bytes:
    """Nothing if it is not right. Most are those of many answers."""
    return b"%b: %b\r\n" % (name, value) if _NAME.fullmatch(name) and _VALUE.fullmatch(value) else b""
