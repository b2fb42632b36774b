"""A headless Chromium without a GPU, and what it says of its frames, its main thread and its memory."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from scripts.bench.processes import BenchError

__all__ = [
    "Frames",
    "Gaps",
    "first_waveform",
    "frames_while",
    "gaps_while",
    "open_page",
    "resident",
    "running_browser",
]

_PATIENCE = 30_000  # ms
_TRACED = ["benchmark", "disabled-by-default-devtools.timeline.frame"]
_SIZE: ViewportSize = {"width": 1280, "height": 1400}

_FIRST = """
() => {
  const isColour = (data) => {
    for (let at = 0; at < data.length; at += 4) {
      const [r, g, b, opaque] = data.subarray(at, at + 4);
      if (opaque > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 60) return true;
    }
    return false;
  };
  const look = () => {
    const canvas = document.querySelector(".plots-plot canvas");
    const [width, height] = [canvas?.width ?? 0, canvas?.height ?? 0];
    if (width * height > 0 && isColour(canvas.getContext("2d").getImageData(0.9 * width, 0, 20, height).data))
      window.firstWaveform = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
"""Notes when something in colour is first in a plot, near its end: axes and grid are grey. ms since the page was asked
for."""

_GAPS = """
() => {
  const gaps = (window.frameGaps = []);
  let last = performance.now();
  const tick = (now) => {
    gaps.push(now - last);
    last = now;
    if (window.frameGaps === gaps) requestAnimationFrame(tick);
  };
  requestAnimationFrame((now) => ((last = now), requestAnimationFrame(tick)));
}
"""
_GAPS_SO_FAR = "() => { const gaps = window.frameGaps; window.frameGaps = null; return gaps; }"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One.

    :raises BenchError: it is not installed.
    """
    path = shutil.which("chromium")
    if path is None:
        raise BenchError("Chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        # As root there is no sandbox, and the page is our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, url: str) -> Iterator[Page]:
    """With nothing kept of earlier ones, and its first waveform noted."""
    context = browser.new_context(viewport=_SIZE)
    try:
        context.set_default_timeout(_PATIENCE)
        context.add_init_script(f"({_FIRST})()")
        page = context.new_page()
        page.goto(url)
        yield page
    finally:
        context.close()


def first_waveform(page: Page) -> float:
    """Seconds from asking for the page until a line is on the screen."""
    page.wait_for_function("() => window.firstWaveform > 0")
    return float(page.evaluate("() => window.firstWaveform")) / 1000


@frozen
class Gaps:
    """Between the animation frames of a stretch of time."""

    missed: float
    """Share of the frames that should have come at 60 a second, and did not."""
    gap: float
    """ms: the longest between two frames of the main thread."""
    gap_99: float


@frozen
class Frames:
    """Of a stretch of time."""

    dropped: float
    """Share of the frames with something new that were not on the screen in time, as the compositor tells."""
    busy: float
    """Seconds of CPU of the main thread in a second."""


def gaps_while(page: Page, act: Callable[[Page], None]) -> Gaps:
    """Under a counter that asks for each animation frame.

    :raises BenchError: there were none.
    """
    page.evaluate(_GAPS)
    act(page)
    gaps = sorted(page.evaluate(_GAPS_SO_FAR))
    if not gaps:
        raise BenchError("the browser has shown no frames")
    due = sum(max(1, round(gap * 60 / 1000)) for gap in gaps)
    return Gaps(missed=1 - len(gaps) / due, gap=gaps[-1], gap_99=gaps[int(0.99 * (len(gaps) - 1))])


def frames_while(browser: Browser, page: Page, act: Callable[[Page], None]) -> Frames:
    """By a trace, with nothing that asks for frames but the page.

    :raises BenchError: there were none.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    browser.start_tracing(page=page, categories=_TRACED)
    busy, began = _task_seconds(session.send("Performance.getMetrics")), time.perf_counter()
    act(page)
    busy = _task_seconds(session.send("Performance.getMetrics")) - busy
    seconds = time.perf_counter() - began
    states = _states(browser.stop_tracing())
    session.detach()
    dropped, shown = states["STATE_DROPPED"], states["STATE_PRESENTED_ALL"]
    if not shown:
        raise BenchError(f"the browser has shown no frames: {dict(states)}")
    return Frames(dropped=dropped / (dropped + shown), busy=busy / seconds)


def _task_seconds(answer: dict[str, list[dict[str, float]]]) -> float:
    return next(float(metric["value"]) for metric in answer["metrics"] if str(metric["name"]) == "TaskDuration")


def _states(trace: bytes) -> Counter[str]:
    """Of frames. One that is left out without anybody seeing it is none."""
    found: Counter[str] = Counter()
    for event in json.loads(trace)["traceEvents"]:
        reporter = event.get("args", {}).get("frame_reporter") if event["name"] == "PipelineReporter" else None
        if reporter and (reporter["affects_smoothness"] or reporter["state"] != "STATE_DROPPED"):
            found[reporter["state"]] += 1
    return found


def resident() -> float:
    """MiB of all renderers that this process has started."""
    return sum(_resident(pid) for pid in _below(os.getpid()) if b"--type=renderer" in _command(pid))


def _below(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    ]
    return children + [further for child in children for further in _below(child)]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _resident(pid: int) -> float:
    """Its own pages, not those that it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
