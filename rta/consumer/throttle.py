"""Starting and stopping a stream of a node: what is sent, and where to. Plain code.

Source: docs/rsmp.md, "Start and stop".
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from rta.consumer.events import State
from rta.consumer.reading import read_state
from rta.ports import TopicMessage
from rta.rsmp.payload import encode
from rta.rsmp.topics import RESERVED, NodeTopics, TopicKind

__all__ = ["STOP", "ThrottledStream", "write_start"]

STOP = encode({"action": "stop"})


def write_start(timeout: float | None = None, consumer: str | None = None) -> bytes:
    """A start, or the renewal of one. `timeout`: seconds, of which whole ones go as an integer; `consumer`: the id of
    the node that the stream is for. What is None is left out."""
    asked: dict[str, Any] = {"action": "start"}
    if timeout is not None:
        asked["timeout"] = int(timeout) if float(timeout).is_integer() else timeout
    if consumer is not None:
        asked["consumer"] = consumer
    return encode(asked)


@define(eq=False)
class ThrottledStream:
    """A stream of a node, as its state topics show it.

    An unnamed stream has two: some nodes publish its state as that of `default`. Such a node may want a start or a stop
    there, or without a name. It gets both, which is harmless.
    """

    node: str
    code: str
    name: str
    """Empty: the unnamed one."""
    state: State | None = None
    """None: unknown."""
    _announced: set[str] = field(init=False, factory=set)

    @property
    def state_topics(self) -> tuple[str, ...]:
        """Where its state may be published."""
        return self._topics(TopicKind.STATE, self.name, *([] if self.name else [RESERVED]))

    @property
    def throttle_topics(self) -> tuple[str, ...]:
        """Where a start or a stop goes."""
        both = self._announced == {RESERVED}
        return self._topics(TopicKind.THROTTLE, self.name, *([RESERVED] if both else []))

    def handle(self, message: TopicMessage) -> None:
        """A message on one of the state topics.

        :raises MalformedError: it is no state.
        """
        state = read_state(message.payload)
        name = "" if message.topic == self.state_topics[0] else RESERVED
        if state is None:
            self._announced.discard(name)
            if self._announced:
                return
        else:
            self._announced.add(name)
        self.state = state

    def _topics(self, kind: TopicKind, *names: str) -> tuple[str, ...]:
        return tuple(NodeTopics(self.node).topic(kind, self.code, name) for name in names)
