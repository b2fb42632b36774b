"""Conformance kits for the ports: subclass one in your tests, say how to open your transport, and run pytest.

Needs the extra `rta[test]` (pytest and pytest-trio). Nothing else in `rta` imports this package.
"""

from pkgutil import iter_modules

import pytest

pytest.register_assert_rewrite(*(m.name for m in iter_modules(__path__, "rta.testing.")))

from rta.testing.archive import ArchiveContract  # noqa: E402 - asserts are rewritten from here on
from rta.testing.burst_log import BurstLogContract  # noqa: E402
from rta.testing.bursts import (  # noqa: E402
    burst_of_every_kind,
    event_burst,
    json_burst,
    large_burst,
    large_json_burst,
    number_of,
    numbered_burst,
    range_burst,
    session_json,
)
from rta.testing.edge import EdgeContract  # noqa: E402
from rta.testing.source import SourceContract  # noqa: E402
from rta.testing.topic_bus import TopicBusContract  # noqa: E402

__all__ = [
    "ArchiveContract",
    "BurstLogContract",
    "EdgeContract",
    "SourceContract",
    "TopicBusContract",
    "burst_of_every_kind",
    "event_burst",
    "json_burst",
    "large_burst",
    "large_json_burst",
    "number_of",
    "numbered_burst",
    "range_burst",
    "session_json",
]
