"""How many examples a property is tried with."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

__all__ = ["examples", "load_profiles"]


def load_profiles() -> None:
    """`suite` is for the whole suite; `quick`, with a quarter of the examples, for where they have been tried already:
    on another Python.
    """
    # How long an example takes says how busy the machine is.
    given = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("suite", **given)  # type: ignore[arg-type]
    settings.register_profile("quick", max_examples=25, **given)  # type: ignore[arg-type]
    settings.load_profile("suite")


def examples(number: int) -> int:
    """So many under `suite`, and of them the share that the loaded profile has."""
    return max(5, number * settings().max_examples // 100)
