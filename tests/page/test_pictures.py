"""The pictures of docs/page.md: `make pictures` makes them anew, of the demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.film import Film
from browser.pages import OpenPage
from browser.watch import Watch
from playwright.sync_api import Page, expect
from program import Program, Start

from page.conftest import TakePicture
from page.looking import line_is_drawn

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
FILM_SIZE = {"width": 960, "height": 600}
FILM_STEP = 150  # ms
FILM_LIMIT = 1_000_000  # bytes
DRIVEN = 200.0  # seconds after which the car of the demo is on the road


@pytest.fixture
def demo(start: Start, request: pytest.FixtureRequest) -> Program:
    """What `make run` runs; where the pictures are for somebody, when there is something to see."""
    program = start("run", "--config", ROOT / "config" / "site.toml", RTA_EDGE__PORT="0")
    program.logged("ready")
    assert program.lives(DRIVEN if request.config.getoption("--pictures") else 0)
    return program


def test_every_picture_of_the_docs_is_taken_of_the_demo(
    open_page: OpenPage, demo: Program, take_picture: TakePicture, picture_folder: Path, watch: Watch
) -> None:
    watch.expect("503")  # of /health, where the machine has too much to do
    taken = set()

    def opened(view: str = "", **look: object) -> Page:
        page = open_page(**look)
        page.goto(demo.url + view)
        return page

    def take(page: Page, name: str) -> None:
        expect(page.get_by_text("Loading …")).to_have_count(0)
        expect(page.get_by_role("contentinfo", name="Status")).to_contain_text("Live")
        take_picture(page, name)
        taken.add(f"{name}.png")

    for name, look in (
        ("plots", {}),
        ("dark", {"dark": True, "viewport": {"width": 1024, "height": 700}}),
        ("phone", {"phone": True, "device_scale_factor": 2}),
    ):
        page = opened(**look)
        line_is_drawn(page, "RPM")
        line_is_drawn(page, "Vehicle Speed")
        take(page, name)
    page = opened()
    line_is_drawn(page, "RPM")
    for tab, content in (("Table", "Vehicle Speed"), ("Streams", "car.engine/live"), ("Health", "rta_clients")):
        page.get_by_role("navigation", name="Views").get_by_role("link", name=tab).click()
        expect(page.get_by_role("main")).to_contain_text(content)
        if tab == "Table":
            expect(page.get_by_role("row", name="Vehicle Speed")).to_have_text(re.compile(r"\d.*kph.*Hz"))
        if tab == "Health":
            expect(page.get_by_role("row", name=re.compile(r"rta_bytes_in_total"))).to_have_text(re.compile(r"\d\.\d$"))
        take(page, tab.lower())
    (picture_folder / "film.webp").write_bytes(filmed(opened(viewport=FILM_SIZE)))
    taken.add("film.webp")
    assert taken == {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert all(f"pictures/{name}" in (ROOT / "docs" / "page.md").read_text() for name in taken)
    assert (ROOT / "docs" / "pictures" / "film.webp").stat().st_size < FILM_LIMIT


def filmed(page: Page) -> bytes:
    """Live, far back by the overview, into it, and live again."""
    line_is_drawn(page, "RPM")
    film = Film(page)

    def watch(pictures: int) -> None:
        for _ in range(pictures):
            page.wait_for_timeout(FILM_STEP)
            film.take()

    plot = page.get_by_role("application").first
    watch(8)
    plot.hover()
    page.get_by_role("button", name="All", exact=True).click()
    watch(3)
    for _ in range(8):
        page.mouse.wheel(0, -200)
        watch(1)
    for _ in range(4):
        plot.press("PageUp")
        watch(1)
    page.get_by_role("button", name="Back to live").click()
    watch(8)
    return film.develop()
