"""Every metric that is counted or set is in the list of metrics."""

from __future__ import annotations

import re
from pathlib import Path

from rta.metrics import METRICS

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("rta", "transports") for path in sorted((ROOT / folder).rglob("*.py"))]
COUNTED = re.compile(r"\.(?:count|gauge)\(\s*\"(rta_\w+)\"")


def test_every_metric_that_is_used_is_in_the_list():
    used = {name for path in FILES for name in COUNTED.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 20
    assert used - {metric.name for metric in METRICS} == set()
