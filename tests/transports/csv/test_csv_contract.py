"""The contract of every source, for each kind of data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from csv_replay import context_in
from rta_transports.csv import CsvOptions, CsvSource

from rta.ports import CloseSession, Source, SourceUpdate
from rta.testing import SourceContract
from rta.wire import SampleType

TEXT = "t,RPM (rpm),Gear,Boost (kPa)\n" + "".join(
    f"{i * 0.05:.2f},{i * 10},{i % 6},{'' if i % 3 else -0.5 * i}\n" for i in range(80)
)


class CsvContract(SourceContract):
    kind = "timestamped"
    loop = False

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.file = tmp_path / "drive.csv"
        self.file.write_text(TEXT)

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        types = {"RPM": SampleType.U16, "Gear": SampleType.U8}
        options = CsvOptions("drive.csv", kind=self.kind, interval=0.05, types=types, loop=self.loop)
        yield CsvSource(options, context_in(self.file.parent))

    def outage(self, source: Source) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def away() -> AsyncIterator[None]:
            elsewhere = self.file.rename(self.file.with_suffix(".away"))
            yield
            elsewhere.rename(self.file)

        return away()


class TestTimestamped(CsvContract):
    pass


class TestPeriodic(CsvContract):
    kind = "periodic"


class TestRow(CsvContract):
    kind = "row"


class TestLoop(CsvContract):
    loop = True

    def enough(self, updates: list[SourceUpdate]) -> bool:
        return sum(isinstance(u, CloseSession) for u in updates) == 3
