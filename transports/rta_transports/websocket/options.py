"""The edge's settings."""

from __future__ import annotations

from attrs import define
from attrs.validators import and_, ge, gt, le, optional

from rta.ports import Duration, Size, option
from rta.ports.tls import ServerTlsOptions

__all__ = ["EdgeOptions"]


@define
class EdgeOptions(ServerTlsOptions):
    """Where clients connect, and how much of us they may take."""

    host: str = option("Address to listen on. Beyond loopback, TLS and sign-in are needed: see `[auth]`.", "127.0.0.1")
    port: int = option("TCP port; 0 takes a free one and says which.", 8180, validator=and_(ge(0), le(65535)))
    reuse_port: bool = option("Share the port with other processes that do the same; the workers of a site do.", False)
    max_connections: int = option(
        "Connections in all; one more is answered 503, unless it asks for `/health` or `/metrics`.",
        10_000,
        validator=ge(1),
    )
    max_per_address: int | None = option(
        "Connections from one address, or from one /64 of IPv6; one more is answered 503. Those of a trusted proxy are "
        "not counted, but a WebSocket behind it is, for the client's address. Unset: nine tenths of "
        "`max_connections`, since a whole site may sit behind one gateway.",
        None,
        validator=optional(ge(1)),
    )
    trusted_proxies: list[str] = option(
        "Addresses and networks whose X-Forwarded-For is believed when addresses are counted and logged, and whose "
        "X-Forwarded-Host and -Proto when it is asked whether a page is ours.",
        factory=list,
    )
    max_head: Size = option("The longest request head taken.", Size(64 << 10), validator=ge(1024))
    max_request: Size = option(
        "The longest client message taken, each of its frames counting as 64 bytes at least; a longer one closes with "
        "1009.",
        Size(1 << 20),
        validator=ge(1024),
    )
    handshake_timeout: Duration = option(
        "For the TLS handshake and a request head to be complete.", Duration(10.0), validator=gt(0)
    )
    body_timeout: Duration = option(
        "For a request body to be complete; one that is not is answered 408.", Duration(300.0), validator=gt(0)
    )
    least_rate: Size = option(
        "Bytes a second that a request body has to come with, from `handshake_timeout` on, and an answer has to be "
        "taken with, from `stall_timeout` on. Only the time that is spent waiting for the client counts.",
        Size(1 << 10),
        validator=ge(1),
    )
    keep_alive: Duration = option("How long an idle HTTP connection is kept.", Duration(75.0), validator=gt(0))
    close_timeout: Duration = option("For the client to answer a close frame.", Duration(5.0), validator=gt(0))
    ping_interval: Duration = option(
        "A WebSocket client not heard for this long is pinged.", Duration(20.0), validator=gt(0)
    )
    stall_timeout: Duration = option(
        "A client is dropped when data for it waits and for this long it has neither taken a byte nor sent one.",
        Duration(60.0),
        validator=gt(0),
    )
    user_timeout: Duration = option(
        "TCP_USER_TIMEOUT: unacknowledged data for this long means the path is dead (a laptop that sleeps); "
        "at least 10 s more than `stall_timeout`.",
        Duration(30.0),
        validator=gt(0),
    )
