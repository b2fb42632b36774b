"""Publish ready payloads for some time, by our topic bus or by paho with its own thread, and say how many went.

    python -m scripts.bench.streams_publish rta|paho PORT QOS IN_FLIGHT SIZE SECONDS

Messages are acknowledged (QoS 1) or handed to the network (QoS 0) before more than IN_FLIGHT others follow. The time
ends when one last message of QoS 1 is acknowledged: by then the broker has read all before it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import trio
from attrs import frozen

from rta.errors import TransportError
from rta.hot_counters import HotCounters
from rta.logs import set_up_logging
from rta.metrics import Metrics
from rta.ports import Context, Qos, load_transport
from rta.wakeup import Wakeup

__all__: list[str] = []

_TOPICS = [f"bench/status/alone/{i}" for i in range(1000)]
_CALLS = 100  # between looks at the time


@frozen
class _Job:
    port: int
    qos: Literal[0, 1]
    in_flight: int
    payload: bytes
    seconds: float


async def _ours(job: _Job) -> dict[str, Any]:
    offer = load_transport("mqtt").topics
    assert offer is not None
    options = offer.options(port=job.port, in_flight=job.in_flight)
    context = Context("bench", Path.cwd(), time.time_ns, Metrics(HotCounters(), dict))
    async with offer.open(options, context) as bus, bus.connect("bench-rta"):
        await bus.link()
        sent = settled = refused = 0
        room = Wakeup()

        def done(error: TransportError | None) -> None:
            nonlocal settled, refused
            settled += 1
            refused += error is not None
            if sent - settled <= job.in_flight // 2:
                room.set()

        qos: Qos = job.qos
        began, cpu = time.perf_counter(), time.process_time()
        until = began + job.seconds
        while time.perf_counter() < until:
            for topic in _TOPICS[sent % 1000 :][: min(_CALLS, job.in_flight - (sent - settled))]:
                bus.send(topic, job.payload, qos=qos, done=done)
                sent += 1
            while sent - settled >= job.in_flight:
                await room.wait()
        while settled < sent:
            await trio.sleep(0.0005)
        await bus.publish(_TOPICS[0], job.payload, qos=1)
        return _figures(sent, refused, began, cpu)


def _paho(job: _Job) -> dict[str, Any]:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    client = Client(CallbackAPIVersion.VERSION2, "bench-paho", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(job.in_flight)
    up, room = threading.Event(), threading.Semaphore(job.in_flight)
    client.on_connect = lambda *_: up.set()
    client.on_publish = lambda *_: room.release()
    client.connect("127.0.0.1", job.port)
    client.loop_start()
    up.wait(10)
    sent = 0
    began, cpu = time.perf_counter(), time.process_time()
    until = began + job.seconds
    while time.perf_counter() < until:
        for topic in _TOPICS[sent % 1000 :][:_CALLS]:
            room.acquire()
            client.publish(topic, job.payload, job.qos)
            sent += 1
    for _ in range(job.in_flight):
        room.acquire()
    client.publish(_TOPICS[0], job.payload, 1)
    room.acquire()
    figures = _figures(sent, 0, began, cpu)
    client.disconnect()
    client.loop_stop()
    return figures


def _figures(sent: int, refused: int, began: float, cpu: float) -> dict[str, Any]:
    seconds = time.perf_counter() - began
    return {"messages": sent, "refused": refused, "seconds": seconds, "cpu": time.process_time() - cpu}


def main() -> None:
    set_up_logging("warning", out=sys.stderr)
    who, port, qos, in_flight, size, seconds = sys.argv[1:]
    job = _Job(int(port), 1 if qos == "1" else 0, int(in_flight), bytes(int(size)), float(seconds))
    print(json.dumps(trio.run(_ours, job) if who == "rta" else _paho(job)), flush=True)


if __name__ == "__main__":
    main()
