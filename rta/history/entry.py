"""An entry of a stream's history as it is given to the store, and as it comes back; what there is. Plain values."""

from __future__ import annotations

from typing import NamedTuple

from attrs import frozen

from rta.wire.values import Ns

__all__ = ["Beginning", "Bounds", "Key", "KeptEntry", "Retention", "NewEntry"]

Key = tuple[str, str]
"""The code of a status, and the name of the stream (empty: the unnamed one)."""


NewEntry = tuple[Key, int, Ns, int, bytes]
"""An entry that is to be kept: its stream, its position, which rises over all streams of the node, its stream time, its
number, and its values, a CBOR map."""


class KeptEntry(NamedTuple):
    """An entry that is kept."""

    pos: int
    ts: Ns
    seq: int
    values: bytes
    """A CBOR map."""
    next_ts: Ns | None
    """`ts` of the stream's next kept entry in recording order; None: there is none."""


@frozen
class Bounds:
    """What is kept of a stream, in recording order."""

    first: int
    """Position of the oldest entry."""
    last: int
    """Position of the newest."""
    count: int
    oldest: Ns
    """`ts` of the oldest entry."""
    newest: Ns
    """`ts` of the newest."""
    seq: int
    """Of the newest entry."""


@frozen
class Retention:
    """How much of a stream is kept at the most."""

    entries: int
    before: Ns
    """Stream time: what is older goes, from the oldest entry on up to the first that is not older."""


class Beginning(NamedTuple):
    """The history as it was opened."""

    last: int
    """The greatest position ever used."""
    mark: bytes
    kept: dict[Key, Bounds]
    """Of all streams that have entries."""
