"""The command line explains itself."""

from __future__ import annotations

import pytest

from rta import __version__

COMMANDS = (
    "run",
    "check",
    "doctor",
    "config",
    "sessions",
    "streams",
    "alarms",
    "tail",
    "watch",
    "fetch",
    "command",
    "publish",
)


def test_help_lists_the_commands(run):
    shown = run("--help")
    assert (shown.status, shown.err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in shown.out


def test_the_version_is_that_of_the_package(command):
    assert command("--version") == (0, f"rta, version {__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command, name):
    shown = command(name, "--help")
    assert shown.status == 0
    assert shown.out.startswith(f"Usage: rta {name} ")


@pytest.mark.parametrize("arguments", [["fly"], ["run", "--fast"], ["config", "nothing"], ["tail", "a", "b"]])
def test_what_it_does_not_know_is_said_and_exits_with_2(command, arguments):
    refused = command(*arguments)
    assert (refused.status, refused.out) == (2, "")
    assert "Error: " in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(("words", "offered"), [("rta con", ["config"]), ("rta config n", ["new"])])
def test_a_shell_is_told_how_to_complete(command, words, offered):
    asked = {"_RTA_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    told = command(**asked)
    assert (told.status, told.out.split()) == (0, [f"plain,{word}" for word in offered])
