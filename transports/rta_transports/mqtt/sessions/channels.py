"""The data channels of one node: a number for each code, stream, attribute and component, given once and for ever;
and the document in which the numbers outlive a restart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import Any

from attrs import define, frozen

from rta.errors import MalformedError

__all__ = [
    "ChannelIds",
    "KnownChannels",
    "RemoteChannel",
    "ValueKinds",
    "ValueOrigin",
    "read_channels",
    "write_channels",
]

_LONGEST = 500  # characters of all that a channel is named by
_WORD = re.compile(r"[^A-Za-z0-9]+")
_FORM = 1  # of the document
_NO_WORD = re.compile(r"[^\w.-]+", re.ASCII)


class ValueKinds(IntFlag):
    """What has come of a channel."""

    NOTHING = 0
    NUMBERS = 1
    TEXTS = 2


@frozen(slots=True)
class ValueOrigin:
    """Where a value is from; the unnamed stream and no component are empty texts."""

    code: str
    stream: str
    attribute: str
    component: str = ""

    @property
    def label(self) -> str:
        """For people, within its stream."""
        return f"{self.attribute} {self.component}".rstrip()

    @property
    def application(self) -> str:
        """The application of the configuration that it belongs to: `car.engine.live`."""
        return _NO_WORD.sub("_", ".".join(filter(None, (self.code, self.stream)))) or "_"


@define(slots=True)
class RemoteChannel:
    """A channel and what a configuration says of it."""

    number: int
    origin: ValueOrigin
    word: str
    """A C identifier, unlike that of all others in its application."""
    holds: ValueKinds

    @property
    def parameter(self) -> str:
        """The parameter's id: `rpm:car.engine.live`."""
        return f"{self.word}:{self.origin.application}"


class ChannelIds:
    """Counts up from 1. Over `bound` nothing more is given a number."""

    def __init__(self, bound: int, known: Iterable[tuple[ValueOrigin, ValueKinds]] = ()) -> None:
        """`known`: those there were, in the order of their numbers."""
        self._bound = bound
        self._by_origin: dict[ValueOrigin, RemoteChannel] = {}
        self._words: dict[tuple[str, str], int] = {}
        self.all: list[RemoteChannel] = []
        """In the order of their numbers."""
        self.changed: set[int] = set()
        """Indices of those that are new, or hold something new; to be taken out by whoever has looked."""
        for origin, holds in known:
            if len(self.all) < bound and origin not in self._by_origin:
                self._add(origin, holds)

    def holds(self, origin: ValueOrigin) -> ValueKinds:
        """What has come of it so far."""
        found = self._by_origin.get(origin)
        return ValueKinds.NOTHING if found is None else found.holds

    def number(self, origin: ValueOrigin, holds: ValueKinds) -> RemoteChannel:
        """The channel that takes this.

        :raises MalformedError: kind `channels`, there is no room for one more; `name`, it is too long.
        """
        found = self._by_origin.get(origin)
        if found is None:
            if len(self.all) >= self._bound:
                raise MalformedError(
                    "channels", f"there are {self._bound} channels already: no room for {_cut(origin)}"
                )
            if sum(map(len, (origin.code, origin.stream, origin.attribute, origin.component))) > _LONGEST:
                raise MalformedError("name", f"names of over {_LONGEST} characters: {_cut(origin)}")
            found = self._add(origin, ValueKinds.NOTHING)
        if not found.holds & holds:
            found.holds |= holds
            self.changed.add(found.number - 1)
        return found

    def _add(self, origin: ValueOrigin, holds: ValueKinds) -> RemoteChannel:
        word = _WORD.sub("_", origin.label).strip("_") or "value"
        if word[0].isdigit():
            word = f"_{word}"
        described = RemoteChannel(len(self.all) + 1, origin, self._unique(origin.application, word), holds)
        self._by_origin[origin] = described
        self.all.append(described)
        return described

    def _unique(self, application: str, word: str) -> str:
        name, number = word, self._words.get((application, word), 1)
        while (application, name) in self._words:
            number += 1
            name = f"{word}_{number}"
        self._words[application, word] = number
        self._words.setdefault((application, name), 1)
        return name


def _cut(origin: ValueOrigin) -> str:
    return repr(f"{origin.code}/{origin.stream} {origin.label}"[:100])


KnownChannels = dict[str, list[tuple[ValueOrigin, ValueKinds]]]
"""The channels of each node, in the order of their numbers."""


def write_channels(
    nodes: Mapping[str, ChannelIds], unseen: Mapping[str, Iterable[tuple[ValueOrigin, ValueKinds]]] = {}
) -> dict[str, Any]:
    """The document. `unseen`: nodes of before that have not been heard of again."""
    found: dict[str, list[list[object]]] = {n: [_row(p, h) for p, h in known] for n, known in unseen.items()}
    found |= {n: [_row(c.origin, c.holds) for c in ids.all] for n, ids in nodes.items()}
    return {"form": _FORM, "nodes": found}


def read_channels(document: Mapping[str, Any]) -> KnownChannels:
    """The inverse.

    :raises MalformedError: kind `json`; it is not what `write_channels` writes.
    """
    try:
        if document.keys() != {"form", "nodes"} or document["form"] != _FORM:
            raise ValueError(f"its form is {document.get('form')!r:.20}, not {_FORM}")
        return {str(n): [_unrow(*row) for row in rows] for n, rows in document["nodes"].items()}
    except (ValueError, TypeError, AttributeError) as e:
        raise MalformedError("json", f"not a list of channels: {e}") from None


def _row(origin: ValueOrigin, holds: ValueKinds) -> list[object]:
    return [origin.code, origin.stream, origin.attribute, origin.component, int(holds)]


def _unrow(code: str, stream: str, attribute: str, component: str, holds: int) -> tuple[ValueOrigin, ValueKinds]:
    for word in (code, stream, attribute, component):
        if not isinstance(word, str):
            raise TypeError(f"{word!r:.100} is no name")
    return ValueOrigin(code, stream, attribute, component), ValueKinds(holds) & (ValueKinds.NUMBERS | ValueKinds.TEXTS)
