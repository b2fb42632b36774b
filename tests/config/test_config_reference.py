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


def items(lines: list[str]) -> dict[str, str]:
    """Each item of a list in one line, by its option."""
    whole = "\n".join(lines).replace("\n  ", " ").splitlines()
    return {line.split("`")[1]: line for line in whole if line.startswith("- `")}


def documented(heading: str, cls: type) -> None:
    found = items(sections(config_docs())[heading])
    for name, option in options_fields(cls).items():
        assert found[name].endswith(f": {option.metadata[HELP]}")
        assert ("; required)" in found[name]) == (option.default is attrs.NOTHING)


@pytest.mark.parametrize("table", SETTINGS)
def test_every_option_of_every_table_has_an_item(table):
    documented(f"`[{table}]`", SETTINGS[table])


@pytest.mark.parametrize("table", LISTS)
def test_every_option_of_every_list_of_tables_has_an_item(table):
    documented(f"`[[{table}]]`", LISTS[table])


def test_tables_within_a_list_of_tables_have_sections_of_their_own():
    documented("`[status.attributes.<name>]`", AttributeSettings)
    documented("`[[status.stream]]`", StreamSettings)


def test_an_option_that_is_a_word_of_the_language_is_documented_as_people_write_it():
    assert "- `from` (text; unset by default): " in config_docs()


def test_what_a_text_is_made_of_is_said_in_words():
    assert "- `node` (text, a node id: levels joined by" in config_docs()


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("table", SLOTS)
def test_every_option_of_every_transport_has_an_item(table):
    header = "`[[source]]`" if table == "source" else f"`[{table}]`"
    documented(header, SLOTS[table].keys)
    found, _ = installed(SLOTS[table])
    assert found
    for name, (_, offer) in found.items():
        documented(f'{header} with `transport = "{name}"`', offer.options)


@pytest.mark.usefixtures("plug_ins")
def test_types_and_defaults_are_as_people_write_them():
    found = items(sections(config_docs())['`[[source]]` with `transport = "everything"`'])
    assert found["address"] == "- `address` (text; required): Where | it is."
    assert found["count"] == "- `count` (whole number, ≥ 0, < 10; default `3`): How many."
    assert found["ratio"] == "- `ratio` (number, > 0; default `0.5`): Of what."
    assert found["enabled"] == "- `enabled` (true or false; default `false`): Whether."
    assert found["wait"] == '- `wait` (duration; default `"1.5s"`): How long.'
    assert found["limit"] == '- `limit` (size; default `"64KiB"`): How large.'
    assert found["rest"] == '- `rest` (duration or "none"; default `"1d"`): How long at most.'
    assert found["note"] == "- `note` (text; unset by default): A note."
    assert found["level"] == '- `level` ("low" or "high"; default `"low"`): The level.'
    assert found["mode"] == '- `mode` ("fast" or "safe"; default `"fast"`): The mode.'
    assert found["file"] == '- `file` (path; default `"here"`): A file.'
    assert found["names"] == "- `names` (list of text; default `[]`): Names."
    assert found["waits"] == "- `waits` (list of durations; default `[]`): Several."
    assert found["kinds"] == "- `kinds` (list of text; default `[]`): A set."
    assert found["either"] == '- `either` ("auto" or number; default `"auto"`): A number or auto.'
    assert found["anything"] == "- `anything` (any value; unset by default): Whatever."
    assert found["tls"] == '- `tls` (table or "none"; unset by default): Encryption.'
    assert found["tls.verify"] == "- `tls.verify` (true or false; default `true`): Whether the peer is verified."
    assert found["tls.versions"] == '- `tls.versions` (list of "1.2" or "1.3"; default `["1.3"]`): Versions.'
    assert (
        found["max_connections"] == '- `max_connections` (whole number or "none", > 0; unset by default): Connections.'
    )


@pytest.mark.usefixtures("plug_ins")
def test_a_default_that_depends_on_other_options_is_left_open():
    assert "- `two` (whole number; unset by default): Two." in config_docs()


@pytest.mark.usefixtures("plug_ins")
def test_a_plug_in_that_does_not_load_is_named_instead_of_documented():
    assert "*Not documented: transport 'broken' (fake_transports:MISSING) does not load: " in config_docs()


def test_a_type_nobody_thought_of_has_its_own_name():
    assert kind(complex) == "complex"
