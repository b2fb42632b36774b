"""Walks through a section of a page as a reader does: files are laid down, commands given, programs left running.

What a page cannot know is replaced: the documented ports by private ones, and the folder by one of the test's own.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pages import ROOT, Block, Command
from real_servers import Mosquitto, RedisServer, held_port, wait_for
from shape import missing

__all__ = ["PATIENCE", "Running", "Walk"]

PATIENCE = 60.0
"""Seconds for a command to say what the page shows."""

RECORDINGS = {"run-42.csv": 10, "drive.csv": 0.01, "lap.csv": 10}
"""The recordings of his own that a reader has, and the steps of their times: ms or s, as the pages have it."""

_KEEPS_RUNNING = re.compile(r"rta (run|watch|tail)\b(?!.*\|)|rta publish (?!.*--speed 0)|mosquitto_sub\b")
_SERVICE = re.compile(r"\brta run\b")
_NEEDS_BROKER = re.compile(r"\brta (watch|fetch|command|alarms|streams --node \S+)\b")
_SUBSCRIBER = """\
#!{python}
import argparse
import paho.mqtt.client as mqtt

parser = argparse.ArgumentParser()
parser.add_argument("-p", type=int)
parser.add_argument("-t")
parser.add_argument("-F", choices=["%t %x"])
options = parser.parse_args()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.on_connect = lambda *_: client.subscribe(options.t)
client.on_message = lambda _, __, message: print(message.topic, message.payload.hex(), flush=True)
client.connect("127.0.0.1", options.p)
client.loop_forever()
"""
"""Stands for `mosquitto_sub`, which is in a package of its own that the tests do without."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Walk:
    """One reader, who begins with the files of `config/` in an empty folder. Everything ends with the block."""

    def __init__(self, folder: Path, environ: Mapping[str, str], prefix: str = "") -> None:
        """`prefix` is put before what the section shows as a configuration."""
        self.folder = folder
        self.prefix = prefix
        self.broker = Mosquitto()
        self.redis = RedisServer()
        self.prepared: set[tuple[str, str]] = set()
        self._stack = ExitStack()
        self._running: list[Running] = []
        ports = {"8180": self._stack.enter_context(held_port()), "8181": self._stack.enter_context(held_port())}
        self._ports = {**ports, "1883": self.broker.port, "6379": self.redis.port}
        self._environ = {
            **environ,
            "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), environ["PATH"]]),
            "PYTHONPATH": str(folder),
            "RTA_URL": f"http://127.0.0.1:{self.port}",
            "HOME": str(folder),
        }
        self._lay_down(ROOT / "config", folder / "config")
        for name, every in RECORDINGS.items():
            rows = "".join(f"{i * every:g},{100 + i % 50},{1 + i % 6}\n" for i in range(2000))
            (folder / name).write_text(f"Time,Speed (km/h),Gear\n{rows}", encoding="utf-8")
        (folder / "bin").mkdir()
        subscriber = folder / "bin" / "mosquitto_sub"
        subscriber.write_text(_SUBSCRIBER.format(python=sys.executable))
        subscriber.chmod(0o755)

    @property
    def port(self) -> int:
        """Of the service that the pages have on 8180."""
        return self._ports["8180"]

    def private(self, text: str) -> str:
        """With our ports for the documented ones."""
        for documented, ours in self._ports.items():
            text = re.sub(rf"\b{documented}\b", str(ours), text)
        return text

    def lay_down(self, block: Block) -> Path:
        """Write a block to the file that its first line names, or to `site.toml`; entry points as pip would."""
        name = re.match(r"# ([\w/]+\.\w+)", block.text)
        path = self.folder / (name[1] if name else "site.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "pyproject.toml":
            self._install(block.text)
        else:
            path.write_text(self.private(("" if name else self.prefix) + block.text), encoding="utf-8")
        return path

    def lay_down_project(self) -> None:
        """A copy of ours, to be changed."""
        for name in ("rta", "transports", "tests", "docs"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (ROOT / "pyproject.toml", *ROOT.glob("*.md")):
            shutil.copy(path, self.folder)
        self._environ["PYTHONPATH"] = os.pathsep.join([str(self.folder), str(self.folder / "transports")])

    def change(self, block: Block) -> None:
        """Do what a block of `diff` says, to the file that its first line names."""
        first, *lines = block.text.splitlines()
        path = self.folder / first.removeprefix("--- ")
        before, after = ("\n".join(x[1:] for x in lines if x[0] in (" ", sign)) + "\n" for sign in "-+")
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path.name} no longer has, once:\n{before}"
        path.write_text(text.replace(before, after), encoding="utf-8")
        if path.name == "pyproject.toml":
            self._install(path.read_text(encoding="utf-8"))

    def script(self, block: Block, shown: list[str] | None = None) -> str:
        """Run a block of Python. With `shown` it goes on until it has said that, else it ends by itself: its output."""
        path = self.folder / f"block-{len(list(self.folder.glob('block-*')))}.py"
        path.write_text(self.private(block.text), encoding="utf-8")
        line = f"{shlex.quote(sys.executable)} -u {path.name}"
        return self._finish(line, []) if shown is None else self._keep(line, Command(line, shown)).said

    def give(self, command: Command, then: Callable[[Running], None] | None = None) -> None:
        """One line at the prompt. `then` is done to a program that goes on, once it has said something."""
        line = command.line.removesuffix("&").strip()
        if re.match(r"(mosquitto|redis-server)( -p 1883)?$", line):
            self._stack.enter_context(self.broker if line.startswith("mosquitto") else self.redis)
            return
        line = line.replace(".venv/bin/", "")
        if "--broker" not in line:
            line = _NEEDS_BROKER.sub(r"\g<0> --broker 127.0.0.1:1883", line)
        if line.startswith("rta publish") and "--redis" not in line:
            line += " --redis redis://127.0.0.1:6379"
        if _SERVICE.search(line) and "centre.toml" not in line and "RTA_EDGE__PORT" not in line:
            line = f"RTA_EDGE__PORT=8180 {line}"
        line = self.private(line.replace("mosquitto_sub ", "mosquitto_sub -p 1883 "))
        if _KEEPS_RUNNING.search(line):
            self._keep(line, command, then)
        else:
            assert then is None
            self._finish(line, command.shown)

    def _keep(self, line: str, command: Command, then: Callable[[Running], None] | None = None) -> Running:
        running = Running(line, self.folder, self._environ)
        self._running.append(running)
        if _SERVICE.search(line):
            running.wait(lambda: self._serves(line), [])
        else:
            running.wait(lambda: running.said.strip(), command.shown)
        if then is not None:
            then(running)
        running.wait(lambda: not missing(command.shown, running.said), command.shown)
        return running

    def _serves(self, line: str) -> bool:
        given = re.search(r"RTA_EDGE__PORT=(\d+)", line)
        socket.create_connection(("127.0.0.1", int(given[1]) if given else self._ports["8181"]), 1).close()
        return True

    def _finish(self, line: str, shown: list[str]) -> str:
        """Until it succeeds and says what is shown: what is started before it need not be ready at once."""
        done = None

        def succeeds() -> bool:
            nonlocal done
            done = subprocess.run(
                ["bash", "-o", "errexit", "-c", line],
                cwd=self.folder, env=self._environ, capture_output=True, text=True, timeout=PATIENCE,
            )  # fmt: skip
            return done.returncode == 0 and not missing(shown, done.stdout)

        try:
            wait_for(succeeds, PATIENCE)
        except AssertionError as e:
            assert done is not None
            lacks = "".join(f"\n  is not said: {x}" for x in missing(shown, done.stdout))
            raise AssertionError(f"{line}\nended with {done.returncode}{lacks}\n{done.stdout}{done.stderr}") from e
        assert done is not None
        return done.stdout

    def _lay_down(self, source: Path, target: Path) -> None:
        """Configurations with our ports; recordings as they are."""
        target.mkdir(parents=True)
        for path in sorted(source.iterdir()):
            if path.suffix == ".toml":
                (target / path.name).write_text(self.private(path.read_text(encoding="utf-8")), encoding="utf-8")
            else:
                (target / path.name).symlink_to(path)

    def _install(self, pyproject: str) -> None:
        project = tomllib.loads(pyproject)["project"]
        for group, entries in project["entry-points"].items():
            name = project.get("name", group.replace(".", "_"))
            folder = self.folder / f"{name}-1.0.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
            (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in reversed(self._running):
            running.end()
        self.broker.stop()
        self.redis.stop()
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A program that goes on, on a terminal of its own."""

    def __init__(self, line: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.line = line
        self.said = ""
        self._terminal, side = pty.openpty()
        os.set_blocking(self._terminal, False)
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {line}" if line.startswith(("rta", "mosquitto_sub", "/")) else line],
            cwd=folder, env={**environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            stdin=subprocess.DEVNULL, stdout=side, stderr=side, start_new_session=True,
        )  # fmt: skip
        os.close(side)

    def _read(self) -> None:
        with suppress(BlockingIOError, OSError):
            while part := os.read(self._terminal, 1 << 16):
                self.said += _ESCAPES.sub("", part.decode(errors="replace"))

    def wait(self, for_: Callable[[], object], shown: list[str]) -> None:
        """It may end meanwhile, but only well."""

        def has_come() -> bool:
            status = self._process.poll()
            self._read()
            with suppress(OSError):
                if for_():
                    return True
            assert status is None, f"{self.line}\nended with {status}\n{self.said}"
            return False

        try:
            wait_for(has_come, PATIENCE)
        except AssertionError as e:
            lacks = "".join(f"\n  is not said: {x}" for x in missing(shown, self.said))
            raise AssertionError(f"{self.line}: {e}{lacks}\n{self.said[-6000:]}") from e

    def end(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)
