"""What the archive on disk keeps for overviews is right, also where types of channels become known late."""

from __future__ import annotations

import struct
from pathlib import Path

from rta_transports.sqlite import calls
from rta_transports.sqlite.documents import Document
from rta_transports.sqlite.overview import read_overview
from rta_transports.sqlite.store import ArchiveStore

from rta.ports import ALL_CHANNELS
from rta.testing.archive_under_test import portion
from rta.testing.bursts import MOMENT, json_burst, session_json
from rta.wire import Burst, ChannelId, SampleType, data_item, encode_timestamped, make_burst

from .damage import NOW, SECOND, all_upkeep
from .store_archive import opened

COUNT = 300


def below_zero(block: int) -> Burst:
    """Numbers that are large if they are read by their width alone."""
    times = [MOMENT + (block * COUNT + i) * 10_000_000 for i in range(COUNT)]
    return make_burst([data_item(encode_timestamped(ChannelId(1), times, [-1] * COUNT, SampleType.S16))])


def bounds(store: ArchiveStore) -> tuple[int, float, float]:
    """How many samples there are, the least and the greatest."""
    (found,) = read_overview(store, "a", ALL_CHANNELS, None, None, 10)
    return sum(found.counts), min(found.minima), max(found.maxima)


def kept(store: ArchiveStore) -> int:
    """How many chunks have an overview."""
    session = store.unsealed["a"]
    assert session.db is not None
    (count,) = session.db.execute("SELECT count(*) FROM chunks WHERE length(overview) > 0").fetchone()
    return int(count)


def test_a_type_that_was_guessed_does_not_stay(tmp_path: Path) -> None:
    text = session_json("a", configBindings=[{"identifier": "late", "channelOffset": 0}])
    with opened(tmp_path / "archive") as store:
        calls.append(store, portion([(1, json_burst(text)), (2, below_zero(0))]))
        all_upkeep(store, NOW)
        all_upkeep(store, NOW + 100 * SECOND)
        assert kept(store) == 0
        assert bounds(store) == (COUNT, 65535, 65535)
        types = struct.pack("<IBB", 1, tuple(SampleType).index(SampleType.S16), 0)
        calls.publish(store, Document("late", "{}", types))
        assert bounds(store) == (COUNT, -1, -1)
        calls.append(store, portion([(3, below_zero(1))]))
        all_upkeep(store, NOW + 200 * SECOND)
        all_upkeep(store, NOW + 300 * SECOND)
        assert kept(store) > 0
        assert bounds(store) == (2 * COUNT, -1, -1)
        calls.append(
            store,
            portion(
                [
                    (
                        4,
                        json_burst(
                            session_json("a", "closed", configBindings=[{"identifier": "late", "channelOffset": 0}])
                        ),
                    )
                ]
            ),
        )
        all_upkeep(store, NOW + 400 * SECOND)
        all_upkeep(store, NOW + 500 * SECOND)
        assert not store.unsealed
        assert bounds(store) == (2 * COUNT, -1, -1)
