"""`rta streams`: lists, starts, stops, adds, edits and removes the streams of a running service or of a node."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from rich.text import Text

from rta.cli.arguments import read_stream
from rta.cli.place import ask_streams, place_options
from rta.cli.records import beside, fold, lay_out, output_width, print_lines
from rta.cli.stream_explanation import absence, explain_stream, has_details, stream_label
from rta.cli.stream_settings import apply_changes, read_changes
from rta.cli.text import cell, json_line
from rta.cli.times import format_listed_time, read_duration
from rta.errors import RtaError
from rta.formatting import printable
from rta.node.stream_service import StreamService

__all__ = ["command"]

Command = Callable[..., Any]

_STATE = ("state", "seq", "since", "started_by", "stopped_by", "prune_at", "consumers", "last")
_RATES = ("messages_per_second", "bytes_per_second")


def _stream_argument(command: Command) -> Command:
    return click.argument("code")(click.argument("stream", required=False)(command))


def _set_option(required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--set",
        "sets",
        multiple=True,
        required=required,
        metavar="KEY=VALUE",
        help="A setting, as in the configuration: update=30s, attributes.rpm=along, prune.consumers='[\"tmc\"]'. "
        "A value that is not TOML is a text.",
    )


_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for pipes.")


@click.group("streams", invoke_without_command=True)
@place_options
@_json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the streams of a service, or of the node that --node names; or do one of the commands below with a stream.

    CODE is the code of a status, STREAM the name of one of its streams, left out if the stream has no name: `car.engine
    live` or `car.engine/live`, `car.gear`.
    """
    if context.invoked_subcommand is None:
        _list(as_json)
    elif as_json:
        raise click.UsageError("--json is for the list, or stands behind list or show")


@command.command("list")
@place_options
@_json_option
def list_streams(as_json: bool) -> None:
    """List the streams, as rta streams alone does."""
    _list(as_json)


def _list(as_json: bool) -> None:
    streams = ask_streams(lambda service: service.list())
    if as_json:
        for stream in streams:
            click.echo(json_line(stream))
    elif streams:
        print_lines(_list_lines(streams))
        if away := absence(streams[0]):
            click.echo(printable(away), err=True)
    else:
        click.echo("no streams", err=True)


@command.command()
@_stream_argument
@place_options
@_json_option
def show(code: str, stream: str | None, as_json: bool) -> None:
    """Show every setting of a stream, and why it runs or does not run."""
    which = read_stream(code, stream)
    (found,) = ask_streams(lambda service: service.list(*which))
    if as_json:
        click.echo(json_line(found))
        return
    width = output_width()
    print_lines([cell(stream_label(found), "bold")])
    for sentence in explain_stream(found, datetime.now(UTC)):
        print_lines([cell(line) for line in fold(sentence, width)])
    print_lines(_settings(found, width))


@command.command()
@_stream_argument
@click.option(
    "--timeout", metavar="TIME", help="When the stream stops by itself, as in 10m; in place of its own setting."
)
@click.option("--consumer", metavar="NODE", help="The id of the node that the stream is for.")
@place_options
def start(code: str, stream: str | None, timeout: str | None, consumer: str | None) -> None:
    """Start a stream, or renew one that runs."""
    which = read_stream(code, stream)
    seconds = None if timeout is None else read_duration(timeout, "--timeout")
    _print_stream(ask_streams(lambda service: service.start(*which, seconds, consumer)))


@command.command()
@_stream_argument
@place_options
def stop(code: str, stream: str | None) -> None:
    """Stop a stream, whoever started it."""
    which = read_stream(code, stream)
    _print_stream(ask_streams(lambda service: service.stop(*which)))


@command.command()
@_stream_argument
@_set_option(required=False)
@place_options
def add(code: str, stream: str | None, sets: tuple[str, ...]) -> None:
    """Add a stream to a status."""
    status, name = read_stream(code, stream)
    fields = {**apply_changes(read_changes(sets), {}), "code": status, "name": name}
    _print_stream(ask_streams(lambda service: service.add(fields)))


@command.command()
@_stream_argument
@_set_option(required=False)
@click.option("--unset", "unsets", multiple=True, metavar="KEY", help="A setting to set back to its default.")
@place_options
def edit(code: str, stream: str | None, sets: tuple[str, ...], unsets: tuple[str, ...]) -> None:
    """Change settings of a stream. A stream that runs is started again."""
    which = read_stream(code, stream)
    changes = read_changes(sets, unsets)
    if not changes:
        raise click.UsageError("expected something to --set or --unset")

    async def change(service: StreamService) -> dict[str, Any]:
        in_part = any(len(path) > 1 for path in changes)
        now = (await service.list(*which))[0] if in_part else {}
        if in_part and not has_details(now):
            raise RtaError(f"{stream_label(now)}: its node does not say what its settings are")
        return await service.edit(*which, apply_changes(changes, now))

    _print_stream(ask_streams(change))


@command.command()
@_stream_argument
@place_options
def remove(code: str, stream: str | None) -> None:
    """Stop a stream and forget it."""
    which = read_stream(code, stream)
    ask_streams(lambda service: service.remove(*which))
    click.echo(printable(f"{stream_label({'code': which[0], 'name': which[1]})}: removed"))


def _print_stream(stream: dict[str, Any]) -> None:
    click.echo(printable(f"{stream_label(stream)}: {' '.join(explain_stream(stream, datetime.now(UTC)))}"))


def _list_lines(streams: list[dict[str, Any]]) -> list[Text]:
    if not any(map(has_details, streams)):
        return _announced_lines(streams)
    rows = []
    for s in streams:
        texts = [s.get("code"), s.get("name"), s.get("state"), format_listed_time(s.get("since")), s.get("started_by")]
        rates = [f"{_number(s.get(key)):.1f}/s" for key in _RATES]
        rows.append([cell(text) for text in (*texts, format_listed_time(s.get("prune_at")), *rates)])
    heads = ("status", "stream", "state", "since", "started by", "prune at", "messages", "bytes")
    return lay_out(heads, rows, output_width(), keys=2, right=("messages", "bytes"))


def _announced_lines(streams: list[dict[str, Any]]) -> list[Text]:
    """What any node says of its streams."""
    heads = ("status", "stream", "state", "seq", "newest")
    rows = [
        [cell(text) for text in (s.get("code"), s.get("name"), s.get("state"), s.get("seq"), _newest(s))]
        for s in streams
    ]
    return lay_out(heads, rows, output_width(), keys=2, right=("seq",))


def _newest(stream: dict[str, Any]) -> str:
    return format_listed_time(stream.get("newest"))


def _settings(stream: dict[str, Any], width: int | None) -> list[Text]:
    settings = [key for key in stream if key not in ("code", "name", *_STATE, *_RATES)]
    there = [key for key in (*settings, *_STATE, *_RATES) if stream.get(key) not in (None, "", {}, [])]
    heads = [cell(key if key in settings else key.replace("_", " "), "dim") for key in there]
    indent = max((head.cell_len for head in heads), default=0) + 2
    shown = zip(heads, (_last(stream[key]) if key == "last" else _written(stream[key]) for key in there), strict=True)
    return [line for head, text in shown for line in beside(head, text, indent, width)]


def _last(entry: dict[str, Any]) -> str:
    """The newest entry: when, and what."""
    return f"{format_listed_time(entry.get('ts'))}: {_written(entry.get('values'))}"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} = {_written(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
