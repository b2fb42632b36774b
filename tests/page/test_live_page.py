"""A live session on the page: whatever happens meanwhile, every sample is there once."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser.watch import Watch
from playwright.sync_api import Locator, Page, expect
from program import Start, wait_until
from real_servers import RedisServer, held_port

from page.cars import SESSION, SPEED, driving, serve
from page.looking import line_is_drawn, plot_of, samples_of, view_of

pytestmark = pytest.mark.processes


COUNT_MOVES = """
window.moves = 0;
const { drawImage } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.drawImage = function (...given) {
  window.moves++;
  return drawImage.apply(this, given);
};
"""
PICTURE = "canvas => canvas.toDataURL()"


def newest(page: Page) -> Locator:
    """The value in the legend."""
    return plot_of(page, "Speed").locator("output")


def test_the_recording_and_what_is_live_join_without_a_seam(
    page: Page, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    with driving(redis_server.url, ago=600, step=1) as car:
        car.write(range(560))  # the page begins with the newest minute
        service = serve(start, tmp_path, redis_server.url)
        page.goto(service.url + view_of(SESSION, SPEED, follow=20))
        expect(newest(page)).to_have_text("559")
        car.write(range(560, 600))
        expect(newest(page)).to_have_text("599")
        plot = plot_of(page, "Speed").get_by_role("application")
        for _ in range(8):
            plot.press("PageUp")
        assert len(samples_of(page, "Speed")) in (20, 21)
        page.get_by_role("button", name="All", exact=True).click()
        assert samples_of(page, "Speed") == car.samples


def test_what_has_moved_on_looks_as_if_it_were_painted_anew(
    page: Page, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    page.add_init_script(COUNT_MOVES)
    with driving(redis_server.url, ago=30, step=0.01) as car:
        car.write(range(2900))
        service = serve(start, tmp_path, redis_server.url)
        page.goto(service.url + view_of(SESSION, SPEED, follow=25).replace(SPEED, f"{SPEED};y=km%2Fh,0,4000"))
        for last in range(2907, 3000, 7):
            car.write(range(last - 7, last))
            expect(newest(page)).to_have_text(f"{last - 1}")
        page.get_by_role("button", name="Live", exact=True).click()
        line_is_drawn(page, "Speed")
        canvas = plot_of(page, "Speed").locator("canvas").first
        moved = canvas.evaluate(PICTURE)
        assert page.evaluate("moves") >= 5
        for theme, is_same in (("dark", False), ("light", True)):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            wait_until(lambda: (canvas.evaluate(PICTURE) == moved) is is_same, f"the plot, {theme}")  # noqa: B023


def test_a_gap_is_seen_until_what_is_late_has_come(
    page: Page, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    with driving(redis_server.url, ago=3, step=0.01) as car:
        car.write([*range(100), *range(200, 300)])
        service = serve(start, tmp_path, redis_server.url)
        page.goto(service.url + view_of(SESSION, SPEED))
        expect(newest(page)).to_have_text("299")
        gaps = plot_of(page, "Speed").locator(".plots-gaps")
        expect(gaps).to_have_text("1 gap")
        car.write(range(100, 200))
        expect(gaps).to_have_count(0)
        page.get_by_role("button", name="All", exact=True).click()
        assert samples_of(page, "Speed") == car.samples


def test_a_service_that_was_killed_is_missed_and_nothing_is_missing_when_it_is_back(
    page: Page, start: Start, redis_server: RedisServer, tmp_path: Path, watch: Watch
) -> None:
    with held_port() as port, driving(redis_server.url, ago=3, step=0.01) as car:
        car.write(range(100))
        service = serve(start, tmp_path, redis_server.url, port)
        page.goto(service.url + view_of(SESSION, SPEED))
        expect(newest(page)).to_have_text("99")
        status = page.get_by_role("contentinfo", name="Status")
        expect(status).to_contain_text("Live")
        watch.expect("ERR_", "WebSocket")
        service.kill()
        expect(status).to_contain_text("Connection lost")
        expect(status).to_contain_text("next try in")
        expect(status).to_contain_text("newest sample")
        car.write(range(100, 200))
        serve(start, tmp_path, redis_server.url, port)
        expect(newest(page)).to_have_text("199")
        expect(status).not_to_contain_text("Connection lost")
        expect(status).to_contain_text("Live")
        page.get_by_role("button", name="All", exact=True).click()
        assert samples_of(page, "Speed") == car.samples
