"""Whoever looks at a service's page, with a mouse, a keyboard, a phone, or by ear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser.pages import OpenPage
from playwright.sync_api import Page, expect
from program import Program, starting, wait_until

from page.conftest import TakePicture
from page.looking import axe_finds, line_is_drawn, plot_of, view_of
from page.sites import play

pytestmark = pytest.mark.processes

TABS = ["Sessions", "Plots", "Table", "Events", "Streams", "Alarms", "Health"]
LOOKS: dict[str, dict[str, Any]] = {
    "1280x800": {},
    "390x844": {"phone": True, "dark": True},
    "1920x1080": {"viewport": {"width": 1920, "height": 1080}},
}

MOVES = """
globalThis.moves = [];
const { fillRect, fillText } = CanvasRenderingContext2D.prototype;
const [places, isOfAxis] = [new Map(), ({ canvas }) => canvas.closest(".plots-axis") !== null];
let counted = false;
CanvasRenderingContext2D.prototype.fillRect = function (...area) {
  if (isOfAxis(this) && area[2] === this.canvas.width) counted = false;
  fillRect.apply(this, area);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  if (isOfAxis(this) && this.textAlign === "center") {
    if (!counted && (places.get(text) ?? x) !== x) counted = moves.push(performance.now()) > 0;
    places.set(text, x);
  }
  fillText.call(this, text, x, y);
};
"""
"""Notes when times of the axis have come to stand elsewhere, ms."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("looked_at")
    with starting(folder, environ) as start:
        (folder / "site").mkdir()
        yield play(start, folder / "site")


def shown(page: Page) -> list[str]:
    """The names of the sessions that are shown."""
    bar = page.get_by_role("region", name="Sessions shown")
    found: list[str] = bar.locator(".chip > button:first-child").all_inner_texts()
    return found


def test_it_opens_on_the_live_session(page: Page, service: Program) -> None:
    page.goto(service.url)
    expect(page.get_by_role("contentinfo", name="Status")).to_contain_text("Live")
    line_is_drawn(page, "Speed")
    assert shown(page) == ["Long drive"]
    value = plot_of(page, "Speed").locator("output").first
    expect(value).to_have_text(re.compile(r"^\d+$"))
    expect(value).not_to_have_text(value.inner_text())  # it goes on


def test_sessions_are_found_and_two_lie_on_each_other_also_for_a_colleague(
    page: Page, open_page: OpenPage, service: Program
) -> None:
    page.goto(service.url + "#v1/sessions")
    live, ended = page.get_by_role("table", name="Live"), page.get_by_role("table", name="Ended")
    expect(live).to_contain_text("Long drive")
    expect(ended).to_contain_text("Short lap")
    search = page.get_by_role("searchbox")
    search.fill("lap")
    expect(live).to_have_count(0)
    expect(ended).to_contain_text("Short lap")
    search.fill("")
    expect(live).to_have_count(1)
    page.get_by_role("button", name="Add filter").click()
    page.get_by_label("Property").fill("details.driver")
    page.get_by_label("Value").fill("Anna")
    expect(ended).to_have_count(0)
    expect(live).to_contain_text("Long drive")
    search.fill("drive")
    expect(page).to_have_url(re.compile(r"sessions\?search=drive&filter=details\.driver,is,Anna"))
    other = open_page()
    other.goto(page.url)
    expect(other.get_by_role("searchbox")).to_have_value("drive")
    expect(other.get_by_label("Value")).to_have_value("Anna")
    expect(other.get_by_role("table", name="Live")).to_contain_text("Long drive")
    expect(other.get_by_role("table", name="Ended")).to_have_count(0)
    search.fill("")
    page.get_by_role("button", name="Remove filter").click()
    page.get_by_label("Select Long drive").check()
    page.get_by_label("Select Short lap").check()
    page.get_by_role("button", name="Open 2 sessions").click()
    expect(plot_of(page, "Speed").locator(".plots-name", has_text="Speed")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"plot=[^&]*b\."))
    names, address = shown(page), page.url
    assert sorted(name.split()[-1] for name in names) == ["drive", "lap"]
    page.reload()
    colleague = open_page()
    colleague.goto(address)
    for other in (page, colleague):
        expect(plot_of(other, "Speed").locator(".plots-name", has_text="Speed")).to_have_count(2)
        expect(plot_of(other, "Speed").locator("output").first).not_to_have_text("–")
        assert shown(other) == names
        assert other.url == address


