"""Starting and stopping over topics. What is wrong is counted and gets no answer.

Source: docs/rsmp.md, "Start and stop".
"""

from __future__ import annotations

from typing import Any

from rta.actors.streams import Streams
from rta.errors import MalformedError
from rta.node.node_stream import Initiator, Refused
from rta.node.token_bucket import TokenBucket
from rta.ports import Reporter, TopicMessage
from rta.rsmp.payload import read_map
from rta.rsmp.topics import TopicAddress

__all__ = ["Throttle"]


class Throttle:
    """The throttle topics of one node."""

    def __init__(self, streams: Streams, report: Reporter) -> None:
        self._streams = streams
        self._report = report
        self._quota = TokenBucket()

    def handle(self, message: TopicMessage, address: TopicAddress, now: float) -> None:
        """A message that came live. `now`: steady seconds."""
        if not self._quota.acquire(now):
            self._refuse("flood")
            return
        try:
            asked = read_map(message.payload)
            self._act(asked, address)
        except MalformedError as e:
            self._report.malformed("throttle", e.kind, f"{message.topic}: {e}")
            self._refuse(e.kind)
        except Refused:
            self._refuse("refused")

    def _act(self, asked: dict[str, Any], address: TopicAddress) -> None:
        action, timeout, consumer = asked.get("action"), asked.get("timeout"), asked.get("consumer")
        if consumer is not None and not isinstance(consumer, str):
            raise MalformedError("type", "expected a node id as consumer")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
            raise MalformedError("type", "expected a number of seconds as timeout")
        by = Initiator("topic", consumer or "")
        if action == "start":
            self._streams.start(address.code, address.name, by, timeout, consumer)
        elif action == "stop":
            self._streams.stop(address.code, address.name, by)
        else:
            raise MalformedError("type", 'expected "start" or "stop" as action')

    def _refuse(self, reason: str) -> None:
        self._report.count("rta_topic_input_refused_total", kind="throttle", reason=reason)
