"""The configuration: a TOML file and the environment over it; docs and schema from the same classes."""

from rta.config.check import check_config
from rta.config.context import transport_context
from rta.config.load import build_config, default_config_path, load_config
from rta.config.model import Config, LoggingSettings, Plugged, SiteSettings, SourceConfig
from rta.config.reference import config_docs
from rta.config.schema import config_schema
from rta.config.template import config_template
from rta.options.values import format_duration, format_size, parse_duration, parse_size

__all__ = [
    "Config",
    "LoggingSettings",
    "Plugged",
    "SiteSettings",
    "SourceConfig",
    "build_config",
    "check_config",
    "config_docs",
    "config_schema",
    "config_template",
    "default_config_path",
    "format_duration",
    "format_size",
    "load_config",
    "parse_duration",
    "parse_size",
    "transport_context",
]
