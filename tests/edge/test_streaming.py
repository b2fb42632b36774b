"""What a client is sent, and when. Source: docs/protocol.md, "What comes"."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio

from rta.client import RestClient
from rta.wire import TimeRange
from rta.wire._pb.stream_pb2 import StreamData, StreamRequest

from .clients import BINARY, RawClient, raw
from .conftest import Serve, Service
from .telemetry import (
    burst,
    decode,
    event,
    noise,
    periodic,
    row,
    samples,
    session_json,
    span,
    subscribe,
    tags,
)


def kinds(items: Iterable[StreamData]) -> list[str | None]:
    return [item.WhichOneof("data") for item in items]


async def settled(client: RawClient, service: Service, identity: str = "s") -> list[StreamData]:
    """The items of all messages up to a session JSON that only this call knows of."""
    mark = session_json(identity, details={"mark": trio.current_time()})
    await service.update(identity, mark)
    items: list[StreamData] = []
    while not any(item.session_json == mark for item in items):
        items += await client.message()
    return items


async def payload_of(client: RawClient, tag: int) -> bytes:
    """The message that this tag is in."""
    while tag not in tags(decode((frame := await client.frame()).payload)):
        pass
    return frame.payload


# ---- before subscribing


async def test_the_first_message_is_the_session_json_alone_as_it_was_written(service: Service) -> None:
    text = '{"Identity":"s","STATE":"Open","timestamp":"2026-05-04T11:50:55.1234567Z","identifier":"é","odd":null}'
    await service.open("s", text)
    await service.send("s", samples(1), span(1, 5))
    async with raw(service.port) as client:
        await client.attach("s")
        first = await client.message()
        assert kinds(first) == ["session_json"]
        assert first[0].session_json == text


async def test_the_second_message_is_the_time_range_alone(service: Service) -> None:
    await service.open("s", session_json("s", timeRange={"startTime": 3, "endTime": 4}))
    await service.send("s", span(2, 3))
    await service.send("s", samples(1), span(4, 9))
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        second = await client.message()
        assert kinds(second) == ["time_range"]
        assert (second[0].time_range.start_time, second[0].time_range.end_time) == (2, 9)


async def test_http_has_the_same_time_range(service: Service) -> None:
    await service.open("s", session_json("s", timeRange={"startTime": 3, "endTime": 4}))
    await service.send("s", samples(1), span(2, 9))
    rest = RestClient(f"http://127.0.0.1:{service.port}")
    (listed,) = await rest.sessions()
    alone = await rest.session("s")
    assert alone is not None
    assert [listed.span, alone.span] == [TimeRange(2, 9)] * 2


async def test_without_a_time_range_none_is_told(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        assert kinds(await settled(client, service)) == ["session_json"]


@pytest.mark.parametrize("identity", ["nobody", "half%20made"])
async def test_a_session_that_cannot_be_streamed_is_closed_with_1000_and_no_message(
    service: Service, identity: str
) -> None:
    await service.log.open_session("half made", "live")  # it has no JSON yet
    async with raw(service.port) as client:
        await client.attach(identity)
        items, close = await client.until_closed()
        assert items == []
        assert close.code == 1000
        assert await client.rest() == b""


async def test_nothing_but_session_json_and_time_ranges_comes_before_a_subscription(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await service.send("s", samples(1), row(2, 1, 2), periodic(3), event(4))
        await service.send("s", samples(5), span(1, 5))
        assert set(kinds(await settled(client, service))) <= {"session_json", "time_range"}


async def test_every_update_of_the_session_json_is_sent(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        for lap in range(5):
            text = session_json("s", details={"lap": lap})
            await service.update("s", text)
            assert [item.session_json for item in await client.message()] == [text]


async def test_time_ranges_are_told_to_those_who_have_subscribed_nothing(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        told = (0, 0)
        for end in range(10, 200, 10):
            await service.send("s", samples(end), span(5, end))
        while told != (5, 190):
            (item,) = await client.message()
            assert item.time_range.end_time > told[1]
            told = (item.time_range.start_time, item.time_range.end_time)


# ---- subscribing


async def test_who_wants_everything_gets_the_packed_bytes_untouched(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True, events=True)
        await settled(client, service)
        sent = await service.send("s", samples(1), row(2, 3, 4), event(3), span(1, 3))
        assert await payload_of(client, 1) == sent.packed


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (subscribe(data=True), [1, 2, 3, 4]),
        (subscribe(events=True), [5]),
        (subscribe(data=True, events=True), [1, 2, 3, 4, 5]),
        (subscribe(7), [1, 3]),
        (subscribe(8), [2, 3]),
        (subscribe(9), [4]),
        (subscribe(7, 9, events=True), [1, 3, 4, 5]),
        (subscribe(1000), []),
        (subscribe(), []),
    ],
    ids=["data", "events", "everything", "7", "8", "9", "7, 9 and events", "another", "nothing"],
)
@pytest.mark.parametrize("order", ["live", "back-fill"])
async def test_a_subscription_selects_rows_samples_and_events(
    service: Service, request_bytes: bytes, expected: list[int], order: str
) -> None:
    async def produce() -> None:
        await service.send("s", samples(1, 7), periodic(2, 8), row(3, 7, 8), row(4, 9), event(5))

    await service.open("s")
    if order == "back-fill":
        await produce()
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send_frame(BINARY, request_bytes)
        before = await settled(client, service)
        if order == "live":
            await produce()
        items = before + await settled(client, service)
        while len(tags(items)) < len(expected):  # a back-fill takes its time, beside what is live
            items += await client.message()
        assert tags(items) == expected


async def test_a_row_comes_whole_if_any_of_its_channels_is_subscribed(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(8)
        await service.send("s", samples(1, 7), row(2, 7, 8, 9))
        (found,) = [i.row_data for i in await client.until_tag(2) if i.WhichOneof("data") == "row_data"]
        assert list(found.channel_ids) == [7, 8, 9]


async def test_widening_back_fills_what_is_new_and_nothing_twice(service: Service) -> None:
    await service.open("s")
    for tag in range(0, 40, 2):
        await service.send("s", samples(tag, 1), samples(tag + 1, 2))
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(1)
        first = await client.until_tag(38)
        assert sorted(tags(first)) == list(range(0, 40, 2))
        await service.send("s", samples(40, 1), samples(41, 2))
        await client.subscribe(2)
        await client.subscribe(2, 1)
        await client.subscribe(data=True)
        await client.subscribe(data=True)
        await service.send("s", samples(42, 1), samples(43, 2), samples(44, 3))
        seen = tags(first)
        with trio.fail_after(50):
            while len(seen) < 45:
                seen += tags(await client.message())
        seen += tags(await settled(client, service))
        assert sorted(seen) == list(range(45))


async def test_back_fill_reaches_no_further_than_the_back_scan(serve: Serve) -> None:
    async with serve(fanout={"back_scan": 0.0}) as service, raw(service.port) as client:
        await service.open("s")
        await service.send("s", samples(1))
        arrived = service.site.context("").clock() // 1_000_000_000
        # Back-fill begins with a whole second of the log's clock.
        await service.until(lambda: service.site.context("").clock() // 1_000_000_000 > arrived, "the next second")
        await service.send("s", samples(2))
        await client.attach("s")
        await client.subscribe(data=True)
        assert tags(await client.until_tag(2) + await settled(client, service)) == [2]


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_a_session_that_is_over_or_asleep_has_its_last_stretch(serve: Serve, state: str) -> None:
    async with serve(fanout={"back_scan": 1.0, "linger": 60.0}) as service, raw(service.port) as client:
        await service.open("s")
        await service.open("awake")
        await service.send("s", samples(1))
        arrived = service.site.context("").clock()
        await service.until(lambda: service.site.context("").clock() > arrived + 2_100_000_000, "two seconds")
        await service.send_many("s", [burst(samples(2)), burst(event(3))])
        arrived = service.site.context("").clock()
        await service.until(lambda: service.site.context("").clock() > arrived + 2_100_000_000, "two seconds")
        await service.send_many("awake", [burst(samples(tag)) for tag in range(100, 200)])
        last = session_json("s", state, details={"about": "the end"})
        await service.update("s", last)
        await client.attach("s")
        await client.subscribe(data=True, events=True)
        assert tags(await client.until_tag(3)) == [2, 3]


async def test_back_fill_is_merged_to_about_64_kib(service: Service) -> None:
    await service.open("s")
    await service.send_many("s", [burst(noise(tag, 1000)) for tag in range(500)])
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        await client.subscribe(data=True)
        messages: list[list[int]] = []
        while sum(map(len, messages)) < 500:
            messages.append(tags(await client.message()))
        assert sorted(t for m in messages for t in m) == list(range(500))
        assert len(messages) < 15


async def test_a_large_burst_is_never_split(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await settled(client, service)
        sent = await service.send("s", noise(1, 500_000), noise(2, 500_000))
        assert await payload_of(client, 1) == sent.packed


async def test_an_unknown_option_of_a_request_is_ignored(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send_frame(BINARY, b"\x1a\x02\x08\x01")  # field 3, of a later version
        await client.send_frame(BINARY, StreamRequest().SerializeToString())
        await client.subscribe(data=True)
        await service.send("s", samples(1))
        assert tags(await client.until_tag(1)) == [1]


async def test_a_request_in_fragments_with_a_ping_between_is_understood(service: Service) -> None:
    await service.open("s")
    await service.send("s", samples(1))
    request = subscribe(*range(200))
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send_frame(BINARY, request[:10], fin=False)
        await client.send_frame(9, b"between")
        await client.send_frame(0, request[10:90], fin=False)
        await client.send_frame(0, b"", fin=False)
        await client.send_frame(0, request[90:])
        assert (await client.next_of(10)).payload == b"between"
        assert tags(await client.until_tag(1)) == [1]


async def test_fifty_thousand_channels_can_be_subscribed_in_one_request(service: Service) -> None:
    await service.open("s")
    await service.send("s", samples(1, 49_999), samples(2, 50_000))
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(*range(50_000))
        assert tags(await client.until_tag(1) + await settled(client, service)) == [1]


async def test_a_hundred_requests_in_a_row_deliver_everything_once(service: Service) -> None:
    await service.open("s")
    await service.send_many("s", [burst(samples(c, c)) for c in range(100)])
    async with raw(service.port) as client:
        await client.attach("s")
        for channel in range(100):
            await client.subscribe(channel)
        seen: list[int] = []
        while len(seen) < 100:
            seen += tags(await client.message())
        assert sorted(seen + tags(await settled(client, service))) == list(range(100))


async def test_clients_of_different_subscriptions_do_not_mix(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as a, raw(service.port) as b:
        await a.attach("s")
        await b.attach("s")
        await a.subscribe(1)
        await b.subscribe(2)
        await settled(a, service)
        await settled(b, service)
        for tag in range(0, 20, 2):
            await service.send("s", samples(tag, 1), samples(tag + 1, 2))
        assert tags(await settled(a, service)) == list(range(0, 20, 2))
        assert tags(await settled(b, service)) == list(range(1, 20, 2))


async def test_sessions_on_one_stream_do_not_mix(service: Service) -> None:
    await service.open("s")
    await service.open("t")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.send("t", samples(1))
        await service.send("s", samples(2))
        assert tags(await settled(client, service)) == [2]


async def test_bursts_are_merged_when_a_delay_is_set(serve: Serve) -> None:
    async with serve(fanout={"merge_delay": 0.1}) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await client.subscribe(data=True)
        await settled(client, service)
        await service.send_many("s", [burst(samples(tag)) for tag in range(50)])
        messages: list[list[int]] = []
        while sum(map(len, messages)) < 50:
            messages.append(tags(await client.message()))
        assert [t for m in messages for t in m] == list(range(50))
        assert len(messages) < 10


async def test_a_session_that_starts_anew_is_followed_on_the_same_connection(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.send("s", samples(1))
        await client.until_tag(1)
        again = await service.open("s", session_json("s", details={"run": 2}))
        await service.send("s", samples(2))
        items = await client.until_tag(2)
        assert again in [item.session_json for item in items]
        assert tags(items) == [2]


async def test_a_time_range_that_cannot_be_right_stretches_nothing_and_is_said(
    serve: Serve, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def is_said() -> bool:  # where to depends on who has set up the log in this process
        return "a time range cannot be right" in capsys.readouterr().out + caplog.text

    async with serve() as service, raw(service.port) as client:
        now = service.site.context("").clock()
        await service.open("s")
        await client.attach("s")
        assert kinds(await client.message()) == ["session_json"]  # it is followed from here on
        await service.send("s", samples(1), span(now - 1000, now))
        await service.send("s", samples(2), span(30_000_000_000, now))
        await service.until_metric(1, "rta_odd_time_ranges_total")
        await service.until(is_said, "a line in the log")
        async with raw(service.port) as late:
            await late.attach("s")
            first, second = [await late.message() for _ in range(2)]
            assert [kinds(first), kinds(second)] == [["session_json"], ["time_range"]]
            assert (second[0].time_range.start_time, second[0].time_range.end_time) == (now - 1000, now)
