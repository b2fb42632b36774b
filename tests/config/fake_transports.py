"""A plug-in with an option of every kind, and others that are broken in one way each."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, define, validators

from rta.ports import Context, Duration, Offer, Size, Transport, option


class Mode(enum.Enum):
    """A mode."""

    FAST = "fast"
    SAFE = "safe"


class Grade(enum.StrEnum):
    """A grade."""

    FINE = "fine"
    COARSE = "coarse"


@define
class Tls:
    """Encryption."""

    certificate: Path = option("The certificate.")
    verify: bool = option("Whether the peer is verified.", True)
    versions: list[Literal["1.2", "1.3"]] = option("Versions.", factory=lambda: ["1.3"])


@define
class Everything:
    """One option of every kind."""

    address: str = option("Where | it is.")
    count: int = option("How many.", 3, validator=validators.and_(validators.ge(0), validators.lt(10)))
    ratio: float = option("Of what.", 0.5, validator=validators.gt(0))
    enabled: bool = option("Whether.", False)
    wait: Duration = option("How long.", Duration(1.5))
    limit: Size = option("How large.", Size(65536))
    rest: Duration | None = option("How long at most.", Duration(86400.0))
    note: str | None = option("A note.", None)
    level: Literal["low", "high"] = option("The level.", "low")
    mode: Mode = option("The mode.", Mode.FAST)
    grade: Grade = option("The grade.", Grade.FINE)
    file: Path = option("A file.", Path("here"))
    names: list[str] = option("Names.", factory=list)
    waits: tuple[Duration, ...] = option("Several.", ())
    kinds: frozenset[str] = option("A set.", factory=frozenset)
    details: dict[str, str | int | float | bool] = option("Anything, by name.", factory=dict)
    either: Literal["auto"] | float = option("A number or auto.", "auto")
    anything: Any = option("Whatever.", None)
    tls: Tls | None = option("Encryption.", None)
    max_connections: int | None = option("Connections.", None, validator=validators.optional(validators.gt(0)))


@define
class Span:
    """Two options that belong together."""

    first: int = option("The first.", 0)
    last: int = option("The last.", 0)

    def __attrs_post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"first is {self.first}; it must not be over last, which is {self.last}")


def _before_last(instance: Any, _: object, value: int) -> None:
    if value > instance.last:
        raise ValueError(f"low is {value}; it must not be over last, which is {instance.last}")


@define
class Ordered:
    """A validator that looks at another option."""

    last: int = option("The last.", 5)
    low: int = option("The lowest.", 0, validator=_before_last)


@define
class Claiming:
    """An option with a key that every source has."""

    stream: str = option("Taken.", "")


@define
class Lazy:
    """An option whose default depends on another."""

    one: int = option("One.", 1)
    two: int = option("Two.", Factory(lambda self: self.one + 1, takes_self=True))


def _not_opened(options: Any, context: Context) -> Any:
    raise AssertionError("loading a configuration opens nothing")


def _check(options: Everything, context: Context) -> list[str]:
    return [f"{context.name}: {options.address} is not there", f"looked in {context.folder}"]


EVERYTHING = Transport(
    source=Offer(Everything, _not_opened, _check), topics=Offer(Everything, _not_opened, _check), summary="does it all"
)
SPAN = Transport(source=Offer(Span, _not_opened))
ORDERED = Transport(source=Offer(Ordered, _not_opened))
CLAIMING = Transport(source=Offer(Claiming, _not_opened))
LAZY = Transport(log=Offer(Lazy, _not_opened), edge=Offer(Lazy, _not_opened))
NO_TRANSPORT = "something else"
