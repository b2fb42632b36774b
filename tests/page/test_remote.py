"""What the service knew before the page was opened: last values, remote nodes, what alarms did, the site's zone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTv5
from paho.mqtt.publish import multiple
from playwright.sync_api import Page, expect
from program import Start
from real_servers import Mosquitto

from rta.rsmp.payload import encode

pytestmark = pytest.mark.processes

SITE = """\
[site]
state_dir = "state"
timezone = "Asia/Tokyo"

[edge]
port = 0

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
details.vehicle = "car"

[[source]]
name = "plant"
transport = "mqtt"
host = "127.0.0.1"
port = {port}
consumer = "page-tests"
nodes = ["seen/+"]
heal = false

[[status]]
code = "car.engine"
session.detail.vehicle = "car"
attributes.speed = {{ from = "parameter:Speed" }}

[[status.stream]]
name = "live"

[[alarm]]
code = "car.fast"
session.detail.vehicle = "car"
from = "parameter:Speed"
above = 2
"""
NODE = "seen/tlc-1"


def say(broker: Mosquitto, topic: str, value: Any) -> None:
    """Publish as the node does."""
    message = {"topic": f"{NODE}/{topic}", "payload": encode(value), "qos": 1, "retain": topic == "presence"}
    multiple([message], "127.0.0.1", broker.port, protocol=MQTTv5)


def entry(seq: int) -> dict[str, Any]:
    return {"ts": f"2026-11-29T10:00:{seq:02}.000Z", "seq": seq, "values": {"plan": seq}}


def test_what_was_before_the_page_was_opened_is_on_it(
    page: Page, start: Start, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    rows = "".join(f"{nth},{nth}\n" for nth in range(3000))
    (tmp_path / "drive.csv").write_text(f"Time (s),Speed (km/h)\n{rows}")
    (tmp_path / "site.toml").write_text(SITE.format(port=mosquitto.port))
    service = start("run", "--config", tmp_path / "site.toml")
    say(mosquitto, "presence", "online")
    service.logged("session opened", source="plant")
    say(mosquitto, "status/tlc.plan", {"entries": [entry(1), entry(5)]})
    service.logged("alarms have changed")

    page.goto(service.url + "#v1/alarms?zone=site")
    changes = page.get_by_role("listitem").filter(has_text="car.fast")
    expect(changes).to_have_count(1)
    expect(changes).to_contain_text("+09:00 car.fast was raised: value 3, above 2")

    page.get_by_role("link", name="Streams").click()
    values = page.get_by_role("article", name="car.engine/live").get_by_role("region", name="Last values")
    expect(values.get_by_role("row", name="speed")).to_be_visible()
    node = page.get_by_role("article", name=NODE)
    expect(node).to_contain_text("Online since")
    plan = node.get_by_role("row", name="tlc.plan")
    expect(plan).to_contain_text("3 entries are missing between 1 and 5. They are not fetched")
    replay = {"entries": [{**entry(seq), "next_ts": None} for seq in (2, 3, 4)], "done": True}
    say(mosquitto, "replay/tlc.plan", replay)
    expect(plan).to_contain_text("1 gap was filled.")
    node.get_by_role("link", name=f"Its session: {NODE}").click()
    expect(page).to_have_title(re.compile(f"{NODE} – Plots"))
    page.go_back()
    say(mosquitto, "presence", "shutdown")
    expect(node).to_contain_text("It has said at")
