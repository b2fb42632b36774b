"""Whether a WebSocket may be had by who asks for it: the gate is asked, a few times at once, and within bounds."""

from __future__ import annotations

import re
from typing import Any

import trio
from attrs import frozen

from rta.ports import Gate, NotAdmitted, StreamRequest, Subject
from rta_transports.websocket.addresses import Addresses
from rta_transports.websocket.head import RequestHead
from rta_transports.websocket.tls_socket import TlsClient
from rta_transports.websocket.turns import Turns

__all__ = ["AskedFor", "admitted", "challenge", "stream_request", "unquoted"]

_QUOTED = re.compile(r"(: )?(b|bytearray\(b)?['\"].*", re.DOTALL)


@frozen
class AskedFor:
    """Who has asked for what, as a trusted proxy says: the client may have asked the proxy for something else."""

    client: str | None = None
    """The address of the client; None: who is connected is the client."""
    host: str | None = None
    """None: what `Host` says."""
    secure: bool | None = None
    """Over TLS; None: as the proxy has asked us."""

    @staticmethod
    def at(peer: str, head: RequestHead, addresses: Addresses) -> AskedFor:
        """`peer`: who is connected. Of several values the last one counts: that proxy has said it."""
        if not addresses.trusts(peer):
            return AskedFor()
        host, scheme = head.tokens("x-forwarded-host"), head.tokens("x-forwarded-proto")
        secure = scheme[-1].lower() in ("https", "wss") if scheme else None
        return AskedFor(addresses.behind(peer, head), host[-1] if host else None, secure)

    def put_into(self, scope: dict[str, Any]) -> None:
        """The scope of an HTTP request."""
        if self.client is not None:
            scope["client"] = (self.client, 0)
            scope["extensions"].pop("tls", None)  # that of the proxy
        if self.secure is not None:
            scope["scheme"] = "https" if self.secure else "http"
        if self.host is not None:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", self.host.encode("latin-1")), *others]


def stream_request(
    head: RequestHead, identity: str, peer: str, addresses: Addresses, tls: TlsClient | None
) -> StreamRequest:
    """What the gate is asked. `peer`: who is connected, a client or a proxy. `tls`: how, if over TLS."""
    asked = AskedFor.at(peer, head, addresses)
    headers = head.headers if asked.host is None else {**head.headers, "host": asked.host}
    secure = tls is not None if asked.secure is None else asked.secure
    certificate = None if tls is None or addresses.trusts(peer) else tls.certificate  # a proxy's is its own
    return StreamRequest(identity, headers, addresses.behind(peer, head), secure, certificate)


async def admitted(gate: Gate, request: StreamRequest, turns: Turns, patience: float) -> Subject:
    """Who asks, if they may have it. `turns`: each request waits for one. `patience`: seconds.

    :raises NotAdmitted: they may not, or it cannot be told in time.
    """
    with trio.move_on_after(patience):
        await turns.next()  # many wrong tokens at once must not have the same turn of the event loop
        return await gate(request)
    raise NotAdmitted(503, "it cannot be told now who asks: try again", "late")


def challenge(error: NotAdmitted) -> list[tuple[bytes, bytes]]:
    """The headers of a refusal."""
    said = error.challenge or ("Bearer" if error.status == 401 else None)
    return [] if said is None else [(b"www-authenticate", said.encode("ascii", "replace"))]


def unquoted(error: Exception) -> str:
    """What a library says is wrong with a request, without what it quotes of it: a token may be there."""
    return _QUOTED.sub("", str(error))
