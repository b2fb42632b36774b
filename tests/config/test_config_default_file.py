"""The file that is used when nobody names one."""

from __future__ import annotations

import csv
import tomllib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

import rta
from rta.config import Config, build_config, check_config, default_config_path, load_config
from rta.ports import Context
from rta.sampling.sources import ParameterSource
from rta.stream.definition import Aggregate


class Silent:
    """A reporter nobody listens to."""

    def malformed(self, source, kind, detail, part=""):
        raise AssertionError(f"{source}: {kind}: {detail}")

    def notice(self, source, kind, detail):
        pass

    def count(self, metric, amount=1, **labels):
        pass

    def gauge(self, metric, amount, **labels):
        pass


def test_it_plays_the_drive_in_a_loop():
    config = load_config(None, {})
    assert config.path == default_config_path()
    assert config.warnings == []
    [source] = config.sources
    assert (source.name, source.stream, source.transport) == ("wrx", "wrx", "csv")
    assert (source.options.identifier, source.options.loop) == ("WRX drive", True)
    assert config.edge.options.host == "127.0.0.1"


def test_its_transports_find_nothing_wrong_with_it(tmp_path):
    config = load_config(None, {})
    assert check_config(config, lambda name: Context(name, config.path.parent, lambda: 0, Silent(), tmp_path)) == []


def test_the_data_is_beside_it_with_its_provenance():
    config = load_config(None, {})
    data = config.path.parent / config.sources[0].options.path
    with data.open(encoding="utf-8", newline="") as file:
        assert config.sources[0].options.time_column in next(csv.reader(file))
    provenance = (data.parent / "README.md").read_text(encoding="utf-8")
    assert data.name in provenance
    assert "WTFPL" in provenance


def traffic() -> Config:
    """The traffic example, with topics within the process."""
    file = default_config_path().with_name("traffic.toml")
    return build_config(tomllib.loads(file.read_text(encoding="utf-8")) | {"topics": {}}, {}, file)


def named_parameters(config: Config) -> set[str]:
    return {
        source.name.removesuffix(f":{config.sources[0].options.app}")
        for status in config.statuses
        for source in status.binding.sources.values()
        if isinstance(source, ParameterSource)
    }


def columns(config: Config) -> set[str]:
    """Names of the parameters that the source makes of its file's columns: without their units."""
    with (config.folder / config.sources[0].options.path).open(encoding="utf-8", newline="") as file:
        return {text.partition(" (")[0] for text in next(csv.reader(file))[1:]}


@pytest.mark.parametrize("load", [lambda: load_config(None, {}), traffic], ids=["site", "traffic"])
def test_statuses_are_of_parameters_that_the_file_has(load):
    config = load()
    assert named_parameters(config)
    assert named_parameters(config) <= columns(config)


def test_it_shows_streams_of_every_kind():
    config = load_config(None, {})
    streams = {f"{s.code}/{s.name}".rstrip("/"): s for status in config.statuses for s in status.streams}
    assert set(streams) == {"car.engine/live", "car.engine/minute", "car.gear", "car.fuel/fine", "car.fuel/trace"}
    assert streams["car.engine/live"].min_interval
    assert streams["car.engine/minute"].aggregating
    assert not streams["car.fuel/trace"].default_on
    assert streams["car.fuel/fine"].prune.timeout


def test_the_statuses_of_the_demo_are_of_the_session_that_it_plays():
    config = load_config(None, {})
    details = config.sources[0].options.details
    for status in config.statuses:
        assert status.binding.selector.details.items() <= details.items()


def test_the_traffic_is_counted_by_the_hour_and_the_day_of_where_it_drives():
    config = traffic()
    source = config.sources[0].options
    assert config.site.zone == ZoneInfo("America/Chicago")
    assert (source.origin, source.time_unit, source.timezone) == ("file", "iso", "America/Chicago")
    [status] = config.statuses
    assert [(s.name, s.update, s.empty_sum) for s in status.streams] == [
        ("hour", 3_600_000_000_000, None),
        ("day", 86_400_000_000_000, None),
    ]
    assert all(Aggregate.SUM in s.aggregates["vehicles"] for s in status.streams)
    assert check_config(config, lambda name: Context(name, config.folder, lambda: 0, Silent())) == []


def test_the_traffic_data_leave_no_hour_open():
    config = traffic()
    with (config.folder / config.sources[0].options.path).open(encoding="utf-8", newline="") as file:
        times = [datetime.fromisoformat(row[0]) for row in list(csv.reader(file))[1:]]
    local = [time.replace(tzinfo=config.site.zone) for time in times if time.tzinfo is None]
    assert len(local) > 40_000
    assert [time for time in local if time.utcoffset() != time.replace(fold=1).utcoffset()] == []


def test_the_traffic_data_names_its_source_as_its_licence_asks():
    provenance = (default_config_path().parent / "data" / "README.md").read_text(encoding="utf-8")
    for word in ("i94-traffic-volume.csv", "UCI Machine Learning Repository", "Metro Interstate", "CC BY 4.0"):
        assert word in provenance


def test_an_installed_package_has_its_own(monkeypatch, tmp_path):
    package = tmp_path / "rta"
    (package / "defaults").mkdir(parents=True)
    monkeypatch.setattr(rta, "__file__", str(package / "__init__.py"))
    assert default_config_path() == tmp_path.resolve() / "config" / "site.toml"
    (package / "defaults" / "site.toml").write_text("")
    assert default_config_path() == package.resolve() / "defaults" / "site.toml"
