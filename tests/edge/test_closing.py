"""How conversations end: by the client, by its faults, by the session.

Source: docs/protocol.md, "Close codes"; RFC 6455, section 7.
"""

from __future__ import annotations

import pytest

from rta.ports import UpdateSession

from .clients import BINARY, CLOSE, PING, PONG, TEXT, close_frame, masked, raw, stream_path, upgrade
from .conftest import Serve, Service
from .telemetry import burst, decode, noise, samples, session_json, subscribe, tags

TOO_LONG = masked(BINARY, bytes(1 << 20) + b"!")


# ---- by the client


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_close_is_answered_with_the_same_code_and_the_end(service: Service, code: int) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        await client.send(close_frame(code, "bye"))
        assert (await client.next_of(CLOSE)).code == code
        assert await client.rest() == b""


async def test_a_close_without_a_code_is_answered_without_one(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send(close_frame(None))
        assert (await client.next_of(CLOSE)).payload == b""


async def test_a_close_sent_with_the_handshake_is_answered(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.send(upgrade(stream_path("s")) + close_frame(1000))
        await client.answer()
        assert (await client.next_of(CLOSE)).code == 1000
        assert await client.rest() == b""


async def test_a_close_in_the_middle_of_lots_of_data_is_answered_behind_whole_frames(service: Service) -> None:
    await service.open("s")
    await service.send_many("s", [burst(noise(tag)) for tag in range(150)])
    async with raw(service.port, receive_buffer=4096) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.until_metric(5, "rta_backfill_bursts_total")
        await client.send(close_frame(1000))
        while (frame := await client.frame()).opcode != CLOSE:
            assert frame.opcode == BINARY
        assert frame.code == 1000
        assert await client.rest() == b""


async def test_what_comes_behind_the_clients_close_is_ignored(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send(close_frame(1000) + masked(PING, b"late") + masked(BINARY, subscribe(data=True)))
        assert (await client.next_of(CLOSE)).code == 1000
        assert await client.rest() == b""


async def test_a_client_that_resets_is_forgotten(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.until_metric(1, "rta_clients")
        client.reset()
    await service.until_connections(0)
    assert service.metric("rta_clients") == 0


async def test_a_client_that_shuts_down_its_sending_side_without_a_close_is_forgotten(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.stream.send_eof()
        await client.gone()
        await service.until_connections(0)


# ---- by its faults


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (masked(TEXT, b"hello"), 1003),
        (masked(BINARY, b"\xff\xff\xff"), 1007),
        (TOO_LONG, 1009),
        (masked(BINARY, bytes(700_000), fin=False) + masked(0, bytes(700_000), fin=False), 1009),
        (masked(BINARY, fin=False) + masked(0, fin=False) * 16_384, 1009),
        (masked(BINARY, subscribe(1), mask=False), 1002),
        (b"\xf2\x80\x00\x00\x00\x00", 1002),
        (masked(0, b"continues nothing"), 1002),
        (masked(3), 1002),
        (masked(PING, b"in two", fin=False), 1002),
        (masked(TEXT, b"\xff\xfe"), 1007),
        (masked(CLOSE, b"\x03"), 1002),
        (masked(CLOSE, (1005).to_bytes(2, "big")), 1002),
    ],
    ids=[
        "text",
        "no request",
        "too long",
        "too long in fragments",
        "empty frames without end",
        "unmasked",
        "extension bits",
        "continuation of nothing",
        "unknown opcode",
        "fragmented ping",
        "bad UTF-8",
        "half a code",
        "reserved code",
    ],
)
async def test_a_fault_of_the_client_is_answered_with_its_code(service: Service, fault: bytes, code: int) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.message()
        await client.send(fault)
        _, close = await client.until_closed()
        assert close.code == code
        assert close.reason
        assert await client.rest() == b""


async def test_a_fault_is_answered_even_to_those_who_go_on_sending(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send(TOO_LONG + masked(BINARY, bytes(900_000)) * 8)
        _, close = await client.until_closed()
        assert close.code == 1009


async def test_text_is_answered_even_to_those_who_go_on_sending(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send(masked(TEXT, b"hello") + masked(BINARY, bytes(900_000)) * 8)
        _, close = await client.until_closed()
        assert close.code == 1003


async def test_the_connection_of_a_faulty_client_is_given_up_when_it_has_hung_up(serve: Serve) -> None:
    async with serve(edge={"close_timeout": 1000.0}) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await client.send(masked(BINARY, subscribe(1), mask=False))
        await client.until_closed()
        await client.stream.aclose()
        await service.until_connections(0)  # before the time for an answer to our close frame has passed


async def test_a_request_of_exactly_one_mib_is_read(service: Service) -> None:
    await service.open("s")
    await service.send("s", samples(1))
    request = subscribe(data=True)
    filler = (1 << 20) - len(request) - 4
    padded = b"\x7a" + (filler & 0x7F | 0x80).to_bytes(1, "big") + bytes([filler >> 7 & 0x7F | 0x80, filler >> 14])
    padded += bytes((1 << 20) - len(request) - len(padded)) + request
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send_frame(BINARY, padded)
        assert len(padded) == 1 << 20
        assert tags(await client.until_tag(1)) == [1]


async def test_malformed_requests_are_counted(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.send_frame(BINARY, b"\xff\xff\xff")
        await client.until_closed()
    assert service.metric("rta_malformed_total", kind="request") == 1


# ---- by the session


async def test_a_session_that_closes_is_delivered_to_its_end_and_closed_with_1000(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.send("s", samples(1))
        await client.until_tag(1)  # from here on what comes is live, and in order
        await service.send("s", samples(2))
        last = session_json("s", "closed")
        await service.close("s", last)
        items, close = await client.until_closed()
        assert items[-1].session_json == last
        assert tags(items) == [2]
        assert close.code == 1000
        assert close.reason


@pytest.mark.parametrize("state", ["closed", "TRUNCATED", "failed", "abandoned", 4, 12, 28, 44])
async def test_every_closed_state_ends_the_stream(service: Service, state: object) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await service.close(
            "s", session_json("s").replace('"open"', f'"{state}"' if state is str(state) else str(state))
        )
        assert (await client.until_closed())[1].code == 1000


async def test_a_session_closed_long_ago_can_still_be_read(serve: Serve) -> None:
    async with serve(fanout={"linger": 0.5}) as service, raw(service.port) as client:
        await service.open("s")
        await service.send("s", samples(1))
        await service.close("s")
        await client.attach("s")
        await client.subscribe(data=True)
        items, close = await client.until_closed()
        assert tags(items) == [1]
        assert close.code == 1000


async def test_the_linger_counts_from_the_end_of_the_back_fill(serve: Serve) -> None:
    async with serve(fanout={"linger": 0.3}) as service, raw(service.port, receive_buffer=4096) as client:
        await service.open("s")
        await service.send_many("s", [burst(noise(tag)) for tag in range(150)])
        await service.close("s")
        await client.attach("s")
        await client.subscribe(data=True)
        await service.until_metric(1, "rta_clients_behind")
        await service.elapsed(0.5)
        items, close = await client.until_closed()
        assert sorted(tags(items)) == list(range(150))
        assert close.code == 1000


async def test_a_session_that_opens_again_within_the_linger_goes_on(serve: Serve) -> None:
    async with serve(fanout={"linger": 1.0}) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        await client.subscribe(data=True)
        again = session_json("s", "open", details={"again": True})
        await service.source.say.send(UpdateSession("s", session_json("s", "closed")))
        await service.update("s", again)
        await service.elapsed(1.2)
        await service.send("s", samples(1))
        items = await client.until_tag(1)
        assert again in [item.session_json for item in items]


async def test_nobody_is_kept_when_a_session_is_over(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        await service.close("s")
        await client.until_closed()
    await service.until_connections(0)
    assert service.metric("rta_clients_closed_total", reason="finished") == 1


# ---- our close frame and its answer


async def test_a_ping_between_our_close_frame_and_its_answer_does_no_harm(service: Service) -> None:
    async with raw(service.port) as client:
        await client.attach("nobody")
        assert (await client.frame()).code == 1000
        await client.send(masked(PING, b"?") + close_frame(1000))
        assert await client.rest() in (b"", b"\x8a\x01?")


async def test_a_request_between_our_close_frame_and_its_answer_does_no_harm(service: Service) -> None:
    async with raw(service.port) as client:
        await client.attach("nobody")
        assert (await client.frame()).code == 1000
        await client.send(masked(BINARY, subscribe(data=True)) * 40 + close_frame(1000))
        assert await client.rest() == b""


async def test_a_client_that_does_not_answer_our_close_frame_is_hung_up_on(serve: Serve) -> None:
    async with serve(edge={"close_timeout": 0.1}) as service, raw(service.port) as client:
        await client.attach("nobody")
        assert (await client.frame()).code == 1000
        assert await client.rest() == b""
        await service.until_connections(0)


async def test_both_sides_closing_at_once_is_no_fault(service: Service) -> None:
    for _ in range(10):
        async with raw(service.port) as client:
            await client.send(upgrade(stream_path("nobody")) + close_frame(1000))
            await client.answer()
            assert (await client.next_of(CLOSE)).code == 1000
            assert await client.rest() == b""


async def test_a_slow_client_gets_the_last_bytes_after_the_time_for_its_answer(serve: Serve) -> None:
    async with serve(edge={"close_timeout": 0.1}) as service, raw(service.port, receive_buffer=4096) as client:
        await service.open("s")
        await service.send("s", noise(1, 200_000))
        await client.attach("s")
        await client.subscribe(data=True)
        await service.close("s")
        await service.until_metric(1, "rta_clients_closed_total", reason="finished")
        await service.until_connections(0)
        frames = [await client.frame()]
        while frames[-1].opcode != CLOSE:
            frames.append(await client.frame())
        assert tags(item for frame in frames[:-1] for item in decode(frame.payload)) == [1]
        assert frames[-1].code == 1000


# ---- pings


async def test_a_ping_is_answered_with_its_payload(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        for payload in (b"", b"1", b"x" * 125):
            await client.send_frame(PING, payload)
            assert (await client.next_of(PONG)).payload == payload


async def test_a_ping_is_answered_before_the_rest_of_a_long_back_fill(service: Service) -> None:
    await service.open("s")
    await service.send_many("s", [burst(noise(tag)) for tag in range(300)])
    async with raw(service.port, receive_buffer=4096) as client:
        await client.attach("s")
        await client.subscribe(data=True)
        await service.until_metric(5, "rta_backfill_bursts_total")
        await client.send_frame(PING, b"?")
        frames = 0
        while (await client.frame()).opcode != PONG:
            frames += 1
        assert frames < 200


async def test_pings_are_answered_among_a_flood_of_requests(service: Service) -> None:
    await service.open("s")
    async with raw(service.port) as client:
        await client.attach("s")
        for n in range(5):
            flood = b"".join(masked(BINARY, subscribe(n * 1000 + c)) for c in range(200))
            await client.send(flood + masked(PING, b"%d" % n))
            assert (await client.next_of(PONG)).payload == b"%d" % n


async def test_an_idle_client_is_pinged(serve: Serve) -> None:
    async with serve(edge={"ping_interval": 0.1}) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        for _ in range(2):
            ping = await client.next_of(PING)
            await client.send_frame(PONG, ping.payload)


async def test_an_idle_client_that_answers_no_ping_is_kept(serve: Serve) -> None:
    async with serve(edge={"ping_interval": 0.05, "stall_timeout": 0.1}) as service, raw(service.port) as client:
        await service.open("s")
        await client.attach("s")
        for _ in range(6):
            await client.next_of(PING)
        await service.update("s", session_json("s", details={"still": "here"}))
        await client.next_of(BINARY)
