"""What the archive of the edge has of a recording, read over REST, and how it differs from what was written."""

from __future__ import annotations

from collections import Counter
from urllib.request import urlopen

import trio

from rta.wire import TimestampedData, decode_timestamped
from rta.wire.chunks import ChunkParser, DataKind, read_chunk
from scripts.soaking.recordings import Recording

__all__ = ["Difference", "compare", "differences"]

_AGAIN = 0.5  # seconds between tries
_TIMEOUT = 30.0

Difference = tuple[int, int, int]
"""Samples that are missing, that are there more than once, and that nobody wrote."""


async def differences(recordings: list[Recording], port: int, patience: float) -> dict[str, Difference]:
    """Of each recording that is not as it was written, once all of it has come, or after so many seconds."""
    found: dict[str, Difference] = {r.identity: (r.written, 0, 0) for r in recordings}
    with trio.move_on_after(patience):
        for recording in recordings:
            while any(found[recording.identity]):
                found[recording.identity] = await _difference(recording, port)
                await trio.sleep(_AGAIN)
    return {identity: difference for identity, difference in found.items() if any(difference)}


async def _difference(recording: Recording, port: int) -> Difference:
    try:
        body = await trio.to_thread.run_sync(_read, recording.identity, port, abandon_on_cancel=True)
    except OSError:
        return recording.written, 0, 0
    return compare(recording.samples, body)


def _read(identity: str, port: int) -> bytes:
    url = f"http://127.0.0.1:{port}/rta/v2/sessions/{identity}/data/timestamped/-"
    with urlopen(url, timeout=_TIMEOUT) as answer:
        body: bytes = answer.read()
    return body


def compare(written: list[tuple[int, float]], body: bytes) -> Difference:
    """`written`: times and values. `body`: an answer of REST to a question for timestamped data."""
    parser = ChunkParser(DataKind.TIMESTAMPED)
    found: Counter[tuple[int, float]] = Counter()
    for chunk in parser.feed(body):
        for item in read_chunk(chunk):
            assert isinstance(item, TimestampedData)
            times, values = decode_timestamped(item)
            found.update(zip(times.tolist(), values.tolist(), strict=True))
    parser.end()
    due = Counter(written)
    return (due - found).total(), sum(n - 1 for n in found.values() if n > 1), len(found.keys() - due.keys())
