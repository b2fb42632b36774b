"""What is malformed is told by other processes too."""

from __future__ import annotations

import pickle

import pytest

from rta.errors import MalformedError
from rta.session_query import parse_query


def test_the_error_passes_between_processes() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_query("[")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.kind, str(again)) == (MalformedError, "query", str(caught.value))
