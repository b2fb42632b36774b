"""Tokens that have been looked at: right ones with whose they are, wrong ones with why. Bounded; holds no token."""

from __future__ import annotations

from typing import TypeVar

from attrs import define, field, frozen

from rta.ports.access import NotAdmitted, Subject

__all__ = ["KnownTokens", "WrongToken"]

T = TypeVar("T")

_MOST = 10_000  # of each kind


@frozen
class WrongToken:
    """Why a token is refused. An error is made of it anew each time: one that is raised again grows."""

    why: str
    reason: str
    challenge: str | None

    @classmethod
    def of(cls, error: NotAdmitted) -> WrongToken:
        """What an error says."""
        return cls(str(error), error.reason, error.challenge)

    def error(self) -> NotAdmitted:
        """To be raised."""
        return NotAdmitted(401, self.why, self.reason, self.challenge)


@define
class KnownTokens:
    """What is known by the SHA-256 of a token. Of each kind the oldest go, so that wrong ones push out no right one."""

    right: dict[bytes, Subject] = field(factory=dict, repr=False)
    wrong: dict[bytes, WrongToken] = field(factory=dict, repr=False)

    def add_right(self, digest: bytes, subject: Subject) -> None:
        _put(self.right, digest, subject)

    def add_wrong(self, digest: bytes, refusal: WrongToken) -> None:
        _put(self.wrong, digest, refusal)

    def clear(self) -> None:
        """Forget all: there are other keys."""
        self.right.clear()
        self.wrong.clear()


def _put(kept: dict[bytes, T], digest: bytes, value: T) -> None:
    if len(kept) >= _MOST:
        del kept[next(iter(kept))]
    kept[digest] = value
