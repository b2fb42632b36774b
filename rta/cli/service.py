"""Which running service a command speaks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["url_option"]


def url_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--url`, also by `RTA_URL`."""
    return click.option(
        "--url", default="http://127.0.0.1:8180", show_default=True, envvar="RTA_URL", help="The service's base URL."
    )(command)
