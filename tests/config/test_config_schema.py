"""The JSON Schema says what loading does."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from rta.config import config_schema, default_config_path
from rta.config.tables import LISTS, SETTINGS, SLOTS, installed
from rta.options import options_fields

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def fits(value, schema, root) -> bool:
    """As much of JSON Schema as ours needs."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    checks = [all(fits(value, s, root) for s in schema.get("allOf", ()))]
    checks.append("anyOf" not in schema or any(fits(value, s, root) for s in schema["anyOf"]))
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        checks.append(any(is_type(value, name) for name in names))
    checks.append("enum" not in schema or value in schema["enum"])
    checks.append("const" not in schema or value == schema["const"])
    if "if" in schema and fits(value, schema["if"], root):
        checks.append(fits(value, schema["then"], root))
    if isinstance(value, str):
        checks.append(re.search(schema.get("pattern", ""), value) is not None)
    elif isinstance(value, (int, float)):
        checks.append(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        checks.append("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        checks.append("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    elif isinstance(value, list):
        checks.extend(fits(item, schema.get("items", {}), root) for item in value)
    elif isinstance(value, dict):
        checks.append(set(schema.get("required", ())) <= value.keys())
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for key, item in value.items():
            if key in properties:
                checks.append(fits(item, properties[key], root))
            else:
                checks.append(others is not False and fits(item, others, root))
    return all(checks)


def valid(text: str) -> bool:
    schema = config_schema()
    return fits(tomllib.loads(text), schema, schema)


@pytest.mark.parametrize("name", ["site.toml", "redis.toml"])
def test_the_files_that_come_with_it_are_valid(name):
    assert valid(default_config_path().with_name(name).read_text(encoding="utf-8"))


def test_the_statuses_of_the_traffic_example_are_valid():
    schema = config_schema()
    document = tomllib.loads(default_config_path().with_name("traffic.toml").read_text(encoding="utf-8"))
    assert fits(document["status"], schema["properties"]["status"], schema)


def test_the_schema_is_json_of_the_draft():
    schema = config_schema()
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False


@pytest.mark.usefixtures("plug_ins")
def test_every_option_of_every_table_is_there():
    schema = config_schema()
    for table, cls in SETTINGS.items():
        assert schema["properties"][table]["properties"].keys() == options_fields(cls).keys()
        assert schema["properties"][table]["additionalProperties"] is False
    for table, cls in LISTS.items():
        assert schema["properties"][table]["items"]["properties"].keys() == options_fields(cls).keys()
        assert schema["properties"][table]["items"]["additionalProperties"] is False
    for table, slot in SLOTS.items():
        for name, (_, offer) in installed(slot)[0].items():
            keys = options_fields(slot.keys).keys() | options_fields(offer.options).keys()
            assert schema["$defs"][f"{table}.{name}"]["properties"].keys() == keys
            assert schema["$defs"][f"{table}.{name}"]["additionalProperties"] is False


@pytest.mark.usefixtures("plug_ins")
def test_an_option_carries_its_type_range_default_and_help():
    options = config_schema()["$defs"]["source.everything"]
    assert options["required"] == ["name", "transport", "address"]
    found = options["properties"]
    assert found["count"] == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMaximum": 10,
        "description": "How many.",
        "default": 3,
    }
    assert found["level"] == {"enum": ["low", "high"], "description": "The level.", "default": "low"}
    assert found["mode"] == {"enum": ["fast", "safe"], "description": "The mode.", "default": "fast"}
    assert found["wait"]["default"] == "1.5s"
    assert found["limit"]["default"] == "64KiB"
    assert found["names"] == {"type": "array", "items": {"type": "string"}, "description": "Names.", "default": []}
    assert found["tls"]["anyOf"][0]["required"] == ["certificate"]
    assert found["name"]["pattern"] == "^(?:[A-Za-z0-9._][A-Za-z0-9._-]{0,99})$"
    assert "default" not in found["note"]


STATUS = "[[status]]\ncode = 'a.b'\nattributes.x.from = 'channel:1'\n[[status.stream]]\n"
EVERYTHING = '[[source]]\nname = "a"\ntransport = "everything"\naddress = "x"\n'


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "edge.port = 5",
        "buffer = { max_bytes = '1 MiB', max_age = 'none' }",
        "buffer = { transport = 'lazy', one = 5 }",
        "pruner.interval = '1h30m'",
        EVERYTHING + "rest = 'none'\nwaits = [1, '2s']\ntls = { certificate = 'c' }\ndetails = { a = 1, b = true }",
        EVERYTHING + "either = 'auto'\nanything = [{}]\nfile = 'f'\nkinds = ['x']",
        EVERYTHING + "either = 2.5",
        "site = { node = 'dk/cph/tlc-001', timezone = 'Europe/Copenhagen', state_dir = 's', administration = true }",
        STATUS,
        STATUS.replace("a.b", "tlc/2"),
        STATUS + "attributes = { x = 'along' }\nupdate = 'off'\ndelta = 5\nqos = 1\nprune = { timeout = '10m' }",
        STATUS + "aggregate = { x = ['avg', 'max'] }\nname = 'n'\nupdate = 60",
        "status = [{ code = 'a.b', attributes.x = { round = 0, components = { 'sg/1' = 'topic:a#b' } } }]",
    ],
)
def test_what_loads_is_valid(load, text):
    load(text)
    assert valid(text)


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    "text",
    [
        "edgy = {}",
        "edge.prot = 5",
        "edge.port = '5'",
        "edge.port = true",
        "edge.transport = 'memory'",
        "buffer = { transport = 'lazy', max_bytes = 5 }",
        "buffer.max_bytes = '1 M'",
        "fanout.keep = -1",
        "fanout.keep = 'abc'",
        "logging.level = 'INFO'",
        "[[source]]\nname = 'a'",
        "[[source]]\ntransport = 'span'",
        "[[source]]\nname = 'a b'\ntransport = 'span'",
        "source = {}",
        EVERYTHING + "count = 10",
        EVERYTHING + "ratio = 0",
        EVERYTHING + "tls = {}",
        EVERYTHING + "details.a = []",
        "site.node = 'a//b'",
        "[status]\ncode = 'a.b'",
        STATUS.replace("a.b", "a"),
        STATUS.replace(".from", ".from_"),
        STATUS + "name = 'a/b'",
        STATUS + "qos = 2",
        STATUS + "delta = 'onchange'",
        STATUS + "aggregate = { x = ['mean'] }",
        STATUS + "prune = { timout = 1 }",
    ],
)
def test_what_does_not_load_is_not_valid(problems, text):
    assert problems(text)
    assert not valid(text)
