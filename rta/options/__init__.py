"""Options, as `rta.ports.option` declares them: tables and texts become objects, or everything that is wrong with them.

Knows nothing of files and of which tables there are; that is `rta.config`.
"""

from rta.options.converter import CONVERTER, EnvironmentText
from rta.options.faults import Key, faults, options_fields, written

__all__ = ["CONVERTER", "Key", "EnvironmentText", "faults", "options_fields", "written"]
