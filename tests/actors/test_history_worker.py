"""The process of a history: what it does, and what becomes of it when it, its disk or its node is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from rta.actors.history_file import HistoryFile, Written, open_history
from rta.errors import HistoryError
from rta.health import Health
from rta.history.entry import Beginning, Retention
from rta.history.file import HistoryWorkerLost
from rta.history.store import HistoryStore, commit, trim
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.testing.patience import until, within
from rta.wire.values import Ns
from tests.actors.asked_of_workers import (
    KEY,
    entries,
    kill_yourself,
    not_to_be_told,
    open_and_wait,
    positions,
    process_id,
    refused,
    wrong,
)

pytestmark = pytest.mark.processes

PATIENCE = 120.0


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_what_is_committed_is_in_the_file(tmp_path):
    path = tmp_path / "state" / "history.sqlite"
    async with open_history(path) as keeper:
        assert (keeper.beginning.last, keeper.beginning.mark, keeper.beginning.kept) == (0, b"", {})
        await keeper.ask(True, commit, set(), entries(1, 500), b"mark")
        assert await keeper.ask(False, positions) == list(range(1, 501))
        assert (await keeper.ask(False, HistoryStore.streams))[KEY].count == 500
    async with open_history(path) as again:
        assert (again.beginning.last, again.beginning.mark) == (500, b"mark")
        assert again.beginning.kept[KEY].count == 500
        await again.ask(True, commit, {KEY}, [], None)
        assert await again.ask(False, positions) == []


async def test_it_is_a_process_that_ends_with_us(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        pid = await keeper.ask(False, process_id)
        assert pid != os.getpid()
        assert is_there(pid)
    assert not is_there(pid)


async def test_it_takes_no_notice_of_signals_that_are_for_us(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        pid = await keeper.ask(False, process_id)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        await keeper.ask(True, commit, set(), entries(1, 1), None)
        assert os.getpgid(pid) != os.getpgid(0)


async def test_calls_that_are_larger_than_the_line_and_many_at_once(tmp_path):
    """In both directions, while what is written goes on in order."""
    got: list[list[int]] = []

    async def read(keeper: Any) -> None:
        got.append(await keeper.ask(False, positions))

    async with open_history(tmp_path / "h.sqlite") as keeper:
        with trio.fail_after(PATIENCE):
            await keeper.ask(True, commit, set(), entries(1, 100, 100_000), None)
            async with trio.open_nursery() as nursery:
                for i in range(20):
                    nursery.start_soon(read, keeper)
                    nursery.start_soon(keeper.ask, True, commit, set(), [], b"%d" % i * 100_000)
            await keeper.ask(True, commit, set(), entries(101, 200), None)
            assert await keeper.ask(False, positions) == list(range(1, 201))
    assert got == [list(range(1, 101))] * 20


async def test_a_call_that_is_cancelled_leaves_the_line_whole(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        for pos in range(1, 30):
            with trio.move_on_after(0):
                await keeper.ask(True, commit, set(), entries(pos, pos, 200_000), None)
        assert await keeper.ask(True, positions) == list(range(1, 30))


async def test_errors_are_raised_where_it_was_asked_for(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        with pytest.raises(HistoryError, match="the disk is full"):
            await keeper.ask(True, refused)
        with pytest.raises(RuntimeError, match="LookupError: a mistake"):
            await keeper.ask(False, wrong)
        assert await keeper.ask(False, positions) == []


async def test_what_cannot_be_opened_says_why(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="the history"):
        async with open_history(tmp_path / "file" / "h.sqlite"):
            pass


async def test_damage_is_told_once(tmp_path):
    path = tmp_path / "h.sqlite"
    async with open_history(path) as keeper:
        await keeper.ask(True, commit, set(), entries(1, 2000), None)
    with path.open("r+b") as file:
        file.seek(15 * 4096)
        file.write(b"\xff" * 4096)
    async with open_history(path) as keeper:
        assert len(keeper.damage) == 1
        assert keeper.beginning.last == 2000
        assert await keeper.ask(False, positions) == []
        assert len(keeper.damage) == 1


def dies_at_its_first_opening(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The process of a history does this when it opens a file of which it was not told that it is unusable."""
    program = f"""
import os, resource, signal, sys
import rta.history.process as process
def open_store(path, patience, unusable, real=process.HistoryStore):
    if unusable is None:
        {how}
    return real(path, patience=patience, unusable=unusable)
process.HistoryStore = open_store
process.main()
"""
    monkeypatch.setattr("rta.store.worker.python_command", lambda module, *rest: [sys.executable, "-c", program, *rest])


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ("os.abort()", "SIGABRT"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (1, -1)); [None for _ in iter(int, 1)]", "SIGXCPU"),
    ],
)
async def test_a_file_at_which_the_process_crashes_or_never_ends_is_set_aside(tmp_path, monkeypatch, how, name):
    path = tmp_path / "h.sqlite"
    async with open_history(path) as keeper:
        await keeper.ask(True, commit, set(), entries(1, 10), None)
    dies_at_its_first_opening(monkeypatch, f"resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); {how}")
    with within(PATIENCE, "the history"):
        async with open_history(path) as keeper:
            assert name in keeper.damage[0]
            await keeper.ask(True, commit, set(), entries(11, 20), None)
            assert await keeper.ask(False, positions) == list(range(11, 21))
    assert len(list(tmp_path.glob("h.sqlite.damaged-*"))) == 1


