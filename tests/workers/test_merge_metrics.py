"""The metrics of several workers as one."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.workers import merge_metrics


def rendered(live: dict[str, float], **reasons: int) -> bytes:
    metrics = Metrics(HotCounters(bursts_out=3), lambda: live)
    for reason, count in reasons.items():
        metrics.count("rta_clients_closed_total", count, reason=reason)
    return metrics.render()


def read(text: bytes) -> dict[tuple[str, str], float]:
    """By name and, where there are labels, the value of the first."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_what_is_counted_is_added_label_by_label():
    both = read(merge_metrics([rendered({}, left=2, stalled=1), rendered({}, left=5)]))
    assert both["rta_bursts_out_total", ""] == 6
    assert both["rta_clients_closed_total", "left"] == 7
    assert both["rta_clients_closed_total", "stalled"] == 1


@pytest.mark.parametrize(("name", "together"), [("rta_healthy", 0), ("rta_lag_seconds", 1), ("rta_clients", 1)])
def test_a_gauge_is_what_the_registry_says(name, together):
    assert read(merge_metrics([rendered({name: 0.0}), rendered({name: 1.0})]))[name, ""] == together


def test_the_lag_of_all_is_the_largest_and_clients_are_added():
    both = read(merge_metrics([rendered({"rta_lag_seconds": 2.0, "rta_clients": 2})] * 2))
    assert both["rta_lag_seconds", ""] == 2
    assert both["rta_clients", ""] == 4


def test_one_alone_stays_as_it_is():
    one = rendered({"rta_lag_seconds": 0.1 + 0.2, "rta_ring_bytes": 2.0**60}, left=1)
    assert read(merge_metrics([one])) == read(one)
    assert merge_metrics([one]).decode().split("\n")[:3] == one.decode().split("\n")[:3]


def test_labels_may_hold_what_ends_lines_elsewhere():
    metrics = Metrics(HotCounters(), dict)
    metrics.count("rta_clients_closed_total", reason='a b} "\\ \u2028 \x0b\n1')
    text = metrics.render()
    assert read(merge_metrics([text, text]))["rta_clients_closed_total", 'a b} "\\ \u2028 \x0b\n1'] == 2
