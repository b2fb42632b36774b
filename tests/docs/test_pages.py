"""Every block of Python, every command and every configuration in the pages does what the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import redis
from pages import PAGES, ROOT, Block, Command, Section, prose, sections
from walk import Running, Walk, lay_down_modules

from rta.cli import cli

WHOLE = ("docs/plug-ins.md", "CONTRIBUTING.md")
"""Pages whose sections build on each other; elsewhere each is for itself."""


def _of(page: Path) -> list[Section]:
    found = sections(page)
    whole = found and found[0].page in WHOLE
    return [Section(found[0].page, "", [b for s in found for b in s.blocks])] if whole else found


SECTIONS = [section for page in PAGES for section in _of(page)]

_RECORDED = (
    'curl -sf "http://127.0.0.1:8180/rta/v2/sessions/'
    "$(rta sessions --json | cut -d '\"' -f 4 | tail -1)/data/timestamped/-\" -o data && test -s data"
)
"""Succeeds when samples have been recorded: the README has its reader wait for a minute."""

BEFORE: dict[tuple[str, str], list[str]] = {
    ("README.md", "rta sessions --json | cut"): [_RECORDED],
    ("docs/client.md", "node client.mjs"): ["rta run --config config/site.toml"],
    ("CONTRIBUTING.md", ".venv/bin/rta count"): ["rta run --config config/site.toml"],
    ("docs/streams.md", "curl"): ["rta run --config config/site.toml"],
    ("docs/export.md", "rta export latest --to 1min -o first-minute.csv"): ["rta run --config config/site.toml"],
    ("docs/remote.md", "rta sessions"): [
        "mosquitto -p 1883",
        "RTA_SITE__NODE=dk/cph/tlc-1 RTA_EDGE__PORT=8181 rta run --config config/roadside.toml",
        "RTA_SOURCE__PLANT__HOST=127.0.0.1 RTA_SOURCE__PLANT__PORT=1883 rta run --config site.toml",
    ],
    ("docs/history.md", "rta history salvage"): [f"python {ROOT / 'tests/docs/damaged_history.py'}"],
    ("docs/archive.md", "rta archive list"): [f"python {ROOT / 'tests/docs/recorded_session.py'}"],
    ("docs/writer.md", "rta publish drive.csv --redis redis://127.0.0.1:6379"): ["redis-server --save ''"],
    ("docs/consumer.md", "python"): [
        "mosquitto -p 1883",
        "RTA_TOPICS__TRANSPORT=mqtt RTA_TOPICS__PORT=1883 rta run --config config/site.toml",
    ],
    ("docs/writer.md", "python"): ["redis-server --save ''"],
}
"""What a page takes for running already, before the command that begins so, or before its first block of Python."""

PREFIX = {
    "docs/alarms.md": '[site]\nnode = "45fe"\n',
    "docs/streams.md": '[site]\nnode = "45fe"\n',
    "docs/remote.md": "",
}
"""What a page leaves out of a configuration that it shows a part of."""

ENDLESS = {("docs/consumer.md", 0): ["{'streams':", "1700000000000000000 {'rpm':"]}
"""Blocks of Python, counted in their page, that go on for ever: what they say."""

KEPT = {"Who may look": {"token"}, "Recorded, and there after a restart": {"first", "data", "first-minute.csv"}}
"""What a section of the README leaves, and says so."""

COMMANDS = set(cli.list_commands(click.Context(cli)))


class NotRun(NamedTuple):
    """Why the tests do not run something that a page shows, and what they look at instead."""

    reason: str
    check: Callable[[str], object]


def _target(line: str) -> bool:
    return re.search(rf"^{line.split()[1]}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None


def _files(line: str) -> bool:
    return all((ROOT / path).exists() for path in re.findall(r"-f (\S+)", line))


def _locked(line: str) -> bool:
    asked = json.loads((ROOT / "tests" / "docs" / "javascript" / "package.json").read_text())["dependencies"]
    return set(line.split()[2:]) == set(asked)


def _compiles(text: str) -> bool:
    return compile(text, "page", "exec") is not None


NOT_RUN = {
    ("CONTRIBUTING.md", "make setup"): NotRun("it sets up an environment; entry points are laid down", _target),
    ("CONTRIBUTING.md", "make unit"): NotRun("these tests would run within themselves", _target),
    ("CONTRIBUTING.md", "make check"): NotRun("these tests would run within themselves", _target),
    ("CONTRIBUTING.md", "make test ARGS='-n 0 -k session -x'"): NotRun("they would run within themselves", _target),
    ("docs/client.md", "npm install lz4js protobufjs ws"): NotRun("what it would install is laid down", _locked),
    ("docs/consumer.md", 'drive = pandas.read_csv("engine.csv", parse_dates=["ts"]).set_index("ts")'): NotRun(
        "pandas is the reader's own; tests/cli holds the columns", _compiles
    ),
    ("deploy/README.md", "docker compose -f deploy/docker/compose.yaml up --build"): NotRun(
        "there is no Docker; tests/deploy reads the file", _files
    ),
    (
        "deploy/README.md",
        "docker compose -f deploy/docker/compose.yaml run --rm edge-1 token add me --role read"
        " --config /etc/rta/site.toml",
    ): NotRun("there is no Docker; tests/deploy reads the file", _files),
    ("deploy/README.md", "kubectl create secret generic telemetry-redis --from-literal=password=…"): NotRun(
        "there is no cluster; the files must name the secret",
        lambda line: line.split()[4] in "".join(p.read_text() for p in (ROOT / "deploy/kubernetes").glob("*.yaml")),
    ),
    (
        "deploy/README.md",
        'kubectl create secret generic telemetry-tickets --from-literal=key="$(head -c 32 /dev/urandom | base64)"',
    ): NotRun(
        "there is no cluster; the files must name the secret",
        lambda line: line.split()[4] in "".join(p.read_text() for p in (ROOT / "deploy/kubernetes").glob("*.yaml")),
    ),
    ("deploy/README.md", "kubectl apply -f deploy/kubernetes/"): NotRun(
        "there is no cluster; tests/deploy reads the files", _files
    ),
}


def _first(text: str) -> str:
    return text.strip().splitlines()[0]


def _parts(section: Section) -> list[str]:
    """What of a section is run: the commands, and the first lines of the blocks of Python."""
    out = []
    for block in section.blocks:
        if block.language == "console":
            out += [command.line for command in block.commands]
        elif block.language == "python":
            out.append(_first(block.text))
    return out


def _walks(section: Section) -> bool:
    run = [part for part in _parts(section) if (section.page, part) not in NOT_RUN]
    return bool(run) or any(block.language == "toml" for block in section.blocks)


@pytest.mark.timeout(800)
@pytest.mark.parametrize("section", [s for s in SECTIONS if _walks(s)], ids=str)
def test_a_section_does_what_it_shows(section: Section, tmp_path: Path, environ: dict[str, str]) -> None:
    with Walk(tmp_path / "walk", environ, PREFIX.get(section.page, "")) as walk:
        if section.page == "CONTRIBUTING.md":
            walk.lay_down_project()
        for block in section.blocks:
            if block.language == "diff":
                walk.change(block)
            elif block.language == "toml":
                _configure(walk, section, block)
            elif block.language == "python":
                _python(walk, section, block)
            elif block.language in ("js", "bash"):
                _program(walk, section, block)
            elif block.language == "console":
                for command in block.commands:
                    _command(walk, section, command)
        if section.page == "README.md":
            kept = KEPT.get(section.heading, set())
            assert walk.left <= kept | {"state"}  # where services keep theirs in a walk
            assert all((walk.folder / name).stat().st_size for name in kept)


def _configure(walk: Walk, section: Section, block: Block) -> None:
    path = walk.lay_down(block)
    given = "".join(b.text for b in section.blocks if b.language == "console")
    if path.name == "site.toml" and "rta check" not in given:
        walk.give(Command(f"rta check --config {path.name}", ["site.toml: ok;"]))


def _python(walk: Walk, section: Section, block: Block) -> None:
    if block.text.startswith("# "):
        path = walk.lay_down(block)
        given = [part for part in _parts(section) if re.match(r"(\.venv/bin/)?(python -m pytest|pytest|rta) ", part)]
        assert given, f"nothing runs {path.name}"
        return
    if (section.page, _first(block.text)) in NOT_RUN:
        return
    all_of_page = [b for s in SECTIONS if s.page == section.page for b in s.blocks if b.language == "python"]
    _prepare(walk, section.page, "python")
    walk.script(block, ENDLESS.get((section.page, all_of_page.index(block))))
    if section.page == "docs/writer.md":
        _written(walk)


def _program(walk: Walk, section: Section, block: Block) -> None:
    path = walk.lay_down(block)
    assert any(path.name in part.split() for part in _parts(section)), f"nothing runs {path.name}"


def _command(walk: Walk, section: Section, command: Command) -> None:
    if command.line.startswith("npm install "):
        lay_down_modules(walk.folder)
    if (section.page, command.line) in NOT_RUN:
        return
    _prepare(walk, section.page, command.line)
    then = None
    if command.line == "rta watch 'dk/cph/+'":
        then = partial(_outage, walk)
    walk.give(command, then)


def _prepare(walk: Walk, page: str, line: str) -> None:
    for (of, begin), steps in BEFORE.items():
        if of == page and line.startswith(begin) and (page, begin) not in walk.prepared:
            walk.prepared.add((page, begin))
            for step in steps:
                walk.give(Command(step, []))


def _outage(walk: Walk, watch: Running) -> None:
    """What the page asks the reader to do: the broker is stopped, in one way or another, and started again."""
    watch.wait(lambda: "rpm=" in watch.said, [])
    walk.broker.kill()
    watch.wait(lambda: "no connection" in watch.said, [])
    walk.broker.start()


def _written(walk: Walk) -> None:
    """Each example of the page on writing has written a session that has ended."""
    with redis.Redis.from_url(walk.redis_url, decode_responses=True) as client:
        [key] = client.scan_iter("sessions:*")
        session = client.hgetall(key)
        assert client.smembers("streams") == {"car1"}
        client.flushall()
    assert '"state":"closed"' in session["json"]
    assert session["tStart"] <= session["tEnd"]


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_no_block_is_of_a_kind_that_nothing_runs(section: Section) -> None:
    for block in section.blocks:
        assert block.language in ("python", "js", "bash", "console", "toml", "diff", "text", "json", ""), _first(
            block.text
        )
        if block.language in ("text", "json", ""):
            assert not re.search(r"^(\$ |import |from \w+ import |\[\[?\w+\]\]?$)", block.text, re.MULTILINE), (
                block.text
            )


@pytest.mark.parametrize(("page", "shown"), NOT_RUN, ids=lambda x: x[:40])
def test_what_is_not_run_is_in_its_page_and_is_looked_at_otherwise(page: str, shown: str) -> None:
    there = {part for section in SECTIONS if section.page == page for part in _parts(section)}
    assert shown in there, f"{page} no longer has it: take it out of the table"
    assert NOT_RUN[page, shown].check(shown)


@pytest.mark.parametrize(("page", "begin"), BEFORE, ids=lambda x: x[:40])
def test_what_is_prepared_is_in_its_page(page: str, begin: str) -> None:
    there = [part for section in SECTIONS if section.page == page for part in _parts(section)]
    assert begin == "python" or any(part.startswith(begin) for part in there)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_within_sentences_exist(page: Path) -> None:
    text = "\n".join(line for _, line in prose(page))
    targets = set(re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)", text)) - targets == set()
    assert set(re.findall(r"`rta ([a-z]+)", text)) - COMMANDS == set()
