"""Plays a CSV text on a mock clock, and tells what was reported when."""

from __future__ import annotations

import json
import tempfile
from itertools import count
from pathlib import Path

import trio
from attrs import Factory, define
from rta_transports.csv import CsvOptions, CsvSource, check_source
from trio.testing import MockClock

from rta.ports import CloseSession, Context, OpenSession, Publish, RtaError, SessionBurst
from rta.wire import SampleType, decode_periodic, decode_row, decode_timestamped, read_configuration, read_session

NOW = 1_700_000_000_000_000_000
"""When the mock clock starts, ns since the Unix epoch."""
SECOND = 1_000_000_000


@define
class Reports:
    """A reporter that remembers."""

    malformed_input: list[tuple[str, str, str]] = Factory(list)

    notices: list[tuple[str, str]] = Factory(list)
    """Kind and detail."""

    def malformed(self, source, kind, detail, part=""):
        self.malformed_input.append((source, kind, detail))

    def notice(self, source, kind, detail):
        self.notices.append((kind, detail))

    def count(self, metric, amount=1, **labels): ...

    def gauge(self, metric, amount, **labels): ...


def context_in(folder, report=None):
    return Context("demo", Path(folder), _now, report or Reports())


def _now():
    try:
        return NOW + round(trio.current_time() * 1e9)
    except RuntimeError:  # nothing is played
        return NOW


@define
class Played:
    """What a source reported."""

    updates: list
    moments: list[float]
    """Seconds since the start, one for each update."""
    malformed: list[tuple[str, str]]
    """Kind and detail."""
    error: RtaError | None = None
    notices: list[tuple[str, str]] = Factory(list)
    """Kind and detail, without that of the layout."""

    def of(self, kind):
        return [u for u in self.updates if isinstance(u, kind)]

    @property
    def kinds(self):
        return [kind for kind, _ in self.malformed]

    @property
    def configuration(self):
        return read_configuration(self.of(Publish)[0].text)

    @property
    def opened(self):
        return [read_session(u.json) for u in self.of(OpenSession)]

    @property
    def closed(self):
        return [read_session(u.json) for u in self.of(CloseSession)]

    def items(self):
        """Session number, moment, kind and data of each item."""
        numbers = {}
        for moment, update in zip(self.moments, self.updates, strict=True):
            if isinstance(update, OpenSession):
                numbers[update.identity] = len(numbers)
            if isinstance(update, SessionBurst):
                for item in update.burst.message().data:
                    kind = item.WhichOneof("data")
                    yield numbers[update.identity], moment, kind, getattr(item, kind)

    def samples(self, session=0):
        """Channel to its samples: moment of delivery, timestamp, value, in order of delivery."""
        applications = [a for u in self.of(Publish) for a in json.loads(u.text).values()]
        types = {c["id"]: SampleType(c.get("type", "f64")) for a in applications for c in a.get("channels", ())}
        out = {}
        for number, moment, kind, data in self.items():
            if number != session or kind in ("time_range", "event"):
                continue
            if kind == "row_data":
                for channel, value in decode_row(data, types).items():
                    out.setdefault(channel, []).append((moment, data.timestamp, value))
                continue
            decode = decode_timestamped if kind == "timestamped_data" else decode_periodic
            times, values = decode(data, types[data.channel_id])
            out.setdefault(data.channel_id, []).extend(
                (moment, t, v) for t, v in zip(times.tolist(), values.tolist(), strict=True)
            )
        return out

    def events(self, session=0):
        """Timestamp, name of the event, text; in order of delivery."""
        documents = [read_configuration(u.text) for u in self.of(Publish)]
        names = {e.id: e.desc for d in documents for a in d.applications.values() for e in a.events}
        return [
            (data.timestamp, names[data.event_definition_id], data.status_text)
            for number, _, kind, data in self.items()
            if number == session and kind == "event"
        ]

    def values(self, channel=1, session=0):
        return [value for _, _, value in self.samples(session).get(channel, [])]

    def timestamps(self, channel=1, session=0):
        return [timestamp for _, timestamp, _ in self.samples(session).get(channel, [])]

    def deliveries(self, channel=1, session=0):
        return [round(moment, 9) for moment, _, _ in self.samples(session).get(channel, [])]


def play(text, rounds=None, **options):
    """Play a text (or bytes) to its end, or until so many sessions are closed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, options.setdefault("path", "drive.csv"))
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return play_file(folder, rounds, **options)


def play_file(folder, rounds=None, **options):
    """The same for a file that is there."""
    report = Reports()
    played = Played([], [], [])

    async def main():
        identities = count(1)
        source = CsvSource(CsvOptions(**options), context_in(folder, report), lambda: f"session {next(identities)}")
        async with trio.open_nursery() as nursery:
            send, receive = trio.open_memory_channel(0)
            nursery.start_soon(run, source, send)
            async for update in receive:
                played.moments.append(trio.current_time())
                played.updates.append(update)
                if isinstance(update, CloseSession) and len(played.of(CloseSession)) == rounds:
                    break
            nursery.cancel_scope.cancel()

    async def run(source, send):
        with send:
            try:
                await source.run(send)
            except RtaError as e:
                played.error = e

    trio.run(main, clock=MockClock(autojump_threshold=0))
    played.notices = [(kind, detail) for kind, detail in report.notices if kind != "layout"]
    played.malformed = [(kind, detail) for _, kind, detail in report.malformed_input]
    return played


def problems(text, **options):
    """What the check says of a text, without the folder."""
    with tempfile.TemporaryDirectory() as folder:
        if text is not None:
            Path(folder, "drive.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        options = CsvOptions(**{"path": "drive.csv", **options})
        return [line.replace(folder + "/", "") for line in check_source(options, context_in(folder))]
