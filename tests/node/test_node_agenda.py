"""What a node has to do at which time."""

from __future__ import annotations

from datetime import UTC
from fractions import Fraction

from rta.node.node import Node
from rta.node.node_stream import Now
from rta.rsmp.message import PLAIN
from rta.stream.clock import StreamClock
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition, Trigger
from rta.stream.sample import Sample
from rta.wire.values import Ns

SECOND = 1_000_000_000
BEGAN = 1_700_000_000 * SECOND
CAR = StatusDefinition("car.engine", attributes={"rpm": AttributeDefinition("rpm")})


def now(seconds: float) -> Now:
    return Now(Ns(BEGAN + round(seconds * SECOND)), seconds)


def node(**settings: object) -> Node:
    made = Node(UTC)
    made.add_status(CAR)
    made.add(StreamDefinition("car.engine", attributes={"rpm": Trigger.CHANGE}, **settings))
    made.start_defaults(now(0))
    return made


def test_the_agenda_does_not_grow() -> None:
    made = node(update=Ns(3600 * SECOND), min_interval=Ns(SECOND // 10))
    for i in range(2000):
        at = now(i / 20)
        made.feed("car.engine", [Sample(at.wall, "rpm", PLAIN, float(i))], at)
        made.advance(at)
    assert len(made._agenda) <= 8


def test_stream_time_comes_to_an_end_without_a_fault() -> None:
    made = node(update=Ns(3600 * SECOND))
    made.set_clock("car.engine", StreamClock(Ns((1 << 63) - 3 * 3600 * SECOND), now(0).wall, Fraction(100_000)), now(0))
    sent = [made.advance(now(seconds)) for seconds in range(10)]
    assert sum(map(len, sent)) <= 8
    assert sent[-1] == []
