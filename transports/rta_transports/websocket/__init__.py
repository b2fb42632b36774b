"""The WebSocket edge: one port for RTA live streams, REST, health and metrics."""

from rta.ports import Offer, Transport
from rta_transports.websocket.listener import WebSocketEdge, check_edge, open_edge
from rta_transports.websocket.options import EdgeOptions

__all__ = ["TRANSPORT", "EdgeOptions", "WebSocketEdge"]

TRANSPORT = Transport(
    edge=Offer(
        EdgeOptions,
        open_edge,
        check_edge,
        address=lambda options: (options.host, options.port),
        encrypted=lambda options: options.cert_file is not None,
    ),
    summary="RTA live streams over WebSocket, with HTTP on the same port",
)
