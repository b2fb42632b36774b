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

import trustme
from pages import ROOT, Block, Command
from real_servers import held_port, wait_for
from shape import missing

__all__ = ["PATIENCE", "Running", "Walk", "lay_down_modules"]

PATIENCE = 120.0
"""Seconds for a command to say what the page shows."""

RECORDINGS = {"my.csv": 0.01, "drive.csv": 0.01, "lap.csv": 10}
"""The recordings of his own that a reader has, and the steps of their times: ms or s, as the pages have it."""

_KEEPS_RUNNING = re.compile(
    r"(rta|make -o setup) (run|watch|tail)\b(?!.*\|)|rta publish (?!.*--speed 0)|mosquitto|redis-server"
)
_SERVICE = re.compile(r"\b(rta|make -o setup) run\b")
_SERVER = re.compile(r"(mosquitto|redis-server)(?= |$)")
_NEEDS_BROKER = re.compile(r"\brta (watch|fetch|command|alarms|streams --node \S+)\b")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?=\n)")
_REDRAWN = re.compile(r"(?:\x1b\[[0-9;]*[AHFJ]|\r(?!\n))+")
"""What goes back to draw over what there is: a line of its own here."""


_MODULES = ROOT / ".make" / "javascript" / "node_modules"
"""Where `scripts/setup test` puts what the JavaScript client imports."""


def lay_down_modules(folder: Path) -> None:
    """As `npm install` does, with the packages that are locked."""
    assert shutil.which("node"), "there is no Node.js: install it with npm, then `make test` fetches its packages"
    assert _MODULES.is_dir(), f"there is no {_MODULES}: `make test` makes it with npm, or .make/setup.log says why not"
    (folder / "node_modules").symlink_to(_MODULES)


