"""Stories of a status and its streams: what is defined, and what happens when, at any pace and in any order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from attrs import evolve, frozen
from hypothesis import strategies as st

from rta.rsmp.message import PLAIN, Component, Value
from rta.stream.definition import Aggregate, AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.wire.values import Ns

from .naive import MS

SECOND = 1000 * MS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@frozen
class Scale:
    """How fast a story goes: what is a reasonable span for everything in it."""

    step: int
    updates: tuple[int, ...]
    deltas: tuple[int, ...]
    min_intervals: tuple[int, ...]
    ages: tuple[int, ...]
    lateness: tuple[int, ...]


QUICK = Scale(
    step=100 * MS,
    updates=(SECOND, 2 * SECOND, 5 * SECOND),
    deltas=(500 * MS, SECOND, 2 * SECOND),
    min_intervals=(0, 0, 200 * MS, 1500 * MS),
    ages=(SECOND, 2500 * MS),
    lateness=(0, 300 * MS, SECOND),
)
SLOW = Scale(
    step=10 * MINUTE,
    updates=(15 * MINUTE, HOUR, HOUR, 2 * HOUR, 6 * HOUR, 24 * HOUR),
    deltas=(15 * MINUTE, HOUR),
    min_intervals=(0, 0, 20 * MINUTE, 2 * HOUR),
    ages=(HOUR, 4 * HOUR),
    lateness=(SECOND, 20 * MINUTE, 90 * MINUTE),
)

CHANGES_OF_THE_CLOCK = [
    ("UTC", "2026-03-01T23:00"),
    ("America/Chicago", "2026-03-08T00:30"),
    ("America/Chicago", "2026-11-01T00:10"),
    ("Europe/Copenhagen", "2026-03-29T00:00"),
    ("Europe/Copenhagen", "2026-10-25T00:40"),
    ("America/Sao_Paulo", "2017-10-14T22:00"),
    ("America/Sao_Paulo", "2018-02-17T21:30"),
    ("America/Havana", "2025-11-01T22:50"),
    ("Australia/Lord_Howe", "2026-04-04T13:40"),
    ("Asia/Kathmandu", "2026-01-01T23:30"),
]


@frozen
class Act:
    """Something happens, `steps` after what happened before."""

    steps: float
    kind: Literal["take", "start", "stop", "reconnected"]
    stream: int = 0
    samples: tuple[tuple[int, float, Value], ...] = ()
    """Which source, how many steps ago, what."""


@frozen
class Story:
    zone: tzinfo
    begin: int
    step: int
    status: StatusDefinition
    streams: tuple[StreamDefinition, ...]
    acts: tuple[Act, ...]

    @property
    def sources(self) -> list[tuple[str, Component]]:
        return [(name, c) for name, attribute in self.status.attributes.items() for c in attribute.components]


steps = st.sampled_from([0.01, 0.1, 0.49, 1, 1, 2, 3, 5, 10, 10, 31, 100])


def some(options: Sequence[int]) -> st.SearchStrategy[Ns]:
    return st.sampled_from(options).map(Ns)


@st.composite
def statuses(draw: st.DrawFn, scale: Scale) -> StatusDefinition:
    attribute = st.builds(
        AttributeDefinition,
        st.just(""),
        st.sampled_from([(PLAIN,), (PLAIN,), (Component("sg/1"), Component("sg/2"))]),
        st.sampled_from([None, None, 0, 1]),
        st.none() | some(scale.ages),
    )
    drawn = draw(st.lists(attribute, min_size=draw(st.integers(1, 3)), max_size=3))
    named = {name: evolve(a, name=name) for name, a in zip("abc", drawn, strict=False)}
    return StatusDefinition("plant.x", "", named)


@st.composite
def update_streams(draw: st.DrawFn, status: StatusDefinition, scale: Scale, name: str) -> StreamDefinition:
    names = draw(st.lists(st.sampled_from(list(status.attributes)), min_size=1, unique=True))
    way = draw(st.sampled_from(["change", "change", "interval", "off"]))
    return StreamDefinition(
        code=status.code,
        name=name,
        attributes={n: draw(st.sampled_from([Trigger.CHANGE, Trigger.CHANGE, Trigger.ALONG])) for n in names},
        update=draw(st.none() | some(scale.updates)),
        on_change=way == "change",
        delta=draw(some(scale.deltas)) if way == "interval" else None,
        min_interval=draw(some(scale.min_intervals)) if way == "change" else Ns(0),
        first_known=draw(st.booleans()),
        first_within=draw(some(scale.ages)),
    )


@st.composite
def window_streams(draw: st.DrawFn, status: StatusDefinition, scale: Scale, name: str) -> StreamDefinition:
    choice = st.sampled_from(list(status.attributes))
    plain, combined = draw(st.lists(choice, unique=True)), draw(st.lists(choice, min_size=1, unique=True))
    kinds = st.lists(st.sampled_from(list(Aggregate)), min_size=1, unique=True).map(tuple)
    return StreamDefinition(
        code=status.code,
        name=name,
        attributes={n: draw(st.sampled_from(list(Trigger))) for n in plain},
        aggregates={n: draw(kinds) for n in combined},
        update=draw(some(scale.updates)),
        on_change=False,
        lateness=draw(some(scale.lateness)),
        empty_sum=draw(st.sampled_from([None, 0])),
    )


@st.composite
def stories(draw: st.DrawFn, *, windows: bool, calm: bool = False, ahead: bool = False) -> Story:
    """`calm`: all begin at the beginning, and samples come at their moment; `ahead`: some come before."""
    scale = draw(st.sampled_from([QUICK, SLOW]))
    zone, begin = draw(st.sampled_from(CHANGES_OF_THE_CLOCK))
    status = draw(statuses(scale))
    kind = window_streams if windows else update_streams
    streams = [draw(kind(status, scale, name)) for name in "xyz"[: draw(st.integers(1, 3))]]
    numbers = st.sampled_from([0, 1, 2, 2.04, 2.06, -3.5, 7, 7, math.nan])
    values: st.SearchStrategy[Value] = numbers if windows else numbers | st.sampled_from([None, "stop", "go"])
    sources = sum(len(a.components) for a in status.attributes.values())
    ago = [0.0] if calm else [0, 0, 0, 0.01, 0.5, 0.99, 1, 2, 3, 7, 20, *([-0.01, -0.5, -5] if ahead else [])]
    sample = st.tuples(st.integers(0, sources - 1), st.sampled_from(ago), values)
    take = st.builds(Act, steps, st.just("take"), samples=st.lists(sample, max_size=6).map(tuple))
    which = st.integers(0, len(streams) - 1)
    other = st.builds(Act, steps, st.sampled_from(["start", "start", "stop", "reconnected"]), stream=which)
    starts = [Act(0, "start", i) for i in range(len(streams)) if calm or draw(st.integers(0, 3))]
    happening = take if calm else st.one_of(take, take, take, other)
    happenings = draw(st.lists(happening, min_size=draw(st.sampled_from([0, 5, 15])), max_size=25))
    begin_ns = int(datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND
    return Story(ZoneInfo(zone), begin_ns, scale.step, status, tuple(streams), (*starts, *happenings))
