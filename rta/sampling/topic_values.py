"""Values from other topics, whatever format their payloads have. Plain code."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Sequence

from rta.errors import MalformedError
from rta.ports import TopicMessage
from rta.rsmp.message import Component, Value
from rta.rsmp.payload import decode
from rta.sampling.sources import StatusSources, TopicSource

__all__ = ["ComponentValues", "TopicValues", "read_payload", "value_at"]

_LONGEST = 64 << 10  # bytes of a payload that is read
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EXACT = 1 << 64
_BLANKS = " \t\r\n"


ComponentValues = dict[tuple[str, Component], Value]
"""By attribute and component."""


class TopicValues:
    """The values that statuses have from topics."""

    def __init__(self, statuses: Iterable[StatusSources]) -> None:
        self._sources: dict[str, list[tuple[str, str, Component, TopicSource | None]]] = {}
        """By topic, what its values are for: code, attribute, component. Without a source all that counts is that
        something comes."""
        self._known: dict[str, ComponentValues] = {}
        for status in statuses:
            for (attribute, component), source in status.sources.items():
                if isinstance(source, TopicSource):
                    read = source if source.path or not status.heard_only else None
                    self._sources.setdefault(source.topic, []).append((status.code, attribute, component, read))

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of all sources."""
        return tuple(self._sources)

    def known(self, code: str) -> ComponentValues:
        """The last values of a status."""
        return self._known.get(code, {})

    def feed(
        self, message: TopicMessage, malformed: Callable[[MalformedError], None]
    ) -> list[tuple[str, ComponentValues]]:
        """The values that a message brings, by the codes of statuses. A retained message that brings only known values
        is no news: a reconnect has brought it again.
        """
        out: list[tuple[str, ComponentValues]] = []
        for code, values in self._read(message, malformed).items():
            known = self._known.setdefault(code, {})
            if not message.retained or any(key not in known or known[key] != value for key, value in values.items()):
                known.update(values)
                out.append((code, values))
        return out

    def _read(self, message: TopicMessage, malformed: Callable[[MalformedError], None]) -> dict[str, ComponentValues]:
        found: dict[str, ComponentValues] = {}
        read: list[tuple[str, str, Component, TopicSource]] = []
        for code, attribute, component, source in self._sources.get(message.topic, []):
            if source is None:  # a checksum tells one message from another
                found.setdefault(code, {})[attribute, component] = zlib.crc32(message.payload)
            else:
                read.append((code, attribute, component, source))
        try:
            document = read_payload(message.payload) if read else None
        except MalformedError as e:
            malformed(e)
            return found
        for code, attribute, component, source in read:
            try:
                found.setdefault(code, {})[attribute, component] = value_at(document, source.path)
            except MalformedError as e:
                malformed(e)
        return found


def read_payload(payload: bytes) -> object:
    """A payload of JSON, a plain number, plain text or CBOR; None for an empty one.

    A payload that can be read as text is text. So of CBOR, maps, lists, numbers outside of -24 to -1 and the like are
    recognised, but not bare text.

    :raises MalformedError: kind `topic`.
    """
    if len(payload) > _LONGEST:
        raise MalformedError("topic", f"a payload of {len(payload)} bytes; at most {_LONGEST} are taken")
    text = _readable(payload)
    if text is None:
        return _cbor(payload)
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def value_at(document: object, path: Sequence[str]) -> Value:
    """The value that a path into maps leads to. Numbers that are not finite are None.

    :raises MalformedError: kind `topic`: there is no value, or it is not a single one.
    """
    at = document
    for i, name in enumerate(path):
        if at is None:
            return None
        if not isinstance(at, dict) or name not in at:
            raise MalformedError("topic", f"the payload has no {'.'.join(path[: i + 1])!r}")
        at = at[name]
    match at:
        case None | bool() | str():
            return at
        case int():
            return at if abs(at) < _EXACT else _finite(at)
        case float():
            return _finite(at)
    raise MalformedError("topic", f"expected a single value at {'.'.join(path)!r}, got {type(at).__name__}")


def _finite(number: float) -> float | None:
    try:
        return float(number) if math.isfinite(number) else None
    except OverflowError:
        return None


def _readable(payload: bytes) -> str | None:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    if not all(c.isprintable() or c in _BLANKS for c in text):
        return None
    return text.strip() or (None if payload else "")  # a single blank is a number in CBOR


def _cbor(payload: bytes) -> object:
    try:
        return decode(payload)
    except MalformedError as e:
        raise MalformedError("topic", f"neither text nor CBOR: {e}") from None
