"""The page in the browser: how soon it is there, how evenly it moves, what it holds, and what it costs the service."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import asdict, frozen
from playwright.sync_api import Browser, Page

from scripts.bench.page_browser import (
    Frames,
    Gaps,
    first_waveform,
    frames_while,
    gaps_while,
    open_page,
    resident,
    running_browser,
)
from scripts.bench.processes import BenchError, Child
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, spread
from scripts.bench.service import Running, serving
from scripts.bench.sink import Sink

__all__ = ["measure_page"]

_PARAMETERS, _PLOTS = 20, 5
_GESTURES = 30
_TURN = 100  # of a wheel
_BETWEEN = 0.03  # s
_SETTLES = 3.0  # s
_RECORDED_WITHIN = 300.0  # s
_FIGURES: dict[str, tuple[Callable[[Gaps, Frames], float], int]] = {
    "missed %": (lambda gaps, _: 100 * gaps.missed, 2),
    "longest gap ms": (lambda gaps, _: gaps.gap, 0),
    "99 % of gaps ms": (lambda gaps, _: gaps.gap_99, 0),
    "dropped %": (lambda _, frames: 100 * frames.dropped, 2),
    "main thread CPU %": (lambda _, frames: 100 * frames.busy, 0),
}


Act = Callable[[Page], None]


@frozen
class Scale:
    """How much of it."""

    history: float
    """Seconds that are recorded before the page is opened."""
    openings: int
    seconds: float
    """Of each stretch in which frames are counted."""
    runs: int
    minutes: float
    """In which memory is watched."""


def measure_page(results: Results, folder: Path, scale: Scale) -> None:
    """20 parameters of 100 Hz on five plots, then 500 of 10 Hz in the table."""

    def watch(page: Page) -> None:
        _wait(page, scale.seconds)

    with running_browser() as browser:
        with _car(folder / "plots", _PARAMETERS, 100, scale.history) as service:
            _opening(results, browser, service, scale)
            rows = [
                _moving(results, browser, _plots(service, 30), "live, 30 s in view", watch, scale.runs),
                _moving(results, browser, _plots(service, 300), "live, 300 s in view", watch, scale.runs),
                _moving(results, browser, _plots(service, 30), "zoom and pan over all", _zoom_and_pan, scale.runs),
            ]
            _cost(results, folder, browser, service, scale)
            if scale.minutes > 0:
                _memory(results, browser, service, scale)
        with _car(folder / "table", 500, 10, min(scale.history, 600)) as service:
            url = f"{_page(service)}#v1/table?session=a.bench-1"
            rows.append(_moving(results, browser, url, "table of 500, live", watch, scale.runs))
    results.table(f"page: frames, stretches of {scale.seconds:g} s", ("", *_FIGURES), rows)


@contextmanager
def _car(folder: Path, channels: int, rate: float, history: float) -> Iterator[Running]:
    """A service with a live session whose past is recorded."""
    folder.mkdir()
    archive = f'[archive]\npath = "{folder / "archive"}"\n'
    with RedisServer(folder) as redis, serving(folder, redis=redis.url, more=archive) as service:
        argv = [sys.executable, "-m", "scripts.bench.page_car", redis.url, str(channels), str(rate), str(history)]
        with Child(argv, folder / "car.log") as car:
            car.line()
            _await_recording(service)
            yield service


def _await_recording(service: Running) -> None:
    """Until what is recorded is about what there is."""
    until = time.monotonic() + _RECORDED_WITHIN
    while service.metric("rta_archive_streams") < 1 or service.metric("rta_archive_lag_seconds") > 1:
        if time.monotonic() > until:
            raise BenchError("the past of the session is not recorded in time")
        time.sleep(0.5)


def _plots(service: Running, follow: int) -> str:
    """The page's address: all parameters, live."""
    lines = [f"a.p{k}:bench" for k in range(1, _PARAMETERS + 1)]
    plots = "&".join(f"plot={','.join(lines[nth::_PLOTS])}" for nth in range(_PLOTS))
    return f"{_page(service)}#v1/plots?session=a.bench-1&{plots}&follow={follow}"


def _page(service: Running) -> str:
    return f"http://127.0.0.1:{service.port}/"


