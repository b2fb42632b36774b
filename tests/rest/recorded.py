"""A site that records: sessions in an archive, in a buffer, or in both."""

from __future__ import annotations

import json
from typing import Any

from archive.plain_archive import PlainArchive
from rta_transports.memory.log import MemoryLog

from rta.health import Health
from rta.ports import Entry, FlushPoint, Portion, Position, SessionRecord
from rta.rest import Service, make_app
from rta.wire import ChannelId, DataKind, Event, SampleType, data_item, encode_timestamped, json_item, make_burst
from rta.wire.burst import RowData
from rta.wire.chunks import ChunkParser, read_chunk

from .asgi import Answer, App

DATA = "/rta/v2/sessions/car/data"
SECOND = 10**9


async def no_metrics() -> bytes:
    return b""


def session_json(identity: str, state: str = "open") -> str:
    return json.dumps(
        {"identity": identity, "state": state, "timestamp": "2026-01-01T00:00:00Z", "identifier": identity.upper()}
    )


class RecordedSite:
    """Its session `car` has channels 1 and A0, one sample each second; events; and rows of channels 7 and 8."""

    def __init__(self, archive: Any = None) -> None:
        self.archive = PlainArchive() if archive is None else archive
        self.buffer = MemoryLog(1 << 20, lambda: SECOND)
        self.counted: dict[str, float] = {}

    def app(self, **changes: Any) -> App:
        return make_app(self.service(**changes))

    def service(self, **changes: Any) -> Service:
        parts: dict[str, Any] = {
            "buffer": self.buffer,
            "archive": self.archive,
            "report": self,
            "health": Health(),
            "metrics": no_metrics,
        }
        return Service(label="site", description="", host="", **parts | changes)

    async def record(
        self, *seconds: int, state: str = "open", identity: str = "car", session_id: int = 3
    ) -> FlushPoint:
        """Have the samples of these seconds recorded; the flush point from then on."""
        entries = [Entry(Position(1, 0), session_id, make_burst([json_item(session_json(identity, state))]))]
        for s in seconds:
            items = [
                *(
                    data_item(encode_timestamped(ChannelId(c), [s * SECOND], [s + c / 100], SampleType.F64))
                    for c in (1, 0xA0)
                ),
                data_item(Event(event_definition_id=1, app_name="Car", timestamp=s * SECOND, raw_data=[1.0])),
                data_item(RowData(channel_ids=[7, 8], timestamp=s * SECOND, buffer=bytes(16))),
            ]
            entries.append(Entry(Position(1000 + s, 0), session_id, make_burst(items)))
        upto = entries[-1].position
        if state == "closed":
            upto = Position(9000, session_id)
            entries.append(Entry(upto, session_id, make_burst([json_item(session_json(identity, state))])))
        await self.archive.append(Portion("live", entries, {session_id: (identity, Position(0, 0))}, upto))
        return FlushPoint("live", session_id, upto)

    async def open(self, identity: str = "car") -> SessionRecord:
        """Have the session in the buffer only."""
        record = await self.buffer.open_session(identity, "live")
        await self.buffer.append(record, make_burst([json_item(session_json(identity))]))
        return record

    # ---- as a reporter

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        self.counted[metric] = self.counted.get(metric, 0) + amount


def times(answer: Answer, kind: DataKind = DataKind.TIMESTAMPED) -> dict[tuple[int, ...], list[int]]:
    """The seconds of the samples in an answer, by channels. The answer has to be a whole one."""
    assert answer.whole
    parser = ChunkParser(kind)
    found: dict[tuple[int, ...], list[int]] = {}
    for chunk in parser.feed(answer.body):
        for item in read_chunk(chunk):
            at = found.setdefault(chunk.channels, [])
            if kind is DataKind.TIMESTAMPED:
                now = item.start_timestamp
                for delta in item.timestamp_deltas:
                    now += delta * item.timestamp_deltas_scale
                    at.append(now // SECOND)
            else:
                at.append(item.timestamp // SECOND)
    parser.end()
    return found
