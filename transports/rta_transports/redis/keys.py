"""The names of everything in Redis. Source: docs/redis.md, "What is in Redis". What begins with `rta:` is ours."""

from __future__ import annotations

import re

from attrs import frozen

__all__ = ["SESSION_COUNTER", "STREAMS", "Keys", "encoded", "text"]

STREAMS = b"streams"
"""A set: the names of all streams."""

SESSION_COUNTER = b"lastStreamSessionId"

_GLOB = re.compile(rb"([\\*?\[\]])")


def encoded(name: str) -> bytes:
    """A name as it is written in Redis; `text` is the inverse, whatever the bytes."""
    return name.encode("utf-8", "surrogateescape")


def text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@frozen
class Keys:
    """Keys for a setting of `session_key`."""

    session_key: str = "sessions:<identity>"

    @staticmethod
    def stream(name: str) -> bytes:
        """The entries of a stream."""
        return b"stream:" + encoded(name)

    @staticmethod
    def beside_stream(name: str, what: str) -> bytes:
        """A key of ours that a Cluster keeps on the same node as the stream."""
        key = Keys.stream(name)
        start = key.find(b"{")
        end = key.find(b"}", start + 1) if start >= 0 else -1
        tag = key[start + 1 : end] if end > start + 1 else key
        if b"}" in tag or not tag:
            return b"rta:" + encoded(what) + b":" + key  # no tag holds a brace: only a Cluster would mind
        return b"rta:" + encoded(what) + b":{" + tag + b"}:" + encoded(name)

    @staticmethod
    def claim(name: str) -> bytes:
        """Who records a stream."""
        return Keys.beside_stream(name, "recorder")

    @staticmethod
    def configuration(identifier: str) -> bytes:
        """A configuration document."""
        return b"rta:config:" + encoded(identifier)

    def session(self, identity: str) -> bytes:
        """A session's hash."""
        before, after = self._around
        return before + encoded(identity) + after

    @property
    def all_sessions(self) -> bytes:
        """The pattern that matches every session's hash."""
        return b"*".join(_GLOB.sub(rb"\\\1", part) for part in self._around)

    def identity(self, key: bytes) -> str:
        """The identity in a session's key."""
        before, after = self._around
        return text(key[len(before) : len(key) - len(after)])

    @property
    def _around(self) -> tuple[bytes, bytes]:
        before, _, after = self.session_key.partition("<identity>")
        return encoded(before), encoded(after)