def _opening(results: Results, browser: Browser, service: Running, scale: Scale) -> None:
    """As somebody does who knows nothing but the address."""
    taken = []
    for run in range(scale.openings):
        with open_page(browser, _page(service)) as page:
            taken.append(first_waveform(page))
        results.add("page", what="opening", run=run, seconds=taken[-1], history=scale.history)
    title = f"page: opened anew, behind {scale.history:g} s of history"
    results.table(title, ("", "s"), [("to the first waveform", spread(taken))])


def _moving(results: Results, browser: Browser, url: str, what: str, act: Act, runs: int) -> tuple[str, ...]:
    """Each run is two pages that are opened anew: one with a counter of frames, and one as it is."""
    found: list[tuple[Gaps, Frames]] = []
    for run in range(runs):
        with open_page(browser, url) as page:
            _wait(page, _SETTLES)
            gaps = gaps_while(page, act)
        with open_page(browser, url) as page:
            _wait(page, _SETTLES)
            found.append((gaps, frames_while(browser, page, act)))
        results.add("page", what=what, run=run, **asdict(gaps), **asdict(found[-1][1]))
        results.say(f"{what}, #{run + 1}: {found[-1]}")
    return what, *(spread((figure(*pair) for pair in found), digits) for figure, digits in _FIGURES.values())


def _wait(page: Page, seconds: float) -> None:
    """Playwright hears the browser meanwhile."""
    page.wait_for_timeout(1000 * seconds)


def _zoom_and_pan(page: Page) -> None:
    """All of it, into it by the wheel, along it by dragging, and out again."""
    page.get_by_role("button", name="All", exact=True).click()
    canvas = page.locator(".plots-plot canvas").first
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    for turn in [-_TURN] * _GESTURES:
        page.mouse.wheel(0, turn)
        _wait(page, _BETWEEN)
    page.mouse.down()
    for k in range(_GESTURES):
        page.mouse.move(x + 10 * k, y)
        _wait(page, _BETWEEN)
    page.mouse.up()
    for turn in [_TURN] * _GESTURES:
        page.mouse.wheel(0, turn)
        _wait(page, _BETWEEN)


def _cost(results: Results, folder: Path, browser: Browser, service: Running, scale: Scale) -> None:
    """CPU of the service with nobody, with a client in C that takes everything, and with the page."""
    found: dict[str, list[float]] = {"nobody": [], "a plain client": [], "the page": []}
    for run in range(scale.runs):
        found["nobody"].append(_share(service, scale.seconds))
        sink = Sink(folder, service.port, 1, sessions=1, max=scale.seconds + 60)
        try:
            found["a plain client"].append(_share(service, scale.seconds))
        finally:
            sink.child.stop()
        with open_page(browser, _plots(service, 30)) as page:
            _wait(page, _SETTLES)
            found["the page"].append(_share(service, scale.seconds))
        results.add("page", what="cost", run=run, **{who: shares[-1] for who, shares in found.items()})
    lines = [(who, spread((100 * share for share in shares), 1)) for who, shares in found.items()]
    results.table("page: CPU of the service, Redis and writer left out", ("followed by", "% of a core"), lines)


def _share(service: Running, seconds: float) -> float:
    before, began = service.child.cpu(), time.perf_counter()
    time.sleep(seconds)
    return (service.child.cpu() - before) / (time.perf_counter() - began)


def _memory(results: Results, browser: Browser, service: Running, scale: Scale) -> None:
    """Of the browser's process with the page in it, five minutes of it in view."""
    rows = []
    with open_page(browser, _plots(service, 300)) as page:
        began = time.monotonic()
        while (minutes := (time.monotonic() - began) / 60) < scale.minutes:
            _wait(page, min(60, 60 * scale.minutes / 6))
            now = resident()
            results.add("page", what="memory", minutes=minutes, renderer=now, service=service.child.rss_of_all())
            rows.append(((time.monotonic() - began) / 60, now))
    lines = [(f"{minutes:.0f}", f"{size:.0f}") for minutes, size in rows[:: max(1, len(rows) // 10)]]
    results.table("page: memory of the page and its Worker", ("after minutes", "MiB"), lines)
