"""The head of an HTTP request: just enough to tell who is to have the connection."""

from __future__ import annotations

import base64
import ipaddress
import re
from urllib.parse import unquote

import trio
from attrs import frozen

from rta_transports.websocket.stream import WireStream

__all__ = ["HeadTooLong", "RequestHead", "forwarded_for", "read_head", "stream_identity"]

_STREAM = re.compile(r"(?:^|/)rta/+v2/+sessions/+([^/]+)/+stream/*$")


class HeadTooLong(Exception):
    """The request head is longer than we take."""


@frozen
class RequestHead:
    """A request line and the headers, names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    raw: bytes
    """The head as it was received, blank line and all."""
    rest: bytes
    """What came with it."""
    outdated: bool
    """It is of HTTP/1.0, which knows no upgrade."""

    @staticmethod
    def parse(raw: bytes) -> RequestHead:
        """Lenient: what is wrong with it is found by the library that gets the connection."""
        text, blank, after = raw.partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        target, _, version = rest.rpartition(" ")
        return RequestHead(method, target, headers, text + blank, after, version == "HTTP/1.0")

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


async def read_head(stream: WireStream, limit: int) -> RequestHead | None:
    """Receive up to the blank line; None if the peer hung up before.

    :raises HeadTooLong: there was none within `limit` bytes.
    """
    raw = bytearray()
    while (end := raw.find(b"\r\n\r\n")) < 0:
        if len(raw) >= limit:
            raise HeadTooLong
        try:
            data = await stream.receive_some()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        if not data:
            return None
        raw = (raw + data).lstrip(b"\r\n")  # blank lines before a request are to be ignored
    if end > limit:
        raise HeadTooLong
    return RequestHead.parse(bytes(raw))


def stream_identity(target: str) -> str | None:
    """Which session a target asks to stream; None if it is no such target. Any base path is tolerated."""
    m = _STREAM.search(target.partition("?")[0].partition("#")[0])
    if m is None:
        return None
    try:
        return unquote(m[1], errors="strict")
    except UnicodeDecodeError:
        return None


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def forwarded_for(peer: str, head: RequestHead, trusted: list[Network]) -> str:
    """The client's own address: the last one in X-Forwarded-For that a trusted proxy vouches for."""
    hops = [*head.tokens("x-forwarded-for"), peer]
    while len(hops) > 1 and _within(hops[-1], trusted):
        hops.pop()
    return hops[-1]


def _within(address: str, networks: list[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in n for n in networks)
