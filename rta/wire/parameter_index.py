"""How people name a parameter: by its identifier, or by what the recording calls it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rta.errors import RtaError
from rta.formatting import choices, shown
from rta.wire.conversion import BoundParameter

__all__ = ["ParameterIndex", "ParameterNameError", "given_name"]

_Key = tuple[str, str]
"""Identifier and application: what is equal in both is one parameter, in however many documents it stands."""


def given_name(bound: BoundParameter) -> str:
    """What the recording calls a parameter; empty where its id says so, but for blanks and the like."""
    name, identifier = bound.parameter.name, _short(bound.parameter.id, bound.application)
    return "" if identifier in (name, re.sub(r"[\W_]+", "_", name).strip("_")) else name


class ParameterNameError(RtaError):
    """A name that no parameter has, or several have. The message lists what there is."""


class ParameterIndex:
    """The parameters of a session by their names. Those without a channel that can be read are left out.

    A parameter is found by its identifier (`RPM:csv`); if no identifier is like that, by the identifier without the
    application (`RPM`), by its name, or by its description, which for a column of a file is the cell of the header
    (`Oil Temp (°C)`). Each of these may be followed by the application: `Oil Temp:csv`.
    """

    def __init__(self) -> None:
        self._parameters: dict[_Key, list[BoundParameter]] = {}
        self._ids: dict[str, list[_Key]] = {}
        self._names: dict[str, dict[_Key, None]] = {}

    def add(self, parameters: Iterable[BoundParameter]) -> None:
        """Add the parameters of a document."""
        for bound in parameters:
            if not bound.channels:
                continue
            key = bound.parameter.id, bound.application
            known = self._parameters.get(key)
            if known is None:
                self._parameters[key] = [bound]
                self._ids.setdefault(bound.parameter.id, []).append(key)
                for name in _names(bound):
                    self._names.setdefault(name, {})[key] = None
            elif not any(bound.channels.keys() <= other.channels.keys() for other in known):
                known.append(bound)  # the same one, on further channels

    def find(self, text: str) -> list[BoundParameter]:
        """The parameter of this name: one, or one for each document that has it on channels of its own.

        :raises ParameterNameError: there is none, or more than one.
        """
        found = self._ids.get(text) or list(self._names.get(_normal(text), ()))
        if len(found) == 1:
            return self._parameters[found[0]]
        if found:
            which = ", ".join(map(self._described, found[:20]))
            raise ParameterNameError(f"{len(found)} parameters are called {shown(text)}; say which by its id: {which}")
        known = {self._label(key): _names(bound) for key, (bound, *_) in self._parameters.items()}
        raise ParameterNameError(f"no parameter {shown(text)}; {choices(text, known)}")

    def candidates(self, text: str) -> list[_Key]:
        """All that `find` would consider, here or together with other documents."""
        return [*self._ids.get(text, ()), *self._names.get(_normal(text), ())]

    def _unique(self, key: _Key) -> str:
        """What is surely understood: the id, with the application where several have that id."""
        return key[0] if len(self._ids[key[0]]) == 1 else ":".join(key)

    def _described(self, key: _Key) -> str:
        """The same, with what the recording calls it."""
        parameter = self._parameters[key][0].parameter
        called = parameter.desc or parameter.name
        return f"{self._unique(key)} ({called})" if called else self._unique(key)

    def _label(self, key: _Key) -> str:
        return self._described(key) if given_name(self._parameters[key][0]) else self._unique(key)


def _names(bound: BoundParameter) -> set[str]:
    parameter, application = bound.parameter, bound.application
    plain = {_short(parameter.id, application), parameter.name, parameter.desc} - {""}
    return {_normal(name) for base in (*plain, parameter.id) for name in (base, f"{base}:{application}")}


def _short(identifier: str, application: str) -> str:
    return identifier.removesuffix(f":{application}")


def _normal(text: str) -> str:
    """What looks the same is the same: letters with accents can be written in two ways, and blanks are not seen."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)
