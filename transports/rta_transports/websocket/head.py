"""The head of an HTTP request: just enough to tell who is to have the connection."""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs, unquote

import trio
from attrs import field, frozen

from rta.ports import FlushPoint
from rta_transports.websocket.stream import WireStream

__all__ = ["BLANK", "HeadRefused", "RequestHead", "flush_point", "head_in", "read_head", "stream_identity"]

BLANK = b"\r\n"
"""Lines of this before a request are to be ignored."""

_STREAM = re.compile(r"(?:^|/)rta/+v2/+sessions/+([^/]+)/+stream/*$")
_MOST_FIELDS = 128  # header lines: each costs time, and there are libraries that search them one by one
_AT_ONCE = 16 << 10  # bytes
_TOO_LONG = "431 Request Header Fields Too Large"
_MALFORMED = "400 Bad Request"
_ONCE = frozenset(("host", "content-length", "transfer-encoding"))
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")  # a CR at the end may be half of a line's end


class HeadRefused(Exception):
    """The request head is not one that is taken."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@frozen
class RequestHead:
    """A request line and the headers, names in lower case. What may be a token in them is not shown."""

    method: str
    target: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    raw: bytes = field(repr=False)
    """The head as it was received, blank line and all."""
    rest: bytes = field(repr=False)
    """What came with it."""
    outdated: bool
    """It is of HTTP/1.0, which knows no upgrade."""

    @staticmethod
    def parse(raw: bytes) -> RequestHead:
        """Lenient where the library that gets the connection finds what is wrong, strict where it is not.

        :raises HeadRefused: a proxy could see the end of the head, or of the body, somewhere else.
        """
        text, blank, after = raw.partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        if len(lines) > _MOST_FIELDS + 1:
            raise HeadRefused(_TOO_LONG, f"there are more than {_MOST_FIELDS} header lines")
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.rpartition(" ")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            if line[:1] in (" ", "\t"):
                raise HeadRefused(_MALFORMED, "a header is continued on another line")
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip(" \t")
            if name in headers and name in _ONCE:
                raise HeadRefused(_MALFORMED, f"there is more than one {name}")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        head = RequestHead(method, target, headers, text + blank, after, version == "HTTP/1.0")
        if version.startswith("HTTP/") and version not in ("HTTP/1.0", "HTTP/1.1"):
            raise HeadRefused(_MALFORMED, f"{version[:20]} is not served here")
        if "transfer-encoding" in headers and ("content-length" in headers or head.outdated):
            raise HeadRefused(_MALFORMED, "the length of the body is given in two ways")
        return head

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def key_is_valid(self) -> bool:
        """Whether the WebSocket key is 16 bytes in Base64 (RFC 6455, 4.2.1)."""
        try:
            return len(base64.b64decode(self.headers.get("sec-websocket-key", ""), validate=True)) == 16
        except ValueError:
            return False

    def tokens(self, name: str) -> list[str]:
        """A comma-separated header as a list."""
        return [t for v in self.headers.get(name, "").split(",") if (t := v.strip())]

    @property
    def wants_websocket(self) -> bool:
        """Whether it asks to upgrade."""
        return (
            self.method == "GET"
            and not self.outdated
            and "upgrade" in [t.lower() for t in self.tokens("connection")]
            and "websocket" in [t.lower() for t in self.tokens("upgrade")]
        )


def head_in(received: bytes | bytearray, limit: int, seen: int = 0) -> RequestHead | None:
    """The head that what was received begins with; None if it is not whole. `seen`: bytes that were looked at before.

    :raises HeadRefused: there was no blank line within `limit` bytes, or it is malformed.
    """
    end = received.find(b"\r\n\r\n", max(0, seen - 3))
    if _has_bare(received, max(0, seen - 1), len(received) if end < 0 else end):
        raise HeadRefused(_MALFORMED, "a line does not end with CR LF")
    if (len(received) >= limit) if end < 0 else (end > limit):
        raise HeadRefused(_TOO_LONG, "the request head is too long")
    return None if end < 0 else RequestHead.parse(bytes(received))


def _has_bare(text: bytes | bytearray, start: int, end: int) -> bool:
    """Whether there is a CR or LF that is not part of a line's end."""
    lines = text.count(b"\r\n", start, end)
    if text.count(b"\r", start, end) == lines == text.count(b"\n", start, end):  # much sooner seen than by the pattern
        return False
    return _BARE.search(text, start, end) is not None


async def read_head(stream: WireStream, limit: int, first: bytes = b"") -> RequestHead | None:
    """Receive up to the blank line; None if the peer hung up before. `first`: what has come already.

    :raises HeadRefused: as of `head_in`.
    """
    raw, seen = bytearray(first).lstrip(BLANK), 0
    while (head := head_in(raw, limit, seen)) is None:
        seen = len(raw)
        try:
            data = await stream.receive_some(_AT_ONCE)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        if not data:
            return None
        raw += data
        if not seen:
            raw = raw.lstrip(BLANK)
    return head


def stream_identity(target: str) -> str | None:
    """Which session a target asks to stream; None if it is no such target. Any base path is tolerated."""
    m = _STREAM.search(target.partition("?")[0].partition("#")[0])
    if m is None:
        return None
    try:
        return unquote(m[1], errors="strict")
    except UnicodeDecodeError:
        return None


def flush_point(target: str) -> FlushPoint | None:
    """Behind which point a target asks to begin; None if it does not.

    :raises ValueError: `after` is there, and is no flush point.
    """
    query = target.partition("#")[0].partition("?")[2]
    given = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS).get("after", [])
    if len(given) > 1:
        raise ValueError("there is more than one")
    return FlushPoint.parse(given[0]) if given else None
