"""Whether a WebSocket may be had by who asks for it: the gate is asked, a few times at once, and within bounds."""

from __future__ import annotations

import re

import trio

from rta.ports import Gate, NotAdmitted, StreamRequest, Subject
from rta_transports.websocket.addresses import Addresses
from rta_transports.websocket.head import RequestHead
from rta_transports.websocket.tls_socket import TlsClient

__all__ = ["admitted", "challenge", "stream_request", "unquoted"]

_QUOTED = re.compile(r"(: )?(b|bytearray\(b)?['\"].*", re.DOTALL)


def stream_request(
    head: RequestHead, identity: str, peer: str, addresses: Addresses, tls: TlsClient | None
) -> StreamRequest:
    """What the gate is asked. `peer`: who is connected, a client or a proxy. `tls`: how, if over TLS."""
    headers, secure = head.headers, tls is not None
    certificate = None if tls is None else tls.certificate
    if addresses.trusts(peer):
        certificate = None  # it is the proxy's own
        # Of several the last one: a trusted proxy has said it.
        if hosts := head.tokens("x-forwarded-host"):
            headers = {**headers, "host": hosts[-1]}
        if schemes := head.tokens("x-forwarded-proto"):
            secure = schemes[-1].lower() in ("https", "wss")
    return StreamRequest(identity, headers, addresses.behind(peer, head), secure, certificate)


async def admitted(gate: Gate, request: StreamRequest, turns: trio.Semaphore, patience: float) -> Subject:
    """Who asks, if they may have it. `turns`: each request waits for one. `patience`: seconds.

    :raises NotAdmitted: they may not, or it cannot be told in time.
    """
    with trio.move_on_after(patience):
        async with turns:  # many wrong tokens at once must not have the same turn of the event loop
            await trio.lowlevel.checkpoint()
        return await gate(request)
    raise NotAdmitted(503, "it cannot be told now who asks: try again", "late")


def challenge(error: NotAdmitted) -> list[tuple[bytes, bytes]]:
    """The headers of a refusal."""
    said = error.challenge or ("Bearer" if error.status == 401 else None)
    return [] if said is None else [(b"www-authenticate", said.encode("ascii", "replace"))]


def unquoted(error: Exception) -> str:
    """What a library says is wrong with a request, without what it quotes of it: a token may be there."""
    return _QUOTED.sub("", str(error))
