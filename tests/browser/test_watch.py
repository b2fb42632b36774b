"""A test in a browser fails for what its pages must not do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from .page_server import Content, serving
from .pages import OpenPage
from .watch import Watch

pytestmark = pytest.mark.processes

EMPTY = b'<!doctype html><link rel="icon" href="data:,">'
CONTENTS = {
    "/": Content(EMPTY),
    "/elsewhere": Content(EMPTY + b'<img src="http://elsewhere.invalid/">'),
    "/socket": Content(EMPTY + b'<script>new WebSocket("ws://elsewhere.invalid/")</script>'),
    "/complaining": Content(EMPTY + b'<script>console.error("it is wrong")</script>'),
    "/throwing": Content(EMPTY + b'<script>throw new Error("it is wrong")</script>'),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(CONTENTS) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def seen(page: Page) -> Watch:
    """What another watch of the page has seen: that of the test itself would fail it."""
    found = Watch()
    found.follow(page.context)
    return found


@pytest.fixture(autouse=True)
def all_expected(watch: Watch, open_page: OpenPage) -> Iterator[None]:
    """Before the pages are closed, and what they did is looked at."""
    watch.expect("")
    yield
    watch.elsewhere.clear()


@pytest.mark.parametrize(("path", "event"), [("/elsewhere", "request"), ("/socket", "websocket")])
def test_a_request_to_another_machine_is_a_fault(page, seen, url, path, event):
    with page.expect_event(event, lambda asked: "elsewhere.invalid" in asked.url):  # a page is loaded before
        page.goto(url + path)
    assert [fault for fault in seen.faults if fault.startswith("asked another machine: ")]


@pytest.mark.parametrize("path", ["/complaining", "/throwing"])
def test_an_error_on_the_console_is_a_fault_unless_it_is_expected(page, seen, url, path):
    page.goto(url + path)
    page.title()
    [fault] = seen.faults
    assert "it is wrong" in fault
    seen.expect("^(Error: )?it is")
    assert seen.faults == []


def test_a_page_without_faults_has_none(page, seen, url):
    page.goto(url)
    page.title()
    assert seen.faults == []


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_has_the_look_that_is_asked_for(open_page, url, phone, dark):
    page = open_page(phone=phone, dark=dark)
    page.goto(url)
    looks = page.evaluate(
        "[matchMedia('(pointer: coarse)').matches, matchMedia('(prefers-color-scheme: dark)').matches]"
    )
    assert looks == [phone, dark]
    assert page.viewport_size == ({"width": 390, "height": 844} if phone else {"width": 1280, "height": 800})
