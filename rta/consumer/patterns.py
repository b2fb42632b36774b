"""Patterns of node ids, in which `+` stands for a whole level. Plain code.

The number of levels of the pattern tells which part of a topic is the id of the node.
"""

from __future__ import annotations

from attrs import frozen

from rta.ports import topic_matches
from rta.rsmp.topics import RESERVED, TopicAddress, TopicKind, valid_node

__all__ = ["Pattern", "read_pattern", "valid_code", "valid_name"]

_LONGEST = 200  # characters of a code or a name
_LEVELS = {
    TopicKind.PRESENCE: (0, 0),
    TopicKind.STATUS: (1, 2),
    TopicKind.STATE: (1, 2),
    TopicKind.REPLAY: (1, 2),
    TopicKind.ALARM: (1, 1),
}
"""How many levels follow the kind: at least, at most."""


@frozen
class Pattern:
    """The nodes whose ids fit a text with `+`."""

    text: str

    def filters(self, replay: bool) -> tuple[str, ...]:
        """The topic filters to subscribe to."""
        kinds = [TopicKind.STATE, TopicKind.STATUS, TopicKind.ALARM, *([TopicKind.REPLAY] if replay else [])]
        return (f"{self.text}/{TopicKind.PRESENCE}", *(f"{self.text}/{kind}/#" for kind in kinds))

    def fits(self, node: str) -> bool:
        return topic_matches(self.text, node)

    def parse(self, topic: str) -> tuple[str, TopicAddress] | None:
        """The id of the node, and what the topic is about; None: it is not a topic of a node."""
        levels = topic.split("/")
        count = self.text.count("/") + 1
        node, kind, rest = "/".join(levels[:count]), "".join(levels[count : count + 1]), levels[count + 1 :]
        if kind not in set(TopicKind) or not valid_node(node) or not self.fits(node):
            return None
        least, most = _LEVELS.get(TopicKind(kind), (1, 0))
        if not least <= len(rest) <= most:
            return None
        code, name = (*rest, "", "")[:2]
        if (rest and not valid_code(code)) or (len(rest) > 1 and not valid_name(name)):
            return None
        return node, TopicAddress(TopicKind(kind), code, "" if name == RESERVED else name)


def read_pattern(text: str) -> Pattern:
    """A pattern as people write it.

    :raises ValueError: a level is neither `+` nor one that a node's id can have.
    """
    if not valid_node("/".join("x" if level == "+" else level for level in text.split("/"))):
        raise ValueError(
            f'expected the id of a node, in which "+" may stand for a whole level, as in "dk/cph/+", got {text[:80]!r}'
        )
    return Pattern(text)


def valid_code(code: str) -> bool:
    """Whether it can be a code: one level with a dot in it, such as a broker takes."""
    return "." in code and len(code) <= _LONGEST and valid_node(code) and "/" not in code


def valid_name(name: str) -> bool:
    """Whether it can be the name of a stream."""
    return len(name) <= _LONGEST and valid_node(name) and "/" not in name
