"""Entries with hostile session JSON on another stream: many empty objects, keys, brackets, a long text, much in all."""

from __future__ import annotations

import json
from collections.abc import Callable

from rta.wire import json_item, make_burst
from scripts.attacks.stage import Attack, Stage
from scripts.attacks.stage.crowd import UPGRADE, Crowd
from scripts.bench.redis_server import session_commands

__all__ = ["ATTACK"]

_WHO, _STREAM, _ID = "hostile", "hostile", 3
_SUBSCRIBE = b"\x82\x86" + bytes(4) + b"\x12\x04\x08\x01\x10\x01"  # StreamRequest: all channels and events


def _session(more: str) -> str:
    return json.dumps({"identity": _WHO, "state": "open"})[:-1] + more + "}"


def _parameters() -> str:
    """What an honest session of 60 000 parameters may say of them."""
    return json.dumps(
        [
            {"id": f"p{i}:app", "name": f"Parameter {i}", "unit": "km/h", "min": 0.0, "max": 100.0, "channel": i}
            for i in range(60_000)
        ]
    )


_KINDS: dict[str, Callable[[], str]] = {
    "objects, 15 MB": lambda: _session(',"x":[' + "{}," * 5_000_000 + "{}]"),
    "keys, 14 MB": lambda: _session("".join(f',"{i:x}":0' for i in range(1_400_000))),
    "depth, 14 MB": lambda: _session(',"x":' + "[" * 7_000_000 + "]" * 7_000_000),
    "a text, 15 MB": lambda: _session(',"x":"' + "x" * 15_000_000 + '"'),
    "within the limits": lambda: _session(',"x":[' + "{}," * 480_000 + "{}]"),
    "60 000 parameters": lambda: _session(',"extDetails":{"parameters":' + _parameters() + "}"),
    "objects, 60 kB": lambda: _session(',"x":[' + "{}," * 20_000 + "{}]"),
}


def _strike(stage: Stage) -> None:
    redis = stage.redis.conversation
    redis.ask_all(session_commands(_WHO, _ID, _STREAM))
    crowd = Crowd(stage.service.port)
    crowd.join(1, UPGRADE.replace(b"bench-1", _WHO.encode()) + _SUBSCRIBE)
    for kind, text in _KINDS.items():
        same = text()[:-1]
        entries = [make_burst([json_item(f'{same},"n":{n}}}')]).packed for n in range(stage.sizes.count)]
        stage.say(f"{kind}: {len(entries[0])} bytes packed")
        stage.stretch(kind)
        for packed in entries:
            redis.ask("XADD", f"stream:{_STREAM}", "*", "id", _ID, "data", packed)
        crowd.listen(stage.sizes.seconds)
        stage.stretch("after it")
        crowd.listen(stage.sizes.quiet)
    crowd.leave()


ATTACK = Attack(strike=_strike, count=10, counts="Entries of each kind, at once.", seconds=6)
