"""What the history receives, besides the turns of the node."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from rta.actors.history_file import Written
from rta.history.delivery import Span
from rta.history.entry import Beginning, Bounds, Key
from rta.inbox import Reply
from rta.node.events import Receipt, Turn

__all__ = [
    "Acked",
    "AskKept",
    "AskOwed",
    "CloseHistory",
    "FileLost",
    "FileOpened",
    "HistoryMessage",
    "JobDone",
    "KeptRead",
    "Owed",
    "Replayed",
    "SettleHistory",
]


@frozen(eq=False)
class Acked:
    """What became of a message: it is done with, or it is owed. One for each receipt."""

    receipt: Receipt
    delivered: bool


@frozen
class Replayed:
    """What a stream owed has been acknowledged up to this position. One a message of a replay."""

    key: Key
    upto: int


@frozen(eq=False)
class FileOpened:
    """The file is open, as it was found."""

    beginning: Beginning


@frozen(eq=False)
class FileLost:
    """The file cannot be used until it is opened again."""


@frozen(eq=False)
class SettleHistory:
    """Answered when all that came before it has gone on."""

    reply: Reply[None]


@frozen(eq=False)
class AskKept:
    """What is kept of each stream. `fresh`: the file is asked, if it answers in time; else as of the last time."""

    fresh: bool
    reply: Reply[Mapping[Key, Bounds]]


@frozen
class Owed:
    """What a stream owes to its replay."""

    span: Span | None
    """The first of it; None: nothing."""
    last: bool = True
    """There is no other span."""


@frozen(eq=False)
class AskOwed:
    """What a stream owes; None: it does not replay, or there is no history now."""

    key: Key
    reply: Reply[Owed | None]


@frozen(eq=False)
class CloseHistory:
    """There is no more: what waits is committed, soon, and nothing goes on any more."""


@frozen(eq=False)
class JobDone:
    """From its own task: what has become of the one thing that was to be written."""

    written: Written


@frozen(eq=False)
class KeptRead:
    """From its own task: what the file keeps; None: it has not told in time."""

    kept: Mapping[Key, Bounds] | None
    reply: Reply[Mapping[Key, Bounds]]


HistoryMessage = (
    Turn
    | Acked
    | JobDone
    | Replayed
    | FileOpened
    | FileLost
    | SettleHistory
    | AskKept
    | KeptRead
    | AskOwed
    | CloseHistory
)
