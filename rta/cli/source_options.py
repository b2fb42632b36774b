"""How the command line says how a file of samples is read, and how much of it may be unreadable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from rta.errors import ConfigError, Problem
from rta.options import CONVERTER, EnvironmentText, faults, written
from rta.ports import Offer, Source

__all__ = ["file_options", "read_source_options", "split_pairs"]

Command = Callable[..., Any]


class _Share(click.ParamType[float]):
    """A share as people write it: 1%, 0.01."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1
        if not 0 <= share <= 1:
            self.fail(f"expected a share such as 1% or 0.01, got {text!r}", param, ctx)
        return share


_OPTIONS = (
    click.option("--identifier", help="The session's name for people. Default: the name of the file."),
    click.option("--time-column", help="Header of the column with the times. Default: found."),
    click.option(
        "--time-unit", type=click.Choice(["s", "ms", "us", "ns", "iso"]), help="Unit of the times. Default: found."
    ),
    click.option(
        "-o",
        "--option",
        "more",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other option of the csv transport, as in -o kind=row; may be repeated.",
    ),
    click.option(
        "--max-faults",
        "most",
        default="1%",
        show_default=True,
        type=_Share(),
        metavar="SHARE",
        help="The exit status is 1 if more than this share of the cells of a file was left out; as in 5% or 0.05.",
    ),
)


def file_options(command: Command) -> Command:
    """Add those of each command that reads a file. `more`: for `split_pairs`; `most`: the share of `--max-faults`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def split_pairs(more: tuple[str, ...]) -> dict[str, str]:
    """The texts of `-o`, by name.

    :raises BadParameter: one has no equals sign.
    """
    pairs = {}
    for text in more:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"expected NAME=VALUE, got {text!r}", param_hint="'-o'")
        if name.strip() == "path":
            raise click.BadParameter("the path is FILE", param_hint="'-o'")
        pairs[name.strip().replace("-", "_")] = value
    return pairs


def read_source_options(offer: Offer[Source], texts: dict[str, str]) -> Any:
    """The options of a source.

    :raises ConfigError: every problem of the options.
    """
    try:
        return CONVERTER.structure({k: EnvironmentText(v) for k, v in texts.items()}, offer.options)
    except (ValueError, ExceptionGroup) as e:
        raise ConfigError([Problem(f"{written(key)}: {message}") for key, message in faults(e, ())]) from None
