"""What the page's decoders are tested with is what Python writes and reads."""

import json
from base64 import b64decode
from typing import Any

from rta.wire.block import unpack
from rta.wire.chunks import ChunkParser, DataKind
from scripts.page_vectors import TARGET, vectors

LIMIT = 1 << 20


def unpacked(made: dict[str, Any]) -> dict[str, Any]:
    """With blocks as what is in them: versions of LZ4 may pack differently."""
    out = json.loads(json.dumps(made))
    for one in (*out["blocks"], *out["bursts"]):
        one["packed"] = unpack(b64decode(one["packed"]), LIMIT).hex()
    for one in out["answers"]:
        chunks = ChunkParser(DataKind(one["kind"])).feed(b64decode(one.pop("bytes")))
        one["read"] = [[c.start, c.end, list(c.channels), c.raw().hex()] for c in chunks]
    return out


def test_the_vectors_of_the_page_are_those_of_python() -> None:
    assert unpacked(json.loads(TARGET.read_text(encoding="utf-8"))) == unpacked(vectors()), (
        "write them anew: python scripts/page_vectors.py"
    )
