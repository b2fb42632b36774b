"""Data of a recorded session: floods of ranges, readers that take nothing, and requests that nobody can mean."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import Crowd
from scripts.bench.archive_session import BEGIN, write_session

__all__ = ["ATTACK"]

_CHANNELS, _SECONDS = 200, 300
_SESSION = "/rta/v2/sessions/recorded"
_AHEAD = 50  # requests of a connection
_LAST = (1 << 63) - 1


def _prepare(stage: Stage) -> str:
    archive = stage.folder / "archive"
    write_session(archive, "recorded", _CHANNELS, _SECONDS)
    return f'[archive]\npath = "{archive}"\n'


class _Reader(threading.Thread):
    """Asks for a range of one channel twice a second, from an address that nobody else has."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._over = threading.Event()
        self.answers: list[tuple[int, float]] = []
        """Status and seconds; 0: there was none, or not a whole one."""

    def run(self) -> None:
        path = f"{_SESSION}/data/timestamped/1?start={BEGIN}&end={BEGIN + 10**10}"
        while not self._over.wait(0.5):
            began, status = time.monotonic(), 0
            connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
            try:
                connection.request("GET", path, headers={"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                pass
            finally:
                connection.close()
            self.answers.append((status, time.monotonic() - began))

    def told(self, what: str) -> str:
        """What it was answered since it was asked last."""
        found, self.answers = self.answers, []
        statuses = ", ".join(f"{status} {n} times" for status, n in sorted(Counter(s for s, _ in found).items()))
        return f"an honest reader, {what}: {statuses}; the slowest in {max((s for _, s in found), default=0):.2f} s"

    def end(self) -> None:
        self._over.set()
        self.join()


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1")


def _ranges() -> bytes:
    """Any channels, any time."""
    asked = []
    for _ in range(_AHEAD):
        start = BEGIN + random.randrange(_SECONDS) * 10**9
        channels = random.choice(["-", "1-40", f"{random.randrange(1, _CHANNELS):X}", "1,3,5,7,9"])
        asked.append(_request(f"{_SESSION}/data/timestamped/{channels}?start={start}&end={start + 10**11}"))
    return b"".join(asked)


def _strike(stage: Stage) -> None:
    reader = _Reader(stage.service.port)
    reader.start()
    time.sleep(2)
    stage.say(reader.told("before"))
    for name, first, reads in (
        ("ranges", _ranges(), True),
        ("overviews", _request(f"{_SESSION}/overview/-?points=5000") * _AHEAD, True),
        ("slow readers", _request(f"{_SESSION}/data/timestamped/-"), False),
    ):
        crowd = Crowd(stage.service.port, reads=reads)
        stage.stretch(name)
        crowd.join(stage.sizes.count, first)
        crowd.listen(stage.sizes.seconds)
        said = f"{len(crowd)} open at the end, {crowd.ended} ended by the service"
        stage.say(f"{name}: {said}, {crowd.received >> 20} MiB received")
        crowd.leave()
        stage.say(reader.told(name))
        stage.stretch("after it")
        time.sleep(stage.sizes.quiet / 2)
    stage.stretch("hostile")
    stage.say(f"hostile requests: {_ask_hostile(stage.service.port)}")
    stage.say(reader.told("then"))
    reader.end()


def _ask_hostile(port: int) -> str:
    """How many were answered with which status; 0: not at all."""
    statuses: Counter[int] = Counter()
    odd = []
    for target in _hostile():
        with socket.create_connection(("127.0.0.1", port), 20) as sock:
            sock.sendall(_request(target).replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"))
            head = sock.recv(64)
        status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/1.1 ") else 0
        statuses[status] += 1
        if status == 0 or status >= 500:
            odd.append(f"{status}: {target[:100]}")
    return ", ".join(f"{status} {n} times" for status, n in sorted(statuses.items())) + "".join(f"\n  {o}" for o in odd)


def _hostile() -> Iterator[str]:
    names = ["a%2Fb", "..", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", "%00", "a%00b", "%25", "%", "%zz", "%ff", "%C3"]
    names += ["%ED%A0%80", "%F0%9F%98%80", "x" * 4000, ";DROP", "'", "%27%20OR%201=1", "%0d%0aX:1", "\xff", "-", "*"]
    for name in names:
        session = f"/rta/v2/sessions/{name}"
        yield from (session, f"{session}/data/events", f"{session}/data/timestamped/-", f"{session}/overview/-",
                    f"{session}/export", f"{session}/recording", f"/rta/v2/configs/{name}",
                    f"/rta/v2/session-folders/{name}", f"/rta/v2/session-metamodel?folder={name}",
                    f"{_SESSION}/data/timestamped/{name}", f"{_SESSION}/data/{name}/1",
                    f"{_SESSION}/export?parameters={name}&format={name}",
                    f"/rta/v2/entries?after={name}")  # fmt: skip
    numbers = (0, 1, -1, _LAST, _LAST + 1, -_LAST, 1 << 64, "1e9", "0x1", "", "9" * 5000, "+1", "%D9%A1", "1_0")
    for number in numbers:
        for place in ("start", "end", "points", "pageSize", "pageIndex", "upto"):
            yield f"{_SESSION}/overview/-?{place}={number}"
            yield f"{_SESSION}/data/timestamped/-?{place}={number}&end={number}"
            yield f"/rta/v2/sessions?{place}={number}"
    deep = '{"$not":' * 5000 + "{}" + "}" * 5000
    lists = '{"a":{"$in":' + "[" * 20_000
    wide = json.dumps({"$or": [{"a": {"$contains": "x" * 9}} for _ in range(900)]})
    for query in (deep, lists, wide, "[]", "1", '"', '{"a":{}}', '{"a":{"$in":1}}', '{"a":{"$gt":[]}}', '{"a":NaN}',
                  '{"a":1e999}', '{"a":"\\ud800"}', '{"a":' + "9" * 10_000 + "}"):  # fmt: skip
        yield f"/rta/v2/sessions?query={quote(query)}"
    yield from (f"{_SESSION}/data/timestamped/" + ",".join(["1-2"] * n) for n in (2048, 2049, 16_000))
    yield f"{_SESSION}/data/timestamped/FFFFFFFF,0-FFFFFFFF,123456789"
    yield "/rta/v2/sessions?" + "&".join(["sort=a:asc"] * 5000)


ATTACK = Attack(
    strike=_strike, count=1000, counts="Connections of each kind.", seconds=15, prepare=_prepare,
    edge={"stall_timeout": 10.0},
)  # fmt: skip
