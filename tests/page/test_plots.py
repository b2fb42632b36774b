"""What plots show besides the lines of parameters, and how their values are zoomed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from program import Start
from real_servers import RedisServer

from page.cars import SESSION, SPEED, serve
from page.looking import line_is_drawn, plot_of, view_of
from rta.wire import Application, Channel, ConfigBinding, Configuration, Event, Parameter, SampleType, SessionModel
from rta.wire.configuration import EventDefinition
from rta.writer import connect

pytestmark = pytest.mark.processes

_SECOND = 1_000_000_000
_CONFIGURATION = Configuration(
    {
        "car": Application(
            parameters=[Parameter(SPEED, "Speed", channels=[1], unit="km/h", format="%d")],
            channels=[Channel(1, "Speed", type="f64"), Channel(2, "Spare", type="u16")],
            events=[EventDefinition(7, desc="Oil pressure", pri="high")],
        )
    }
)


@contextmanager
def a_drive(redis: str) -> Iterator[None]:
    """20 s with two channels, and in their middle an event."""
    began = time.time_ns() - 20 * _SECOND
    with connect(redis, stream="car") as writer:
        identifier = _CONFIGURATION.identifier()
        writer.publish(identifier, _CONFIGURATION.write())
        model = SessionModel(SESSION, timestamp="2026-05-04T11:50:55Z", identifier="Run 1")
        model.config_bindings = [ConfigBinding(identifier)]
        with writer.open_session(model) as session:
            times = [began + nth * _SECOND // 10 for nth in range(201)]
            session.write(1, times, [float(nth) for nth in range(201)])
            session.write(2, times, [nth % 50 for nth in range(201)], SampleType.U16)
            session.write_event(
                Event(event_definition_id=7, timestamp=times[100], app_name="car", status_text="0.4 bar")
            )
            session.flush()
            yield


def area_of(page: Page, parameter: str) -> Locator:
    return plot_of(page, parameter).get_by_role("application")


def test_events_channels_and_values_are_at_hand_in_the_plots(
    start: Start, page: Page, redis_server: RedisServer, tmp_path: Path
) -> None:
    with a_drive(redis_server.url):
        service = serve(start, tmp_path, redis_server.url)
        page.goto(service.url + view_of(SESSION, SPEED, **{"from": 0, "to": 20}))
        line_is_drawn(page, "Speed")

        # an event is told where the cursor is on it
        told = page.locator(".plots-happened")
        area = area_of(page, "Speed")
        box = area.bounding_box()
        assert box is not None
        axis, right = 58, 8
        middle = axis + (box["width"] - axis - right) / 2
        area.hover(position={"x": middle - 100, "y": 40})
        expect(told).to_have_count(0)
        area.hover(position={"x": middle, "y": 40})
        expect(told).to_contain_text("Oil pressure")
        expect(told).to_contain_text("0.4 bar")
        expect(told).to_contain_text("high")
        page.get_by_role("button", name="Events", exact=True).click()
        area.hover(position={"x": middle, "y": 40})
        expect(told).to_have_count(0)

        # values are zoomed on their axis, and are as what is seen again
        area.hover(position={"x": 20, "y": 100})
        page.mouse.wheel(0, -200)
        expect(page).to_have_url(re.compile(r"y=km/h,\d"))
        area.dblclick(position={"x": 20, "y": 100})
        expect(page).not_to_have_url(re.compile("y=km/h"))
        area.focus()
        page.keyboard.press("Shift+ArrowUp")
        expect(page.locator(".plots-said")).to_have_text(re.compile(r"Axis of km/h: \d"))
        expect(page).to_have_url(re.compile(r"y=km/h,\d"))

        # a channel that no parameter has
        page.get_by_role("searchbox", name="Search parameters").fill("spare")
        page.get_by_role("treeitem", name=re.compile("Spare #2")).click()
        line_is_drawn(page, "Spare #2")
        expect(plot_of(page, "Spare #2").locator("output")).to_have_text("0")
