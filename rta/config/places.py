"""Where the default configuration is."""

from __future__ import annotations

from pathlib import Path

import rta

__all__ = ["default_config_path"]


def default_config_path(on_redis: bool = False) -> Path:
    """The file that is used when nobody names one: part of the installed package, or of the checkout.

    `on_redis`: not the demo, but an edge on Redis and nothing else.
    """
    name = "redis.toml" if on_redis else "site.toml"
    assert rta.__file__ is not None
    package = Path(rta.__file__).resolve().parent
    installed = package / "defaults" / name
    return installed if installed.exists() else package.parent / "config" / name
