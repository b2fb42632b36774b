"""The hierarchy of expected errors. A message names the thing, the value and what would be right.

Whatever is not an `RtaError` (or an `OSError` of a known call) is a programming error and ends the process.
"""

from __future__ import annotations

__all__ = [
    "ArchiveError",
    "ConfigError",
    "DamagedFileError",
    "FlushPointError",
    "HistoryError",
    "MalformedError",
    "NotConnectedError",
    "Problem",
    "QueueFullError",
    "RtaError",
    "TransportError",
    "UndeliverableError",
    "UnreadableError",
    "first_error",
    "leaves",
]


class RtaError(Exception):
    """Anything the service expects to go wrong."""


class MalformedError(RtaError):
    """Bytes or text from outside that do not follow the protocol. `kind` is the metrics label."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[MalformedError], tuple[str, str]]:
        return type(self), (self.kind, str(self))


class TransportError(RtaError):
    """A transport could not do what was asked. Each subclass says what the caller may do; none is a case of another."""


class NotConnectedError(TransportError):
    """There is no connection, it was lost, or no answer came. Try again when there is one."""


class QueueFullError(TransportError):
    """There is no room now. Try again when there may be some."""


class UndeliverableError(TransportError):
    """The other side does not take this message or subscription, now or later. Do not try the same again at once."""


class UnreadableError(TransportError):
    """The other side is there, but refuses us or holds what cannot be read. Try again when somebody has mended it."""


class HistoryError(RtaError):
    """The history on disk cannot be used for now, or cannot take this: the disk is full, the file is in use."""


class ArchiveError(RtaError):
    """The archive cannot be used for now, or cannot take this: the disk is full, another process has it."""


class FlushPointError(RtaError):
    """What has been read up to a flush point cannot be told any more from what came behind it. Read it anew."""


class DamagedFileError(RtaError):
    """A file of the state directory is not what was written there, or there is something else in its place."""


class Problem(str):
    """One line about one configuration fault: where it is, what is wrong, what would be right."""

    __slots__ = ()


class ConfigError(RtaError):
    """Every problem of a configuration at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def first_error(error: BaseException) -> RtaError:
    """The first of the expected errors in a group of such, however deep."""
    first = leaves(error)[0]
    assert isinstance(first, RtaError), first
    return first


def leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group, however deep; a single error is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for e in error.exceptions for leaf in leaves(e)]
    return [error]
