"""HTTP beside the WebSocket: sessions as ATLAS asks for them, streams, alarms, health, metrics."""

from rta.rest.app import Service, make_app

__all__ = ["Service", "make_app"]
