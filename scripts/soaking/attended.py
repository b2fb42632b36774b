"""A process that somebody attends to: every one of its lives, what it takes, and whether it dies by itself."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import trio
from attrs import define, field

__all__ = ["Attended", "Life", "free_port"]

_ROOT = Path(__file__).resolve().parents[2]
_MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WARM = 30.0  # seconds after which a process should have what it needs
_PATIENCE = 60.0  # seconds to start, and to stop in order; many, for a machine that has other things to do


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        port: int = s.getsockname()[1]
        return port


@define
class Life:
    """What one process took once it was warm, MiB and open handles: the least of the first ten looks, and the most."""

    began: float
    looks: int = 0
    memory: float = 0.0
    most_memory: float = 0.0
    handles: int = 0
    most_handles: int = 0

    def look(self, now: float, memory: float, handles: int) -> None:
        """`now`: steady seconds."""
        if now - self.began < _WARM:
            return
        self.looks += 1
        if self.looks <= 10:
            self.memory = min(self.memory or memory, memory)
            self.handles = min(self.handles or handles, handles)
        self.most_memory = max(self.most_memory, memory)
        self.most_handles = max(self.most_handles, handles)

    @property
    def growth(self) -> tuple[float, int]:
        """MiB and handles."""
        return self.most_memory - self.memory, self.most_handles - self.handles


@define(eq=False)
class Attended:
    """Runs `command` again and again. What it says goes to `folder/<name>.log`."""

    name: str
    command: list[str]
    folder: Path
    nursery: trio.Nursery
    serves: Callable[[], bool]
    """Whether it does its work by now."""
    environ: Mapping[str, str] | None = None
    lives: list[Life] = field(factory=list)
    died: list[str] = field(factory=list)
    """Deaths that nobody had asked for."""
    _process: trio.Process | None = None
    _expected: set[trio.Process] = field(factory=set)
    """Those that we have asked to end. What one has said is read to its end, which may be when the next one runs: its
    children may live longer."""

    async def start(self) -> None:
        """Returns once it serves.

        :raises TimeoutError: it does not.
        """
        process = await trio.lowlevel.open_process(
            self.command,
            cwd=_ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._process = process
        self.lives.append(Life(trio.current_time()))
        self.nursery.start_soon(self._attend, process)
        with trio.move_on_after(_PATIENCE):
            while not (process.returncode is None and self.serves()):
                if process.returncode is not None:
                    return  # the one who attends has noticed
                await trio.sleep(0.02)
            return
        raise TimeoutError(f"{self.name} does not serve within {_PATIENCE:g} s; see {self._log}")

    async def kill(self) -> None:
        """As a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """In order, or else it counts as a death."""
        if self._process is None:
            return
        with trio.move_on_after(_PATIENCE):
            await self._end(signal.SIGTERM)
            if self._process.returncode not in (0, -signal.SIGTERM):
                self.died.append(f"{self.name} ended with {self._process.returncode} when it was to stop")
            return
        self.died.append(f"{self.name} has not stopped within {_PATIENCE:g} s")
        await self.kill()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def limit_files(self, size: int | None) -> None:
        """No file may be written to behind so many bytes, as if the disk were full; None: no limit."""
        limit = resource.RLIM_INFINITY if size is None else size
        for pid in self._processes():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def signal_children(self, number: int) -> list[int]:
        """Those that it has started itself; their process ids."""
        children = self._processes()[1:]
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return children

    def _processes(self) -> list[int]:
        """It, and its children; none if it does not run."""
        if self._process is None or self._process.returncode is not None:
            return []
        pid = self._process.pid
        try:
            children = [Path(f"/proc/{pid}/task/{task.name}/children") for task in Path(f"/proc/{pid}/task").iterdir()]
            return [pid, *(int(child) for task in children for child in task.read_text().split())]
        except OSError:  # it has just ended
            return [pid]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def look(self) -> tuple[float, int]:
        """MiB of memory and open handles now, its children's included. Its own are remembered for this life."""
        taken = []
        for pid in self._processes():
            with suppress(OSError):  # it has just ended
                memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / _MIB
                taken.append((memory, len(list(Path(f"/proc/{pid}/fd").iterdir()))))
        if taken:
            self.lives[-1].look(trio.current_time(), *taken[0])
        return sum(memory for memory, _ in taken), sum(handles for _, handles in taken)

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _end(self, number: int) -> None:
        if self._process is not None:
            self._expected.add(self._process)
            self._signal(signal.SIGCONT)
            self._signal(number)
            await self._process.wait()

    async def _attend(self, process: trio.Process) -> None:
        """What it says is kept, and read in any case: a full pipe would stop it."""
        assert process.stderr is not None
        try:
            with self._log.open("ab") as log:
                async with process.stderr:
                    async for text in process.stderr:
                        log.write(text)
                        log.flush()
            await process.wait()
            if process not in self._expected:
                self.died.append(f"{self.name} has died by itself, with {process.returncode}; see {self._log}")
        finally:
            if process.returncode is None:
                process.kill()
                with trio.CancelScope(shield=True):
                    await process.wait()
