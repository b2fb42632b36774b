"""No text from outside can control a terminal: not in logs, messages, tracebacks, or JSON."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import click
import pytest
import structlog
from examples import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import rta.cli
from rta.cli.text import cell, format_value, json_line, outline
from rta.errors import ConfigError, Problem, RtaError
from rta.formatting import printable, printable_lines, shown, toml_text
from rta.logs import set_up_logging
from rta.wire.json_model import dump
from rta.wire.session_json import SessionModel

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""All that a terminal, or what draws its lines, may obey; but for the end of a line."""
STYLE = re.compile(r"\x1b\[[0-9]+m")

EVERYTHING = "".join(map(chr, [*range(0x20), 0x7F, *range(0x80, 0xA0), 0x61C, *range(0x2028, 0x202F), 0x2066, 0x2069]))

texts = st.text(st.sampled_from([*EVERYTHING, *"ab æ\\\"'[]m;"]) | st.characters(codec="utf-8"), max_size=30)


def harmless(text: str) -> bool:
    return not CONTROL.search(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], level, config = before[0], before[1], before[2]
    root.setLevel(level)
    structlog.configure(**config)
    sys.excepthook = hook


@given(texts)
@example(EVERYTHING)
def test_texts_are_printable_wherever_they_are_made_so(text: str) -> None:
    assert harmless(printable(text))
    assert "\n" not in printable(text)
    assert harmless(printable_lines(text))
    assert harmless(shown(text))
    assert tomllib.loads(f"x = {toml_text(text)}")["x"] == text
    assert harmless(toml_text(text))
    assert harmless(cell(text).plain)
    assert all(map(harmless, outline({text: [text], "x": {text: text}})))
    assert printable(printable(text)) == printable(text)


@given(texts)
@example(EVERYTHING)
def test_json_has_escapes_and_says_the_same(text: str) -> None:
    for value in (text, {text: [text]}):
        line = json_line(value)
        assert harmless(line)
        assert "\n" not in line
        assert json.loads(line) == value


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("out", [io.StringIO, Terminal])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(50))
@given(text=texts)
@example(text=EVERYTHING)
@example(text="\x1b]0;OWNED\x07\x1b[41mred")
def test_the_log_is_harmless_whatever_is_logged(form: str, out: type[io.StringIO], text: str) -> None:
    stream = out()
    set_up_logging("debug", form, stream)
    log = structlog.get_logger("test")
    log.info("session", identity=text, values=[text, {text: text}], error=ValueError(text))
    log.warning(text, **{text or "x": text})
    logging.getLogger("foreign").warning("%s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        log.exception("failed")
    assert harmless(STYLE.sub("", stream.getvalue()) if out is Terminal else stream.getvalue())


@pytest.mark.parametrize(
    "error",
    [
        RtaError,
        lambda text: ConfigError([Problem(text)]),
        click.ClickException,
        click.UsageError,
        lambda text: click.BadParameter(text, param_hint=text),
        lambda text: click.FileError(text, text),
    ],
)
def test_what_a_command_complains_of_is_harmless(
    error: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error(f"before {EVERYTHING} behind")

    monkeypatch.setattr(rta.cli, "cli", fail)
    with pytest.raises(SystemExit):
        rta.cli.main()
    said = capsys.readouterr()
    assert said.out == ""
    assert harmless(said.err)
    assert "before" in said.err
    assert "behind" in said.err


def test_a_traceback_is_harmless(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise KeyError("x") from RuntimeError(f"before {EVERYTHING} behind")

    monkeypatch.setattr(rta.cli, "cli", fail)
    with pytest.raises(KeyError) as caught:
        rta.cli.main()
    sys.excepthook(caught.type, caught.value, caught.tb)
    said = capsys.readouterr().err
    assert harmless(said)
    assert "RuntimeError: before" in said
    assert said.endswith("KeyError: 'x'\n")


def test_a_traceback_has_no_token(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise KeyError(f"rta_{'A' * 43}")

    monkeypatch.setattr(rta.cli, "cli", fail)
    with pytest.raises(KeyError) as caught:
        rta.cli.main()
    sys.excepthook(caught.type, caught.value, caught.tb)
    assert capsys.readouterr().err.endswith("KeyError: 'rta_…'\n")


@given(texts)
@example(EVERYTHING)
def test_a_session_as_json_is_harmless(text: str) -> None:
    assert format_value(text) == text  # as it is: whoever prints it has to use one of the others
    session = SessionModel(identity=text, identifier=text, details={text: text})
    assert json.loads(json_line(json.loads(dump(session)))) == json.loads(dump(session))
