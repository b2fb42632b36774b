"""The `rta` command. Each subcommand is a module, which is imported when the subcommand is used."""

from __future__ import annotations

import importlib
import sys
import traceback
from io import StringIO, TextIOWrapper
from types import TracebackType

import click

from rta import __version__
from rta.cli.interrupts import INTERRUPTED, interrupts_end_at_once
from rta.errors import ConfigError, RtaError
from rta.formatting import choices, printable, printable_lines, without_tokens

__all__ = ["main"]

_COMMANDS = {
    "run": ("rta.cli.run", "Run the service."),
    "check": ("rta.cli.check", "Check a configuration, and the files and transports it names, without starting."),
    "inspect": ("rta.cli.inspect", "Say what a file holds, and how it is read."),
    "doctor": ("rta.cli.doctor", "Examine buffer and archive, and say why a session cannot be streamed."),
    "config": ("rta.cli.config", "Show what can be configured, and write a file to begin with."),
    "token": ("rta.cli.token", "Make, list and revoke the static tokens of a site."),
    "login": ("rta.cli.login", "Sign in at a running service."),
    "logout": ("rta.cli.logout", "Forget how one is signed in at a service."),
    "whoami": ("rta.cli.whoami", "Say who one is at a service, and what one may do."),
    "sessions": ("rta.cli.sessions", "List the sessions of a running service."),
    "streams": ("rta.cli.streams", "List the streams of a service or a node; start, stop and change them."),
    "alarms": ("rta.cli.alarms", "List the alarms of a service or of nodes."),
    "tail": ("rta.cli.tail", "Follow a session live."),
    "watch": ("rta.cli.watch", "Watch nodes on a broker: presence, streams, gaps, alarms."),
    "fetch": ("rta.cli.fetch", "Fetch the history of a stream from a node."),
    "history": ("rta.cli.history", "Get out of a damaged history what can be got."),
    "archive": ("rta.cli.archive", "List, check and remove recorded sessions."),
    "command": ("rta.cli.command", "Give a node a command."),
    "import": ("rta.cli.importing", "Put files into the archive, as recorded sessions."),
    "export": ("rta.cli.export", "Export a recorded session to a file."),
    "publish": ("rta.cli.publish", "Write a recording to Redis, as a live session."),
}


class _Lazy(click.Group):
    """Imports a subcommand when it is used, so that the command line answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        with interrupts_end_at_once():
            command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            known = {name: (name,) for name in _COMMANDS}
            ctx.fail(f"there is no command {args[0]!r}; {choices(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rta")
def cli() -> None:
    """Live telemetry over RTA WebSocket streams and RSMP topics."""


def _show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A programming error. What it quotes may have a token in it."""
    said = without_tokens("".join(traceback.format_exception(kind, error, trace)))
    click.echo(printable_lines(said), err=True, nl=False)


def main() -> None:
    """The console entry point. An expected error is printed as one clear message, without a traceback.

    What a message quotes may come from outside, and a terminal must not obey it.
    """
    sys.excepthook = _show_traceback
    if isinstance(sys.stdout, TextIOWrapper):  # names from outside may have characters that cannot be encoded
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(cli(prog_name="rta", standalone_mode=False) or 0)
    except click.ClickException as e:
        said = StringIO()
        e.show(said)
        click.echo(printable_lines(said.getvalue()), err=True, nl=False)
        sys.exit(e.exit_code)
    except click.Abort:  # Ctrl-C that the command itself does not act on
        sys.exit(INTERRUPTED)
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        sys.exit(INTERRUPTED)  # Ctrl-C that came while several tasks ran
    except RtaError as e:
        if isinstance(e, ConfigError):
            for problem in e.problems:
                click.echo(printable(problem), err=True)
            sys.exit(2)
        click.echo(f"rta: {printable_lines(str(e))}", err=True)
        sys.exit(1)
