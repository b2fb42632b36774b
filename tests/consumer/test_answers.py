"""Answers that wait to be read: bounded, and lost with a reason."""

from __future__ import annotations

import pytest
import trio
from rta_transports.memory import MemoryTopics

from rta.consumer import answers as answers_module
from rta.consumer import open_consumer
from rta.consumer.answers import Answers
from rta.consumer.counts import Counts
from rta.errors import NotConnectedError, QueueFullError
from rta.ports import Link, TopicMessage

from .fake_node import NODE, FakeNode


def answer(payload: bytes) -> TopicMessage:
    return TopicMessage("tmc/history/car.engine", payload, correlation=b"x" * 16)


async def test_empty_answers_without_end_are_too_many_at_last(monkeypatch):
    monkeypatch.setattr(answers_module, "_WAITING", 1 << 16)
    answers = Answers(lambda n: b"x" * n, Counts())
    with answers.expect("tmc/history/car.engine", Link(1)) as expected:
        for _ in range(2000):
            answers.handle(answer(b""))
        with pytest.raises(QueueFullError, match="too slow"):
            await expected.receive()


async def test_who_took_the_connection_is_told_to_whoever_waits_for_an_answer(autojump_clock):
    bus = MemoryTopics()
    async with FakeNode(bus.broker).running() as node, open_consumer(bus, "tmc") as consumer:
        node.silent = True
        async with trio.open_nursery() as nursery:

            async def take_over() -> None:
                await trio.sleep(1)
                async with MemoryTopics(broker=bus.broker).connect("tmc"):
                    await trio.sleep(1)

            nursery.start_soon(take_over)
            with pytest.raises(NotConnectedError, match=r"taken over by another client with the id 'tmc'.*unknown"):
                await consumer.command(NODE, "sg.dim")
