"""The subscriber of the streams: a plain socket that keeps what comes and when, and reads it when all is over.

    python -m scripts.bench.streams_sink GATE PORT FILTER DELTAS_AT_ONCE SKIP

It ends when the gate says that there has been enough and nothing comes any more. Samples of the first SKIP seconds
are counted, and not among the latencies. DELTAS_AT_ONCE: how many each moment's change should bring.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import cbor2

from scripts.bench.gate import Gate, Slot
from scripts.bench.streams_load import BESIDE

__all__: list[str] = []

_BESIDE = BESIDE.encode()
_CONNECT = b"\x00\x04MQTT\x05\x02\x00\x00\x00" + b"\x00\x04sink"
_QUIET = 1.0  # seconds after which there is nothing more to come
_CHUNK = 1 << 18
_PUBLISH = 0x30


def _packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes((first, len(body))) + body


def _subscribed(port: int, topics: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.sendall(_packet(0x10, _CONNECT))
    assert sock.recv(1000)[0] == 0x20, "CONNACK"
    sock.sendall(_packet(0x82, b"\x00\x01\x00" + len(topics).to_bytes(2, "big") + topics + b"\x00"))
    return sock


def _record(sock: socket.socket, gate: Gate) -> tuple[list[int], list[bytes]]:
    """When which bytes came, ns since the Unix epoch."""
    times: list[int] = []
    chunks: list[bytes] = []
    sock.settimeout(_QUIET)
    while True:
        try:
            chunk = sock.recv(_CHUNK)
        except TimeoutError:
            if gate[Slot.ENOUGH]:
                return times, chunks
            continue
        if not chunk:
            raise SystemExit("the broker has hung up")
        times.append(time.time_ns())
        chunks.append(chunk)


def _packets(data: bytes) -> Iterator[tuple[int, int, int]]:
    """First byte, and where the body begins and ends."""
    at, size = 0, len(data)
    while at < size:
        first, body, length, shift = data[at], at + 1, 0, 0
        while True:
            byte = data[body]
            length |= (byte & 0x7F) << shift
            body, shift = body + 1, shift + 7
            if not byte & 0x80:
                break
        at = body + length
        yield first, body, at


class _Received:
    """What the messages say."""

    def __init__(self) -> None:
        self.messages = self.changes = self.gaps = 0
        self.late = array("d")  # ms
        self._late_in: dict[int, array[float]] = {}  # by second
        self.late_beside = array("d")
        self._beside_in: dict[int, array[float]] = {}
        self._values: dict[bytes, float | None] = {}
        self._seq: dict[bytes, int] = {}
        self._last_of: dict[float, list[float]] = {}  # by moment in us: how many, and ms until the last

    def take(self, topic: bytes, payload: bytes, came: int, since: float) -> None:
        """`came` in ns; changes due from `since` on (us) count for the latencies."""
        (entry,) = cbor2.loads(payload)["entries"]
        (value,) = entry["values"].values()
        self.messages += 1
        seq = entry["seq"]
        self.gaps += max(seq - self._seq.get(topic, seq - 1) - 1, 0)
        self._seq[topic] = seq
        if value is None or value == self._values.get(topic):
            return  # a full update of what was known
        self._values[topic] = value
        self.changes += 1
        late = (came / 1000 - value) / 1000
        if value >= since:
            self.late.append(late)
            self._late_in.setdefault(int(value // 1e6), array("d")).append(late)
            if _BESIDE in topic:
                self.late_beside.append(late)
                self._beside_in.setdefault(int(value // 1e6), array("d")).append(late)
        moment = self._last_of.setdefault(value, [0, 0.0])
        moment[0] += 1
        moment[1] = max(moment[1], late)

    def figures(self, at_once: int, since: float) -> dict[str, Any]:
        last = [ms for moment, (count, ms) in self._last_of.items() if moment >= since and count == at_once]
        return {
            "messages": self.messages,
            "changes": self.changes,
            "gaps": self.gaps,
            **_quantiles("", self.late),
            "second_p99": _median_p99(self._late_in),
            **_quantiles("beside_", self.late_beside),
            "beside_second_p99": _median_p99(self._beside_in),
            **_quantiles("last_", last),
            "partial": sum(count != at_once for count, _ in self._last_of.values()),
        }


def _median_p99(late: Mapping[int, Sequence[float]]) -> float:
    """Of the median second: what the machine's other work does to single seconds does not count."""
    return statistics.median([_quantiles("", of_second)["p99"] for of_second in late.values()] or [0.0])


def _quantiles(prefix: str, values: Sequence[float]) -> dict[str, float]:
    found = sorted(values) or [0.0]
    return {
        f"{prefix}p50": statistics.median(found),
        f"{prefix}p99": found[min(len(found) - 1, len(found) * 99 // 100)],
        f"{prefix}worst": found[-1],
    }


def main() -> None:
    path, port, topics, at_once, skip = sys.argv[1:]
    gate = Gate(Path(path))
    sock = _subscribed(int(port), topics.encode())
    print("READY", flush=True)
    times, chunks = _record(sock, gate)
    cpu = time.process_time()
    ends = list(accumulate(map(len, chunks)))
    data = b"".join(chunks)
    since = gate[Slot.BEGUN] / 1000 + float(skip) * 1e6
    received = _Received()
    for first, begin, end in _packets(data):
        if first & 0xF0 == _PUBLISH:
            payload = begin + 2 + int.from_bytes(data[begin : begin + 2], "big")
            # Behind the topic stands the length of the properties, of which there are none.
            came = times[bisect_right(ends, end - 1)]
            received.take(data[begin + 2 : payload], data[payload + 1 : end], came, since)
    figures = received.figures(int(at_once), since)
    print(json.dumps({**figures, "chunks": len(chunks), "reading": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
