"""Requests over topics to start or stop a stream. Source: docs/rsmp.md, "Start and stop"."""

from __future__ import annotations

from attrs import frozen

from rta.errors import MalformedError
from rta.node.node_stream import Initiator
from rta.rsmp.payload import read_map

__all__ = ["ThrottleRequest", "read_throttle"]


@frozen
class ThrottleRequest:
    """What is asked of one stream."""

    starts: bool
    """Or stops."""
    by: Initiator
    timeout: float | None
    """Seconds."""
    consumer: str | None
    """The id of the node it is for."""


def read_throttle(payload: bytes) -> ThrottleRequest:
    """`{"action": "start"|"stop", "timeout"?, "consumer"?}` from outside.

    :raises MalformedError: kind `cbor` or `type`.
    """
    asked = read_map(payload)
    action, timeout, consumer = asked.get("action"), asked.get("timeout"), asked.get("consumer")
    if consumer is not None and not isinstance(consumer, str):
        raise MalformedError("type", "expected a node id as consumer")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise MalformedError("type", "expected a number of seconds as timeout")
    if action not in ("start", "stop"):
        raise MalformedError("type", 'expected "start" or "stop" as action')
    return ThrottleRequest(action == "start", Initiator("topic", consumer or ""), timeout, consumer)
