"""The data channels of one node: a number for each code, stream, attribute and component, given once and for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntFlag

from attrs import define, frozen

from rta.errors import MalformedError

__all__ = ["ChannelIds", "Described", "Holds", "ValueOrigin"]

_LONGEST = 500  # characters of all that a channel is named by
_WORD = re.compile(r"[^A-Za-z0-9]+")
_NO_WORD = re.compile(r"[^\w.-]+", re.ASCII)


class Holds(IntFlag):
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
class Described:
    """A channel and what a configuration says of it."""

    number: int
    place: ValueOrigin
    word: str
    """A C identifier, unlike that of all others in its application."""
    holds: Holds

    @property
    def parameter(self) -> str:
        """The parameter's id: `rpm:car.engine.live`."""
        return f"{self.word}:{self.place.application}"


class ChannelIds:
    """Counts up from 1. Over `bound` nothing more is given a number."""

    def __init__(self, bound: int, known: Iterable[tuple[ValueOrigin, Holds]] = ()) -> None:
        """`known`: those there were, in the order of their numbers."""
        self._bound = bound
        self._by_place: dict[ValueOrigin, Described] = {}
        self._words: dict[tuple[str, str], int] = {}
        self.all: list[Described] = []
        """In the order of their numbers."""
        self.changed: set[int] = set()
        """Indices of those that are new, or hold something new; to be taken out by whoever has looked."""
        for place, holds in known:
            if len(self.all) < bound and place not in self._by_place:
                self._add(place, holds)

    def holds(self, place: ValueOrigin) -> Holds:
        """What has come of it so far."""
        found = self._by_place.get(place)
        return Holds.NOTHING if found is None else found.holds

    def number(self, place: ValueOrigin, holds: Holds) -> Described:
        """The channel that takes this.

        :raises MalformedError: kind `channels`, there is no room for one more; `name`, it is too long.
        """
        found = self._by_place.get(place)
        if found is None:
            if len(self.all) >= self._bound:
                raise MalformedError("channels", f"there are {self._bound} channels already: no room for {_cut(place)}")
            if sum(map(len, (place.code, place.stream, place.attribute, place.component))) > _LONGEST:
                raise MalformedError("name", f"names of over {_LONGEST} characters: {_cut(place)}")
            found = self._add(place, Holds.NOTHING)
        if not found.holds & holds:
            found.holds |= holds
            self.changed.add(found.number - 1)
        return found

    def _add(self, place: ValueOrigin, holds: Holds) -> Described:
        word = _WORD.sub("_", place.label).strip("_") or "value"
        if word[0].isdigit():
            word = f"_{word}"
        described = Described(len(self.all) + 1, place, self._unique(place.application, word), holds)
        self._by_place[place] = described
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


def _cut(place: ValueOrigin) -> str:
    return repr(f"{place.code}/{place.stream} {place.label}"[:100])
