"""The file that is used when nobody names one."""

from __future__ import annotations

import csv

import rta
from rta.config import check_config, default_config_path, load_config
from rta.ports import Context


class Silent:
    """A reporter nobody listens to."""

    def malformed(self, source, kind, detail):
        raise AssertionError(f"{source}: {kind}: {detail}")

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


def test_its_transports_find_nothing_wrong_with_it():
    config = load_config(None, {})
    assert check_config(config, lambda name: Context(name, config.path.parent, lambda: 0, Silent())) == []


def test_the_data_is_beside_it_with_its_provenance():
    config = load_config(None, {})
    data = config.path.parent / config.sources[0].options.path
    with data.open(encoding="utf-8", newline="") as file:
        assert config.sources[0].options.time_column in next(csv.reader(file))
    provenance = (data.parent / "README.md").read_text(encoding="utf-8")
    assert data.name in provenance
    assert "WTFPL" in provenance


def test_an_installed_package_has_its_own(monkeypatch, tmp_path):
    package = tmp_path / "rta"
    (package / "defaults").mkdir(parents=True)
    monkeypatch.setattr(rta, "__file__", str(package / "__init__.py"))
    assert default_config_path() == tmp_path.resolve() / "config" / "site.toml"
    (package / "defaults" / "site.toml").write_text("")
    assert default_config_path() == package.resolve() / "defaults" / "site.toml"
