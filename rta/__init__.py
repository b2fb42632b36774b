"""Live telemetry over RTA WebSocket streams and RSMP topics, from one session and stream core."""

__version__ = "0.1.0"
