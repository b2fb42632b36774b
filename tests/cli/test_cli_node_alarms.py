"""Alarms of a site on a real broker, from the configuration to those who look."""

from __future__ import annotations

import json

from observer import observing
from program import wait_until

SITE = """
[site]
node = "dk/tlc"
grace = "100ms"

[edge]
port = 0

[topics]
transport = "mqtt"
host = "127.0.0.1"
port = {port}

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"

[[alarm]]
code = "car.fast"
description = "Too fast"
from = "parameter:Speed"
above = 60
hysteresis = 5
for = "500ms"
clear_for = "1h"
"""

QUIET = """
[[alarm]]
code = "bench.quiet"
components = {{ "left" = "topic:bench/left", "right" = "topic:bench/right" }}
silent = "2s"
"""

FAST, STILL = "dk/tlc/alarm/car.fast", "dk/tlc/alarm/bench.quiet"


def test_alarms_are_told_retained_listed_and_cleared_when_they_are_configured_no_longer(start, site, own_mosquitto):
    port = own_mosquitto.port
    with observing(port) as observer:
        program = start("run", "--config", site((SITE + QUIET).format(port=port)))
        wait_until(lambda: len(observer.said(FAST)) >= 3, "a full update, the event, and the full update with it")
        empty, event, full = observer.said(FAST)[:3]
        assert empty == {"entries": [], "full": True}
        [entry] = event["entries"]
        assert entry["active"]
        assert entry["values"]["value"] > 60
        assert full == {"entries": [entry], "full": True}

        def silent() -> list[str]:
            entries = observer.said(STILL)[-1]["entries"] if observer.said(STILL) else []
            return sorted(e["component"] for e in entries if e["active"])

        wait_until(lambda: silent() == ["left", "right"], "silence")
        observer.tell("bench/left", 5)
        wait_until(lambda: silent() == ["right"], "an end of it")
    with observing(port, "dk/tlc/alarm/#") as observer:
        wait_until(lambda: set(observer.retained) == {FAST, STILL}, "what is retained")
        assert observer.retained[FAST] == full
    listed = json.loads(program.get("/rta/v2/alarms?active=true"))["alarms"]
    assert [(a["code"], a["description"], a["since"]) for a in listed if a["code"] == "car.fast"] == [
        ("car.fast", "Too fast", entry["ts"])
    ]
    assert program.health == "Healthy"
    program.kill()
    start("run", "--config", site(SITE.format(port=port)))
    with observing(port) as observer:
        observer.sees(STILL, None)


def test_every_worker_lists_the_alarms_of_the_first(start, tmp_path, redis_server):
    config = tmp_path / "site.toml"
    config.write_text(
        f'site.grace = "1s"\nedge.port = 0\nbuffer = {{ transport = "redis", url = "{redis_server.url}" }}\n'
        '[[alarm]]\ncode = "car.quiet"\nfrom = "channel:1"\nsilent = "1ms"\n'
    )
    program = start("run", "--config", config, "--workers", "2", RTA_LOGGING__FORMAT="json")
    program.until(lambda: sum(line["event"] == "ready" for line in program.log) == 2, "two workers")

    def active() -> list[str]:
        return [alarm["code"] for alarm in json.loads(program.get("/rta/v2/alarms?active=true"))["alarms"]]

    wait_until(active, "an alarm")
    assert [active() for _ in range(20)] == [["car.quiet"]] * 20  # each by whichever worker takes the connection
