"""The kind of a store: its name in messages, its errors, and the module that has it open."""

from __future__ import annotations

from attrs import frozen

from rta.errors import RtaError

__all__ = ["StoreKind"]


@frozen
class StoreKind:
    """What is different between stores."""

    name: str
    """As people read it: `the history /var/lib/rta/history.sqlite`."""
    error: type[RtaError]
    """It cannot be used for now, or cannot take this."""
    lost: type[RtaError]
    """Its process is gone, and nobody knows whether it has done what was asked last. A subclass of `error`."""
    module: str
    """What is run to have it open: see `rta.store.process`."""
    answers: tuple[type[RtaError], ...] = ()
    """Errors besides `error` that what is asked of it may raise."""
