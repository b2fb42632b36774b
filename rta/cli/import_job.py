"""The process that imports one file: `rta import` starts one for each.

    python -m rta.cli.import_job JOB

JOB is a JSON object. What happens is said in lines of JSON on standard output.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from attrs import asdict, frozen

from rta.cli.archive_place import find_archive
from rta.cli.losses import Losses
from rta.cli.source_options import read_source_options
from rta.errors import RtaError
from rta.importing import lay_down_file
from rta.ports import Context, FileLoad, SessionImport, load_transport
from rta.wire import ByteOrder, SampleType

__all__ = ["ImportJob"]

_EVERY = 0.1  # seconds between two lines of progress


@frozen
class ImportJob:
    """What to import."""

    file: str
    options: dict[str, str]
    """Texts for the options of the source."""
    identity: str
    details: dict[str, str]
    config: str | None
    folder: str | None

    def write(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> ImportJob:
        return cls(**json.loads(text))


class _Told:
    """As the reporter of the source."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.losses = Losses()

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.losses.add(part, kind, detail.removeprefix(self._prefix))

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        match metric:
            case "rta_source_cells_total":
                self.losses.cells += amount
            case "rta_source_cells_lost_total":
                self.losses.lost += amount

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


def _main(job: ImportJob) -> None:
    path = Path(job.file)
    told = _Told(f"{path}: ")
    try:
        load = _load(job, path, told)
        with closing(load):
            sessions = lay_down_file(load, job.details, _writing(job), _Progress(load))
    except RtaError as e:
        _say(error=str(e), reasons=told.losses.reasons() if told.losses.lost else "")
        return
    except OSError as e:
        _say(error=f"{path}: {e.strerror or e}", reasons="")
        return
    found = [{**asdict(s), "file": str(s.file)} for s in sessions]
    _say(sessions=found, share=told.losses.share, summary=list(told.losses.summary()))


def _load(job: ImportJob, path: Path, told: _Told) -> FileLoad:
    """What the file says of its time is taken as it is; where it says nothing, it began when it was last changed.

    :raises RtaError: it, or an option, is not fit.
    """
    offer = load_transport("csv").source
    assert offer is not None
    assert offer.load is not None
    changed = path.stat().st_mtime_ns
    context = Context(path.name, Path.cwd(), lambda: changed, told)
    texts = {"path": job.file, "identity": job.identity, "origin": "auto", **job.options}
    return offer.load(read_source_options(offer, texts), context)


def _writing(job: ImportJob) -> Any:
    place = find_archive(
        None if job.config is None else Path(job.config), None if job.folder is None else Path(job.folder)
    )

    def begin(identity: str, types: Mapping[int, tuple[SampleType, ByteOrder]]) -> SessionImport:
        assert place.offer.write_session is not None
        return place.offer.write_session(place.options, place.context, identity, types)

    return begin


class _Progress:
    def __init__(self, load: FileLoad) -> None:
        self._load = load
        self._told = 0.0

    def __call__(self, samples: int) -> None:
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            _say(progress=self._load.share, samples=samples)


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)  # what is being written is discarded on the way


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it is for `rta import`, which ends us
    with suppress(BrokenPipeError):
        _main(ImportJob.read(sys.argv[1]))
