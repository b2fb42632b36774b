"""The topics of a node. Source: docs/rsmp.md, "Nodes, topics, payloads"."""

from __future__ import annotations

import re
from enum import StrEnum

from attrs import frozen

from rta.ports.topic_bus import valid_topic

__all__ = ["NODE_ID", "RESERVED", "TopicAddress", "TopicKind", "NodeTopics", "is_response_topic", "valid_node"]

_LEVEL = r"[^/+#\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufff0-\uffff]"
NODE_ID = re.compile(rf"(?=.{{1,200}}$)(?!\$){_LEVEL}+(/{_LEVEL}+){{0,15}}")
"""Up to 16 levels and 200 characters, none of which a broker might take amiss."""

RESERVED = "default"
"""On input this name means the unnamed stream; no stream can be called so."""


class TopicKind(StrEnum):
    """What a topic is for: its level behind the node's id."""

    PRESENCE = "presence"
    STATUS = "status"
    STATE = "channel"
    THROTTLE = "throttle"
    REPLAY = "replay"
    FETCH = "fetch"
    HISTORY = "history"
    ALARM = "alarm"
    COMMAND = "command"
    RESULT = "result"


@frozen
class TopicAddress:
    """What a topic of a node names."""

    kind: TopicKind
    code: str = ""
    name: str = ""


_LEVELS = {TopicKind.PRESENCE: 0, TopicKind.COMMAND: 1, TopicKind.RESULT: 1, TopicKind.ALARM: 1}
"""Behind the kind, where it is not a code and perhaps a name. A broker's access control names commands exactly."""


class NodeTopics:
    """Topics of one node."""

    def __init__(self, node: str) -> None:
        self.node = node
        self._prefix = node + "/"

    def topic(self, kind: TopicKind, code: str = "", name: str = "") -> str:
        """As we write it: no name where there is none."""
        return self._prefix + "/".join(filter(None, (kind.value, code, name)))

    def all(self, kind: TopicKind) -> str:
        """The filter of every topic of a kind."""
        return f"{self._prefix}{kind}/#"

    def parse(self, topic: str) -> TopicAddress | None:
        """What a topic says; None if it is none of this node's. The name `default` is the unnamed stream."""
        if not topic.startswith(self._prefix):
            return None
        kind, *rest = topic[len(self._prefix) :].split("/")
        if kind not in set(TopicKind) or len(rest) > _LEVELS.get(TopicKind(kind), 2):
            return None
        code, name = (*rest, "", "")[:2]
        return TopicAddress(TopicKind(kind), code, "" if name == RESERVED else name)


def valid_node(node: str) -> bool:
    """Whether it can be a node's id: levels that are topic levels."""
    return NODE_ID.fullmatch(node) is not None


def is_response_topic(topic: str, kind: TopicKind, code: str, name: str = "") -> bool:
    """Whether an answer may be sent there: `<id>/<kind>/<code>[/<stream>]` of some id.

    The unnamed stream may be called `default` where there can be a name at all.
    """
    ends = [f"/{kind}/{code}/{name}" if name else f"/{kind}/{code}"]
    if not name and _LEVELS.get(kind, 2) > 1:
        ends.append(f"/{kind}/{code}/{RESERVED}")
    ours = any(topic.endswith(end) and valid_node(topic.removesuffix(end)) for end in ends)
    return ours and bool(code) and valid_topic(topic)
