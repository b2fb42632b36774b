"""Reading options, as `rta.ports.option` declares them: a table or a text becomes an object of an options class, or a
list of everything that is wrong with it.

Which tables the configuration has, and the file they are in, is in `rta.config`.
"""

from rta.options.converter import CONVERTER, EnvironmentText
from rta.options.faults import FaultLocation, Key, faults, options_fields, written

__all__ = ["CONVERTER", "EnvironmentText", "FaultLocation", "Key", "faults", "options_fields", "written"]
