"""What somebody does on the page, and who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import ask
from browser.watch import Watch
from playwright.sync_api import Locator, Page, expect
from program import Program, Start

from page.sites import play

pytestmark = pytest.mark.processes


def stream_of(service: Program, token: str | None = None) -> dict[str, object]:
    [stream] = ask(service.address, "/rta/v2/streams", token).json["streams"]
    found: dict[str, object] = stream
    return found


def card(page: Page) -> Locator:
    return page.get_by_role("article", name="car.engine/live")


def test_streams_are_started_changed_and_stopped(page: Page, start: Start, tmp_path: Path, watch: Watch) -> None:
    service = play(start, tmp_path)
    page.goto(service.url + "#v1/streams")
    expect(card(page)).to_contain_text("stopped")
    card(page).get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("running")
    assert stream_of(service)["state"] == "running"
    card(page).get_by_text("Settings").click()
    card(page).get_by_label("min_interval").fill("2s")
    card(page).get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings of car.engine/live are saved.")).to_be_visible()
    assert "2" in str(stream_of(service)["min_interval"])
    watch.expect("400")
    card(page).get_by_label("min_interval").fill("often")
    card(page).get_by_role("button", name="Save").click()
    expect(card(page).get_by_role("alert")).to_contain_text("min_interval")
    card(page).get_by_role("button", name="Stop").click()
    expect(card(page)).to_contain_text("stopped")
    assert stream_of(service)["state"] == "stopped"