class Walk:
    """One reader, who begins with the files of `config/` in an empty folder. Everything ends with the block."""

    def __init__(self, folder: Path, environ: Mapping[str, str], prefix: str = "") -> None:
        """`prefix` is put before what the section shows as a configuration."""
        self.folder = folder
        self.prefix = prefix
        self.prepared: set[tuple[str, str]] = set()
        self._stack = ExitStack()
        self._running: list[Running] = []
        self._jobs: list[Running] = []
        self._ports = {port: self._stack.enter_context(held_port()) for port in ("8180", "8181", "1883", "6379")}
        self._environ = {
            **{
                name: value
                for name, value in environ.items()
                if not name.startswith("MAKE") and name not in ("ARGS", "VENV")
            },
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"], "/usr/sbin"]),
            "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "installed")]),
            "RTA_URL": f"http://127.0.0.1:{self.port}",
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self._lay_down(ROOT / "config", folder / "config")
        for name, every in RECORDINGS.items():
            rows = "".join(f"{i * every:g},{100 + i % 50},{1 + i % 6}\n" for i in range(2000))
            (folder / name).write_text(f"Time,Speed (km/h),Gear\n{rows}", encoding="utf-8")
        self._lay_down_certificates(folder / "tls")
        for name, target in {".venv": Path(sys.prefix), "Makefile": ROOT / "Makefile", "proto": ROOT / "proto"}.items():
            (folder / name).symlink_to(target)
        self._laid_down = self._found()

    def _found(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    @property
    def left(self) -> set[str]:
        """What the commands of a page have left in the folder."""
        return self._found() - self._laid_down

    @property
    def port(self) -> int:
        """Of the service that the pages have on 8180."""
        return self._ports["8180"]

    @property
    def broker(self) -> Running:
        """The program that the page has started last as one."""
        return next(running for running in reversed(self._running) if running.line.startswith("mosquitto -p"))

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self._ports['6379']}/0"

    def private(self, text: str) -> str:
        """With our ports for the documented ones."""
        for documented, ours in self._ports.items():
            text = re.sub(rf"\b{documented}\b", str(ours), text)
        return text

    def lay_down(self, block: Block) -> Path:
        """Write a block to the file that its first line names, or to `site.toml`; entry points as pip would."""
        name = re.match(r"(?:#|//) ([\w/]+\.\w+)", block.text)
        path = self.folder / (name[1] if name else "site.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "pyproject.toml" and "[build-system]" not in block.text:
            self._install(block.text)
        else:
            path.write_text(self.private(("" if name else self.prefix) + block.text), encoding="utf-8")
        self._laid_down.add(path.relative_to(self.folder).parts[0])
        return path

    def lay_down_project(self) -> None:
        """A copy of ours, to be changed."""
        for name in ("rta", "transports", "tests", "docs"):
            shutil.copytree(ROOT / name, self.folder / name)  # with what is compiled
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
        if ended := re.fullmatch(r"kill((?: %\d)+)", command.line):
            for number in re.findall(r"\d", ended[1]):
                self._jobs[int(number) - 1].stop()
            return
        if command.line == "rm -r state":  # its page has told to end everything before
            for running in reversed(self._running):
                running.stop()
        if package := re.fullmatch(r"pip install \./([\w-]+)", command.line):
            project = self.folder / package[1]
            project.mkdir()
            for name in ("pyproject.toml", package[1].replace("-", "_")):
                (project / name).symlink_to(self.folder / name)
            pip = f"env -u PYTHONPYCACHEPREFIX {shlex.quote(sys.executable)} -m pip"  # it is compiled where it is
            offline = "--quiet --no-index --no-deps --no-build-isolation --target installed"
            self._finish(f"{pip} install {offline} {project.name}/", [])
            return
        line = re.sub(r"^make run", "make -o setup run", command.line.removesuffix("&").strip())
        if "--broker" not in line:
            line = _NEEDS_BROKER.sub(r"\g<0> --broker 127.0.0.1:1883", line)
        if line.startswith("rta publish") and "--redis" not in line:
            line += " --redis redis://127.0.0.1:6379"
        if _SERVICE.search(line) and "centre.toml" not in line and "RTA_EDGE__PORT" not in line:
            line = f"RTA_EDGE__PORT=8180 {line}"
        if "RTA_TOPICS__TRANSPORT=mqtt" in line:
            line = f"RTA_TOPICS__PORT=1883 {line}"
        line = line.replace("mosquitto_sub ", "mosquitto_sub -p 1883 ").replace(
            "redis-server", "redis-server --port 6379"
        )
        line = self.private(line)
        if _KEEPS_RUNNING.search(line):
            running = self._keep(line, command, then)
            if command.line.endswith("&"):
                self._jobs.append(running)
        else:
            assert then is None
            self._finish(line, command.shown)

    def _keep(self, line: str, command: Command, then: Callable[[Running], None] | None = None) -> Running:
        running = Running(line, self.folder, self._environ)
        self._running.append(running)
        if _SERVICE.search(line) or _SERVER.match(line):
            running.wait(lambda: self._serves(line), [])
        else:
            running.wait(lambda: running.said.strip(), command.shown)
        if then is not None:
            then(running)
        running.wait(lambda: not missing(command.shown, running.said), command.shown)
        return running

    def _serves(self, line: str) -> bool:
        given = re.search(r"(?:RTA_EDGE__PORT=|-p |--port )(\d+)", line)
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

    def _lay_down_certificates(self, folder: Path) -> None:
        """Those that the pages name."""
        folder.mkdir()
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(folder / "tls.key")
        issued.cert_chain_pems[0].write_to_path(folder / "tls.crt")
        authority.cert_pem.write_to_path(folder / "clients.crt")

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
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A program that goes on, on a terminal of its own."""

    def __init__(self, line: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.line = line
        self.said = ""
        self._folder = folder
        self._environ = {**environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        self.start()

    def start(self) -> None:
        """Also again, after it was killed."""
        self._terminal, side = pty.openpty()
        os.set_blocking(self._terminal, False)
        self._process = subprocess.Popen(
            ["bash", "-c", self.line if re.match(r"\w+=", self.line) else f"exec {self.line}"],
            cwd=self._folder, env=self._environ,
            stdin=subprocess.DEVNULL, stdout=side, stderr=side, start_new_session=True,
        )  # fmt: skip
        os.close(side)

    def _read(self) -> None:
        with suppress(BlockingIOError, OSError):
            while part := os.read(self._terminal, 1 << 16):
                self.said += _ESCAPES.sub("", _REDRAWN.sub("\n", part.decode(errors="replace")))

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

    def stop(self) -> None:
        """As `kill` does, or Ctrl-C: it ends by itself."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        wait_for(self._has_ended, PATIENCE)

    def _has_ended(self) -> bool:
        self._read()
        return self._process.poll() is not None

    def kill(self) -> None:
        """As a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)

    def end(self) -> None:
        """In order, if it does within 5 s."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with suppress(AssertionError):
                wait_for(self._has_ended, 5)
        self.kill()
