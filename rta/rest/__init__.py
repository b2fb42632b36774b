"""HTTP beside the WebSocket: what ATLAS asks for, health, metrics."""

from rta.rest.app import make_app

__all__ = ["make_app"]