async def test_a_file_whose_process_somebody_kills_while_it_opens_stays(tmp_path, monkeypatch):
    path = tmp_path / "h.sqlite"
    async with open_history(path) as keeper:
        await keeper.ask(True, commit, set(), entries(1, 10), None)
    with monkeypatch.context() as patched:
        dies_at_its_first_opening(patched, "os.kill(os.getpid(), signal.SIGKILL)")
        with pytest.raises(HistoryError, match="before it was open"):
            async with open_history(path):
                pass
    async with open_history(path) as keeper:
        assert await keeper.ask(False, positions) == list(range(1, 11))


async def test_the_end_does_not_wait_for_an_opening(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    dies_at_its_first_opening(monkeypatch, f"open({str(tmp_path / 'fifo')!r}).read()")
    monkeypatch.setattr("rta.store.worker._ENDING", 1000)
    site = Site(tmp_path)
    ended = trio.Event()

    async def run() -> None:
        await site.file.store.run()
        ended.set()

    with within(PATIENCE, "the end"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            nursery.start_soon(site.file.store.open)
            async with await trio.open_file(tmp_path / "fifo", "wb"):  # the process is there, and opening
                site.file.store.close()
                await ended.wait()


async def test_when_it_is_killed_everybody_who_waits_is_told(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    lost = []

    async def wait(keeper: Any) -> None:
        try:
            await keeper.ask(False, open_and_wait, str(tmp_path / "fifo"))
        except HistoryWorkerLost:
            lost.append(True)

    async with open_history(tmp_path / "h.sqlite") as keeper:
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(wait, keeper)
                await trio.testing.wait_all_tasks_blocked()
                with pytest.raises(HistoryWorkerLost):
                    await keeper.ask(True, kill_yourself)
            await keeper.lost.wait()
            with pytest.raises(HistoryWorkerLost):
                await keeper.ask(False, positions)
    assert lost == [True] * 3


async def test_what_was_committed_is_there_though_it_was_killed(tmp_path):
    path = tmp_path / "h.sqlite"
    for begin in range(0, 500, 100):
        async with open_history(path) as keeper:
            assert keeper.beginning.last == begin
            await keeper.ask(True, commit, set(), entries(begin + 1, begin + 100), None)
            # Asked again by somebody who was not told, it is not done twice.
            await keeper.ask(True, commit, {KEY}, entries(begin + 1, begin + 100), None)
            with pytest.raises(HistoryWorkerLost):
                await keeper.ask(True, kill_yourself)
    async with open_history(path) as keeper:
        assert await keeper.ask(False, positions) == list(range(1, 501))


async def test_what_is_being_read_holds_up_neither_commits_nor_the_end(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    async with open_history(tmp_path / "h.sqlite") as keeper, trio.open_nursery() as nursery:
        nursery.start_soon(keeper.ask, False, open_and_wait, str(tmp_path / "fifo"))
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(PATIENCE):
            await keeper.ask(True, commit, set(), entries(1, 10), None)
        pid = await keeper.ask(True, process_id)
        nursery.cancel_scope.cancel()
    assert not is_there(pid)


async def test_what_is_over_the_limits_goes_also_of_streams_that_have_none(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        await keeper.ask(True, commit, set(), [*entries(1, 10), (("other", ""), 11, Ns(11), 1, b"")], None)
        await keeper.ask(True, trim, {KEY: Retention(3, Ns(0))}, Retention(0, Ns(0)))
        assert {key: bounds.count for key, bounds in (await keeper.ask(False, HistoryStore.streams)).items()} == {
            KEY: 3
        }


_NODE = """
import sys, trio
from pathlib import Path
from rta.actors.history_file import open_history
from rta.history.store import commit
from tests.actors.asked_of_workers import entries, process_id

async def main():
    async with open_history(Path(sys.argv[1])) as keeper:
        await keeper.ask(True, commit, set(), entries(1, 100), None)
        print(await keeper.ask(True, process_id), flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


async def test_it_leaves_the_file_when_its_node_is_killed(tmp_path):
    path = tmp_path / "h.sqlite"
    run = partial(trio.run_process, [sys.executable, "-c", _NODE, str(path)], stdout=subprocess.PIPE, check=False)
    async with trio.open_nursery() as nursery:
        node = await nursery.start(run)
        async with node.stdout:
            pid = int(await node.stdout.receive_some())
            node.kill()
            await node.wait()
    async with open_history(path) as keeper:  # waits for it
        assert keeper.beginning.last == 100
        await until(lambda: not is_there(pid), PATIENCE, "the end of the process")


class Site:
    """A history file with a real process."""

    def __init__(self, folder: Path) -> None:
        self.health = Health()
        self.metrics = Metrics(HotCounters(), dict)
        self.begun: list[int] = []
        self.file = HistoryFile(folder, open_history, self._begin, lambda: None, self.health, self.metrics)

    def _begin(self, beginning: Beginning) -> None:
        self.begun.append(beginning.last)

    async def pid(self) -> int:
        return await self.file.store.read(process_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with within(PATIENCE, "the end of the file"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.file.store.run)
                await self.file.store.open()
                yield
                self.file.store.close()


async def test_what_is_in_flight_when_the_process_is_killed_is_asked_of_the_next_one(tmp_path):
    site = Site(tmp_path)
    written: list[Written] = []
    read: list[list[int]] = []

    async def write() -> None:
        written.append(await site.file.write(commit, set(), entries(101, 200), None))

    async def look() -> None:
        read.append(await site.file.store.read(positions))

    async with site.running():
        assert await site.file.write(commit, set(), entries(1, 100), None) is Written.YES
        pid = await site.pid()
        os.kill(pid, signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            nursery.start_soon(look)
            await trio.testing.wait_all_tasks_blocked()
            os.kill(pid, signal.SIGKILL)
        assert await site.file.store.read(positions) == list(range(1, 201))
        assert await site.pid() != pid
        assert site.health.healthy
    assert written == [Written.YES]
    assert read[0][:100] == list(range(1, 101))
    assert site.begun == [0, 100]


async def test_everybody_gets_to_read_where_many_want_to(tmp_path):
    site = Site(tmp_path)
    got: list[list[int]] = []

    async def look() -> None:
        got.append(await site.file.store.read(positions))

    async with site.running():
        await site.file.write(commit, set(), entries(1, 10), None)
        async with trio.open_nursery() as nursery:
            for _ in range(1000):
                nursery.start_soon(look)
    assert got == [list(range(1, 11))] * 1000


async def test_when_it_dies_again_at_once_it_is_not_known_what_was_written(tmp_path):
    site = Site(tmp_path)
    async with site.running():
        assert await site.file.write(kill_yourself) is Written.UNKNOWN  # also by the next one
        assert not site.file.store.usable
        assert not site.health.healthy
        assert await site.file.write(commit, set(), entries(1, 1), None) is Written.NO
        with pytest.raises(HistoryError, match="cannot be used"):
            await site.file.store.read(positions)


async def test_the_end_waits_for_nothing_that_is_being_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    site = Site(tmp_path)
    errors: list[str] = []

    async def look() -> None:
        try:
            await site.file.store.read(open_and_wait, str(tmp_path / "fifo"))
        except HistoryError as e:
            errors.append(str(e))

    async with trio.open_nursery() as nursery, site.running():
        nursery.start_soon(look)
        await trio.testing.wait_all_tasks_blocked()
    assert len(errors) == 1
    store = HistoryStore(site.file.store.path)
    store.close()


async def test_answers_that_nobody_has_waited_for_are_no_fault(tmp_path, capfd):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        await keeper.ask(True, commit, set(), entries(1, 100, 10_000), None)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(keeper.ask, False, positions)
            nursery.cancel_scope.cancel()
    assert "Traceback" not in capfd.readouterr().err
    async with open_history(tmp_path / "h.sqlite") as again:
        assert again.beginning.last == 100


async def test_an_answer_that_cannot_be_told_is_an_error_and_not_the_end(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        with trio.fail_after(PATIENCE):
            with pytest.raises(RuntimeError, match="pickle"):
                await keeper.ask(False, not_to_be_told)
            assert await keeper.ask(False, positions) == []


async def test_no_more_is_asked_than_a_process_that_hangs_will_have_to_answer(tmp_path):
    async with open_history(tmp_path / "h.sqlite") as keeper:
        pid = await keeper.ask(False, process_id)
        os.kill(pid, signal.SIGSTOP)
        for _ in range(256):
            with trio.move_on_after(0):
                await keeper.ask(False, positions)
        with trio.fail_after(PATIENCE), pytest.raises(HistoryError, match="does not answer"):
            await keeper.ask(False, positions)
        os.kill(pid, signal.SIGCONT)


async def test_a_process_that_cannot_be_started_is_a_history_that_cannot_be_opened(tmp_path, monkeypatch):
    monkeypatch.setattr("rta.store.worker.python_command", lambda *_: ["/is/not/there"])
    site = Site(tmp_path)
    async with site.running():
        assert not site.file.store.usable
        assert "cannot be started" in str(site.health.reasons)
