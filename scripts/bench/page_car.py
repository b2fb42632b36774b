"""A car for the page to look at: `URL CHANNELS RATE HISTORY`, run as a process of its own.

One session, `bench-1`: first its past, as quickly as it can be written, then 20 bursts a second as time goes on. `RATE`
in Hz; `HISTORY` in seconds. A line tells when the past is written.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from rta.wire import (
    Application,
    Channel,
    ChannelId,
    ConfigBinding,
    Configuration,
    Conversion,
    Parameter,
    SampleType,
    SessionModel,
    TimeRange,
    encode_periodic,
    pack_items,
)
from rta.wire.configuration import Tree
from rta.writer import BlockingSession, connect

_SECOND = 10**9
_ONE = "one:bench"
_AT_ONCE = 10  # seconds in a burst of the past
_PAUSE = 0.05  # seconds between bursts


def _configuration(channels: int, interval: int) -> Configuration:
    numbers = range(1, channels + 1)
    names = {k: f"p{k}" for k in numbers}
    parameters = [
        Parameter(f"{name}:bench", name, name, conv=_ONE, channels=[k], unit="km/h", format="%.2f", min=-3, max=3)
        for k, name in names.items()
    ]
    sampled = [Channel(k, names[k], source="periodic", interval=interval, type="f64") for k in numbers]
    tree = Tree(params=[parameter.id for parameter in parameters])
    return Configuration(
        {
            "bench": Application(
                tree=tree, parameters=parameters, channels=sampled, conversions=[Conversion(_ONE, unit="km/h")]
            )
        }
    )


def _write(session: BlockingSession, channels: int, began: int, interval: int, first: int, behind: int) -> None:
    """Slow waves with noise: samples of these numbers, of every channel, in as few bursts as they fit into."""
    numbers = np.arange(first, behind)
    slower = 1 + np.arange(1, channels + 1)[:, None] / 10
    noise = np.random.default_rng(first).normal(0, 0.1, (channels, len(numbers)))
    values = np.sin(numbers * (interval / _SECOND) / slower) + noise
    start = began + first * interval
    data = [encode_periodic(ChannelId(k), start, interval, row, SampleType.F64) for k, row in enumerate(values, 1)]
    for burst in pack_items(data, TimeRange(start, began + (behind - 1) * interval)):
        session.write_burst(burst)
    session.flush()


def main(url: str, channels: int, rate: float, history: float) -> None:
    """Until it is terminated."""
    interval = round(_SECOND / rate)
    began = time.time_ns() - round(history * _SECOND)
    with connect(url, stream="bench") as writer:
        configuration = _configuration(channels, interval)
        identifier = configuration.identifier()
        writer.publish(identifier, configuration.write())
        model = SessionModel("bench-1", timestamp="2026-05-04T11:50:55Z", identifier="Bench")
        model.config_bindings = [ConfigBinding(identifier)]
        with writer.open_session(model) as session:
            written, told = 0, False
            while True:
                due = (time.time_ns() - began) // interval
                behind = min(due, written + round(_AT_ONCE * rate))
                if behind > written:
                    _write(session, channels, began, interval, written, behind)
                written = behind
                if behind < due:
                    continue
                if not told:
                    print("written", flush=True)
                    told = True
                time.sleep(_PAUSE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
