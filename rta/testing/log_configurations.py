"""Contract of a log: configuration documents that sources publish."""

from __future__ import annotations

import pytest

from rta.testing.log_sessions import ODD_NAMES
from rta.testing.log_under_test import LogUnderTest

__all__ = ["ConfigurationChecks"]


class ConfigurationChecks(LogUnderTest):
    """`publish`, `configuration`."""

    async def test_a_document_nobody_has_published_is_not_there(self) -> None:
        async with self.open_log() as log:
            assert await log.configuration("a") is None

    async def test_a_document_comes_back_as_it_was_published(self) -> None:
        text = '{"é🚗": null,\n "x": "\\u0000"}'
        async with self.open_log() as log, self.open_again(log) as other:
            await log.publish("a", text)
            assert await other.configuration("a") == text

    async def test_documents_do_not_mix(self) -> None:
        async with self.open_log() as log:
            for name in ("a", "b"):
                await log.publish(name, f"of {name}")
            assert [await log.configuration(name) for name in ("a", "b")] == ["of a", "of b"]

    async def test_a_document_published_again_is_nothing_new(self) -> None:
        async with self.open_log() as log:
            await log.publish("a", "{}")
            await log.publish("a", "{}")
            assert await log.configuration("a") == "{}"

    async def test_a_large_document_is_kept_whole(self) -> None:
        text = "x" * (4 << 20)
        async with self.open_log() as log:
            await log.publish("a", text)
            assert await log.configuration("a") == text

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_any_text_names_a_document(self, name: str) -> None:
        async with self.open_log() as log:
            await log.publish("another", "other")
            await log.publish(name, "this")
            assert await log.configuration(name) == "this"

    async def test_a_document_is_no_session(self) -> None:
        async with self.open_log() as log:
            await log.publish("a", "{}")
            assert await log.find("a") is None
            assert await log.sessions() == []