def test_an_export_of_what_is_shown_is_that_of_rest(open_page: OpenPage, service: Program, tmp_path: Path) -> None:
    page = open_page(accept_downloads=True)
    page.add_init_script("delete window.showSaveFilePicker")  # it asks in a window that is not the page's
    page.goto(service.url + view_of("lap-1", "Speed:csv", "Gear:csv"))
    line_is_drawn(page, "Speed")
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export")
    with page.expect_request(re.compile("/export")) as asked, page.expect_download() as kept:
        dialog.get_by_role("button", name="Export", exact=True).click()
    kept.value.save_as(tmp_path / "kept.csv")
    start, end = (re.search(rf"{name}=(\d+)", asked.value.url)[1] for name in ("start", "end"))  # type: ignore[index]
    parameters = "&".join(f"parameters={quote(name)}" for name in ("Speed:csv", "Gear:csv"))
    rest = service.get(f"/rta/v2/sessions/lap-1/export?format=csv&{parameters}&start={start}&end={end}")
    text = (tmp_path / "kept.csv").read_bytes().decode()
    assert text == rest
    assert 100 < len(text.splitlines()) < 600


def test_everything_is_reached_by_keys(page: Page, service: Program) -> None:
    page.goto(service.url + view_of("drive-1", "Speed:csv"))
    line_is_drawn(page, "Speed")
    plot = plot_of(page, "Speed").get_by_role("application")
    for _ in range(60):
        page.keyboard.press("Tab")
        if plot.evaluate("it => it === document.activeElement"):
            break
    expect(plot).to_be_focused()
    live = page.get_by_role("toolbar").get_by_role("button", name=re.compile("Live|Paused")).first
    page.keyboard.press("Space")
    expect(live).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+ArrowLeft")
    expect(page.locator(".plots-cursor")).to_be_visible()
    expect(page.locator(".plots-said")).to_have_text(re.compile(r"\d\d:\d\d.*: Speed \d+ km/h"))
    page.keyboard.press("End")
    expect(live).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(plot).to_be_focused()
    for number, tab in enumerate(TABS, 1):
        page.keyboard.press(f"{number}")
        expect(page.get_by_role("heading", name=tab, level=1)).to_have_count(1)


def test_who_wants_less_motion_sees_live_plots_move_once_a_second(open_page: OpenPage, service: Program) -> None:
    def moves(**look: str) -> list[float]:
        page = open_page(**look)
        page.add_init_script(MOVES)
        page.goto(service.url + view_of("drive-1", "Speed:csv"))
        line_is_drawn(page, "Speed")
        page.evaluate("moves.length = 0")  # what it was laid out by
        wait_until(lambda: page.evaluate("moves.length") >= 5, "moves")
        found: list[float] = page.evaluate("moves.slice(0, 5)")
        page.close()
        return [moment - found[0] for moment in found]

    assert moves(reduced_motion="reduce")[-1] > 3000
    assert moves()[1] < 1000


@pytest.mark.parametrize("size", LOOKS)
def test_nothing_of_it_is_too_wide_or_shuts_anybody_out(
    open_page: OpenPage, service: Program, take_picture: TakePicture, size: str
) -> None:
    page = open_page(**LOOKS[size])
    page.goto(service.url + view_of("drive-1", "Speed:csv", "Gear:csv"))
    line_is_drawn(page, "Speed")
    wrong: list[object] = []

    def look(what: str) -> None:
        expect(page.get_by_text("Loading …")).to_have_count(0)
        take_picture(page, f"{size}-{what.lower()}")
        wrong.extend((what, found) for found in axe_finds(page))
        wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if wide > room:
            wrong.append((what, "too wide", wide))

    for tab in TABS:
        page.get_by_role("navigation", name="Views").get_by_role("link", name=tab).click()
        expect(page.get_by_role("heading", name=tab, level=1)).to_have_count(1)
        look(tab)
    for name in ("Layouts", "Export", "Settings", "Keys"):
        page.get_by_role("banner").get_by_role("button", name=name, exact=True).click()
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog).to_be_visible()
        if name == "Export":  # also of a session of which nothing was recorded when it was opened
            expect(dialog.get_by_role("button", name="Export")).to_be_enabled()
        look(name)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert wrong == []
