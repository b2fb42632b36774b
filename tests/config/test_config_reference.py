"""The documentation has every option of every table."""

from __future__ import annotations

import attrs
import pytest

from rta.config import config_docs
from rta.config.tables import LISTS, SETTINGS, SLOTS, installed
from rta.node.options import AttributeSettings, StreamSettings
from rta.options import options_fields
from rta.options.kinds import kind
from rta.ports import HELP


def sections(text: str) -> dict[str, list[str]]:
    """The lines below each heading."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            current = found.setdefault(line.lstrip("# "), [])
        else:
            current.append(line)
    return found


def rows(lines: list[str]) -> dict[str, str]:
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


def documented(heading: str, cls: type) -> None:
    found = rows(sections(config_docs())[heading])
    for name, option in options_fields(cls).items():
        assert option.metadata[HELP].replace("|", "\\|") in found[name]
        assert ("*required*" in found[name]) == (option.default is attrs.NOTHING)


@pytest.mark.parametrize("table", SETTINGS)
def test_every_option_of_every_table_has_a_row(table):
    documented(f"`[{table}]`", SETTINGS[table])


@pytest.mark.parametrize("table", LISTS)
def test_every_option_of_every_list_of_tables_has_a_row(table):
    documented(f"`[[{table}]]`", LISTS[table])


def test_tables_within_a_list_of_tables_have_sections_of_their_own():
    documented("`[status.attributes.<name>]`", AttributeSettings)
    documented("`[[status.stream]]`", StreamSettings)


def test_an_option_that_is_a_word_of_the_language_is_documented_as_people_write_it():
    assert "| `from` | text | unset |" in config_docs()


def test_what_a_text_is_made_of_is_said_in_words():
    assert "| `node` | text, a node id: levels joined by" in config_docs()


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("table", SLOTS)
def test_every_option_of_every_transport_has_a_row(table):
    header = "`[[source]]`" if table == "source" else f"`[{table}]`"
    documented(header, SLOTS[table].keys)
    found, _ = installed(SLOTS[table])
    assert found
    for name, (_, offer) in found.items():
        documented(f'{header} with `transport = "{name}"`', offer.options)


@pytest.mark.usefixtures("plug_ins")
def test_types_and_defaults_are_as_people_write_them():
    found = rows(sections(config_docs())['`[[source]]` with `transport = "everything"`'])
    assert found["address"] == "| `address` | text | *required* | Where \\| it is. |"
    assert found["count"] == "| `count` | whole number, ≥ 0, < 10 | `3` | How many. |"
    assert found["ratio"] == "| `ratio` | number, > 0 | `0.5` | Of what. |"
    assert found["enabled"] == "| `enabled` | true or false | `false` | Whether. |"
    assert found["wait"] == '| `wait` | duration | `"1.5s"` | How long. |'
    assert found["limit"] == '| `limit` | size | `"64KiB"` | How large. |'
    assert found["rest"] == '| `rest` | duration or "none" | `"1d"` | How long at most. |'
    assert found["note"] == "| `note` | text | unset | A note. |"
    assert found["level"] == '| `level` | "low" or "high" | `"low"` | The level. |'
    assert found["mode"] == '| `mode` | "fast" or "safe" | `"fast"` | The mode. |'
    assert found["file"] == '| `file` | path | `"here"` | A file. |'
    assert found["names"] == "| `names` | list of text | `[]` | Names. |"
    assert found["waits"] == "| `waits` | list of durations | `[]` | Several. |"
    assert found["kinds"] == "| `kinds` | list of text | `[]` | A set. |"
    assert found["either"] == '| `either` | "auto" or number | `"auto"` | A number or auto. |'
    assert found["anything"] == "| `anything` | any value | unset | Whatever. |"
    assert found["tls"] == '| `tls` | table or "none" | unset | Encryption. |'
    assert found["tls.verify"] == "| `tls.verify` | true or false | `true` | Whether the peer is verified. |"
    assert found["tls.versions"] == '| `tls.versions` | list of "1.2" or "1.3" | `["1.3"]` | Versions. |'
    assert found["max_connections"] == '| `max_connections` | whole number or "none", > 0 | unset | Connections. |'


@pytest.mark.usefixtures("plug_ins")
def test_a_default_that_depends_on_other_options_is_left_open():
    assert "| `two` | whole number | unset | Two. |" in config_docs()


@pytest.mark.usefixtures("plug_ins")
def test_a_plug_in_that_does_not_load_is_named_instead_of_documented():
    assert "*Not documented: transport 'broken' (fake_transports:MISSING) does not load: " in config_docs()


def test_a_type_nobody_thought_of_has_its_own_name():
    assert kind(complex) == "complex"
