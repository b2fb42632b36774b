"""Lists and ranges of components."""

from __future__ import annotations

import pytest

from rta.errors import MalformedError
from rta.rsmp.components import select_components

KNOWN = ["sg/1", "sg/2", "sg/3", "sg/10", "dl/radar/2", "dl/radar/15", "dl/radar/19", "dl/video/a", "main"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sg/1", ["sg/1"]),
        ("main", ["main"]),
        ("sg/1,3", ["sg/1", "sg/3"]),
        ("sg/2-10", ["sg/2", "sg/3", "sg/10"]),
        ("dl/radar/2-6,15-19,25", ["dl/radar/2", "dl/radar/15", "dl/radar/19"]),
        ("dl/video/a", ["dl/video/a"]),
        ("dl/video/a,b", ["dl/video/a"]),
        ("sg", ["sg/1", "sg/2", "sg/3", "sg/10"]),
        ("dl", ["dl/radar/2", "dl/radar/15", "dl/radar/19", "dl/video/a"]),
        (["sg/3", "main", "sg/1", "sg/3"], ["sg/1", "sg/3", "main"]),
    ],
)
def test_what_is_meant(written, meant):
    assert select_components(written, KNOWN) == meant


@pytest.mark.parametrize(
    "written", ["", "sg/", "sg/4", "s", "sg/5-9", "sg/3-1", "1-3", 7, None, ["sg/1", 7], ["sg/1", "x"], ["main"] * 300]
)
def test_what_is_nothing_known_is_malformed(written):
    with pytest.raises(MalformedError):
        select_components(written, KNOWN)


def test_endless_ranges_cost_nothing():
    with pytest.raises(MalformedError):
        select_components("sg/100-999999999", KNOWN)
