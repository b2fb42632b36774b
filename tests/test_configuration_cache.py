"""Configurations are read once, within limits, and where they hold up nobody."""

from __future__ import annotations

import json

import pytest

from rta.configuration_cache import ConfigurationCache
from rta.large_json import SMALL


class Documents:
    """A buffer that has nothing but configurations, and a reporter."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked = 0
        self.kinds: list[str] = []

    async def configuration(self, identifier: str) -> str | None:
        self.asked += 1
        return self.texts.get(identifier)

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.kinds.append(kind)

    def cache(self) -> ConfigurationCache:
        return ConfigurationCache(self, self, ["p500"])  # type: ignore[arg-type]


def document(count: int) -> str:
    parameters = [{"id": f"p{i}:app", "name": f"p{i}", "desc": "", "conv": "", "channels": [i]} for i in range(count)]
    return json.dumps({"app": {"parameters": parameters, "channels": [{"id": i} for i in range(count)]}})


async def test_a_small_document_is_kept_whole_and_read_once() -> None:
    documents = Documents(a=document(50))
    cache = documents.cache()
    found = await cache.get("a")
    assert found is not None
    assert len(list(found.parameters())) == 50
    assert await cache.get("a") is found
    assert documents.asked == 1


@pytest.mark.processes
async def test_of_a_large_document_what_is_needed_is_kept() -> None:
    text = document(2000)
    assert len(text) > SMALL
    found = await Documents(a=text).cache().get("a")
    assert found is not None
    parameters = [parameter.id for _, parameter in found.parameters()]
    assert parameters[0] == "p500:app"
    assert len(parameters) < 50
    assert len(found.left_out) + len(parameters) == 2000


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", "json"),
        ('{"a":' + "[" * 1000 + "]" * 1000 + "}", "oversize"),
        ('{"a":[' + "1," * 5_000_001 + "1]}", "oversize"),
    ],
    ids=["no JSON", "depth", "items"],
)
async def test_a_malformed_document_is_counted_and_empty(text: str, kind: str) -> None:
    documents = Documents(a=text)
    found = await documents.cache().get("a")
    assert found is not None
    assert found.applications == {}
    assert documents.kinds == [kind]


async def test_a_document_that_is_not_there_is_asked_for_again() -> None:
    documents = Documents()
    cache = documents.cache()
    assert await cache.get("a") is None
    documents.texts["a"] = document(1)
    assert await cache.get("a") is not None
