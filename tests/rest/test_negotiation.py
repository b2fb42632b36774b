"""What a client takes and what it has already. RFC 9110, 12.5 and 13.1."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from rta.rest.negotiation import check_accepted, is_held, takes_gzip
from rta.rest.problem import RequestProblem

HUGE = ",".join(["a/b;q=0.1"] * 100_000)


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        (None, True),
        ("", True),
        ("a/x", True),
        ("A/X ; charset=utf-8", True),
        ("a/y", True),
        ("b/z, a/*", True),
        ("a/*;q=0, a/x;q=0.5", True),
        ("b/z, */*;q=0.001", True),
        ("a/x;q=wrong", True),
        ("b/z", False),
        ("a/x;q=0", False),
        ("a/x;q=0.000, a/y;q=0", False),
        ("*/*;q=0", False),
        ("nonsense;;,,=", False),
        (HUGE, False),
    ],
)
def test_one_of_the_names_is_enough(accept, taken):
    headers = Headers({} if accept is None else {"accept": accept})
    if taken:
        check_accepted(headers, "a/x", "a/y")
    else:
        with pytest.raises(RequestProblem, match="a/x") as caught:
            check_accepted(headers, "a/x", "a/y")
        assert caught.value.status == 406


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.8, *;q=0.1", True),
        ("x-gzip", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
    ],
)
def test_gzip_is_for_who_takes_it(text, taken):
    assert takes_gzip(Headers({} if text is None else {"accept-encoding": text})) == taken


@pytest.mark.parametrize(
    ("known", "held"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ("", False),
        ("a", False),
        ('"A"', False),
        ('"b"', False),
        ('"' * 10_000, False),
    ],
)
def test_tags_are_compared_weakly(known, held):
    for tag in ('"a"', 'W/"a"'):
        assert is_held(Headers({"if-none-match": known}), tag) == held
