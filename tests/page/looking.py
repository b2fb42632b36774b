"""What somebody sees of the page, and reads of it: the table of samples, and where on the canvas a line is."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect
from program import wait_until

__all__ = ["Sample", "axe_finds", "line_is_drawn", "plot_of", "samples_of", "view_of"]

_AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
_DRAWN = """
async ([name, nth]) => {
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  const named = (plot) => [...plot.querySelectorAll(".plots-name")].some((it) => it.textContent.includes(name));
  const canvas = [...document.querySelectorAll(".plots-plot")].find(named)?.querySelector("canvas");
  if (canvas == null) return null;
  const style = getComputedStyle(canvas.closest(".plots"));
  const colour = style.getPropertyValue(`--plots-line-${nth}`).trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const { width, height } = canvas;
  if (width === 0 || height === 0) return null;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const columns = [];
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      const at = (y * width + x) * 4;
      const far = Math.max(Math.abs(data[at] - r), Math.abs(data[at + 1] - g), Math.abs(data[at + 2] - b));
      if (far > 60 || data[at + 3] < 80) continue;
      const last = columns.at(-1);
      if (last?.x === x) last.bottom = y;
      else columns.push({ x, top: y, bottom: y });
    }
  return { width, height, columns };
}
"""
"""Reads of a plot's canvas in which columns of pixels, from where to where, a line has its colour, also over the grid.
Edges are faint."""


class Sample(NamedTuple):
    """As a table of samples says it."""

    time: int
    """ns since the Unix epoch."""
    value: float


def view_of(session: str, *parameters: str, tab: str = "plots", zone: str = "utc", **more: object) -> str:
    """What is behind the # of the page's address: these parameters in one plot."""
    lines = ",".join(f"a.{quote(parameter, safe=':')}" for parameter in parameters)
    fields = {"session": f"a.{session}", "plot": lines, **more, "zone": zone}
    return f"#v1/{tab}?" + "&".join(f"{name}={value}" for name, value in fields.items())


def plot_of(page: Page, parameter: str) -> Locator:
    """The first plot with this parameter."""
    return page.get_by_role("article").filter(has=page.locator(".plots-name", has_text=parameter)).first


def line_is_drawn(page: Page, parameter: str, nth: int = 1) -> dict[str, Any]:
    """Wait until the nth line of a plot is on its canvas, and all of it: where it is."""
    plot = plot_of(page, parameter)
    expect(plot.locator(".plots-loading")).to_have_count(0)
    seen: dict[str, Any] = {}

    def found() -> bool:
        seen.update(page.evaluate(_DRAWN, [parameter, nth]) or {"columns": []})
        return bool(seen["columns"])

    wait_until(found, f"{parameter} on its canvas")
    return seen


def samples_of(page: Page, parameter: str) -> list[Sample]:
    """All samples of what is seen, of the first line of a plot, leafing through its table. Times have to be in UTC."""
    plot = plot_of(page, parameter)
    button = plot.get_by_role("button", name="Samples", exact=True)
    if button.get_attribute("aria-expanded") == "false":
        button.click()
    else:
        plot.get_by_role("button", name="As seen now").click()
    table, later = plot.get_by_role("region", name="Samples"), plot.get_by_role("button", name="Later")
    found: list[Sample] = []
    while True:
        expect(table).to_have_attribute("aria-busy", "false")
        found += [_sample(*row) for row in table.locator("tbody tr").evaluate_all(_CELLS)]
        if later.is_disabled():
            return found
        later.click()


def axe_finds(page: Page) -> list[object]:
    """What shuts somebody out, as far as axe sees it."""
    page.evaluate(_AXE.read_text())
    found = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [
        (rule["id"], rule["help"], [node["html"][:200] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


_CELLS = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"


def _sample(time: str, value: str) -> Sample:
    plain = time.replace("\u2009", "")
    match = re.fullmatch(r"(\d+-\d+-\d+ \d+:\d+:\d+)\.(\d{9})", plain)
    assert match is not None, plain
    seconds = int(datetime.fromisoformat(match[1] + "+00:00").timestamp())
    return Sample(seconds * 1_000_000_000 + int(match[2]), float(value))
