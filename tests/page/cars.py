"""A car whose samples are written to Redis while its session is looked at."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from program import Program, Start

from page.looking import Sample
from rta.wire import Application, Channel, ConfigBinding, Configuration, Conversion, Parameter, SessionModel
from rta.wire.configuration import Tree
from rta.writer import BlockingSession, connect

__all__ = ["SESSION", "SPEED", "Car", "driving", "serve"]

SESSION, SPEED = "car-1", "speed:car"
_SECOND = 1_000_000_000
_CONFIGURATION = Configuration(
    {
        "car": Application(
            tree=Tree(params=[SPEED]),
            parameters=[
                Parameter(SPEED, "Speed", "Its number", conv="one:car", channels=[1], unit="km/h", format="%d")
            ],
            channels=[Channel(1, "Speed", source="timestamped", type="f64")],
            conversions=[Conversion("one:car", unit="km/h")],
        )
    }
)


class Car:
    """Every sample has its number as its value."""

    def __init__(self, session: BlockingSession, began: int, step: int) -> None:
        self._session = session
        self._began = began
        self._step = step
        self.samples: list[Sample] = []
        """What is written, in the order of time."""

    def write(self, numbers: Iterable[int]) -> None:
        """Returns when they are in Redis."""
        new = [Sample(self._began + number * self._step, float(number)) for number in numbers]
        self._session.write(1, [sample.time for sample in new], [sample.value for sample in new])
        self._session.flush()
        self.samples = sorted(self.samples + new)


@contextmanager
def driving(redis: str, *, ago: float, step: float) -> Iterator[Car]:
    """One whose first sample is so many seconds old. `step`: seconds between two samples."""
    began = time.time_ns() - round(ago * _SECOND)
    with connect(redis, stream="car") as writer:
        identifier = _CONFIGURATION.identifier()
        writer.publish(identifier, _CONFIGURATION.write())
        model = SessionModel(SESSION, timestamp="2026-05-04T11:50:55Z", identifier="Run 1")
        model.config_bindings = [ConfigBinding(identifier)]
        with writer.open_session(model) as session:
            yield Car(session, began, round(step * _SECOND))


def serve(start: Start, folder: Path, redis: str, port: int = 0) -> Program:
    """A service that has what is in Redis, and records it. Another one may go on in its place."""
    config = folder / "site.toml"
    config.write_text(
        f'[edge]\nport = {port}\n[buffer]\ntransport = "redis"\nurl = "{redis}"\n'
        '[archive]\ntransport = "sqlite"\npath = "archive"\n'
    )
    program = start("run", "--config", config)
    program.until_streams(SESSION)
    return program
