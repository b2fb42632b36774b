"""The options of a source, as NAME=VALUE on the command line."""

from __future__ import annotations

from typing import Any

import click

from rta.errors import ConfigError, Problem
from rta.options import CONVERTER, EnvironmentText, faults, written
from rta.ports import Offer, Source

__all__ = ["read_source_options", "split_pairs"]


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
