"""What a transport of a configuration is opened with."""

from __future__ import annotations

from collections.abc import Callable

from rta.config.model import Config
from rta.ports import Context, Reporter

__all__ = ["transport_context"]


def transport_context(
    config: Config,
    name: str,
    clock: Callable[[], int],
    report: Reporter,
    note: Callable[[str], None] = lambda what: None,
    warn: Callable[[str, str | None], None] = lambda about, what: None,
) -> Context:
    """For the transport of a table or source of this name. `clock`, `report`, `note`, `warn`: see `Context`."""
    state_dir = config.state_dir
    if name == "archive" and state_dir is None:
        state_dir = config.user_state_dir
    return Context(name, config.folder, clock, report, state_dir, note, warn, config.json.session)
