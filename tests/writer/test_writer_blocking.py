"""Writing from scripts, notebooks and threads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from real_servers import RedisServer, wait_for

from rta.errors import NotConnectedError
from rta.testing import numbered_burst
from rta.wire import Event
from rta.writer import WriteError, WriterClosed, WriterFull, WriterSettings, connect

from .on_redis import stored_session

NOBODY = "redis://127.0.0.1:1"


def test_a_script_writes_a_session(redis_server: RedisServer) -> None:
    with connect(redis_server.url, "car1") as writer:
        with writer.open_session(identity="a", details={"car": 7}) as session:
            session.write(1, [1, 2], [1.0, 2.0])
            session.write_periodic(2, 1, 5, [1.0])
            session.write_rows([3], 1, [1.0])
            session.write_event(Event(timestamp=1))
            session.write_burst(numbered_burst(7))
            session.update(json.dumps({"identity": "a", "state": "open", "details": {"car": 8}}))
            session.flush()
            assert session.waiting == 0
            assert session.span is not None
            assert session.span.start == 1
        assert (writer.waiting, writer.dropped, writer.failing) == (0, 0, None)
        assert writer.written > 0
    stored = stored_session(redis_server.url, "a")
    assert [v for _, v in stored.samples[1]] == [1.0, 2.0, 7.0]
    last = json.loads(stored.jsons[-1])
    assert (last["state"], last["details"]) == ("closed", {"car": 8})


def test_an_exception_leaves_truncated(redis_server: RedisServer) -> None:
    def script() -> None:
        with connect(redis_server.url) as writer:
            writer.open_session(identity="a").write(1, [1], [1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        script()
    stored = stored_session(redis_server.url, "a")
    assert json.loads(stored.jsons[-1])["state"] == "truncated"
    assert stored.samples == {1: [(1, 1.0)]}


def test_many_threads_may_write(redis_server: RedisServer) -> None:
    def write(channel: int) -> None:
        for i in range(50):
            session.write(channel, [i], [i])

    with (
        connect(redis_server.url) as writer,
        writer.open_session(identity="a") as session,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(write, range(8)))
    assert stored_session(redis_server.url, "a").samples == {c: [(i, float(i)) for i in range(50)] for c in range(8)}


def test_a_writer_without_a_with_statement_is_closed(redis_server: RedisServer) -> None:
    writer = connect(redis_server.url)
    session = writer.open_session(identity="a")
    writer.close()
    writer.close()
    assert json.loads(stored_session(redis_server.url, "a").jsons[-1])["state"] == "closed"
    with pytest.raises(WriterClosed):
        session.write(1, [1], [1])
    assert writer.waiting == 0  # and can still be looked at


def test_a_writer_that_is_forgotten_is_truncated_when_python_exits(redis_server: RedisServer) -> None:
    script = f"""
from rta.writer import connect
writer = connect({redis_server.url!r})
writer.open_session(identity="a").write(1, [1], [1])
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    stored = stored_session(redis_server.url, "a")
    assert json.loads(stored.jsons[-1])["state"] == "truncated"
    assert stored.samples == {1: [(1, 1.0)]}


def test_errors_come_out_of_the_call() -> None:
    with pytest.raises(NotConnectedError):
        connect(NOBODY)
    settings = WriterSettings(max_bytes=1000, on_full="raise", patience=0.01)
    writer = connect(NOBODY, on_absent="wait", settings=settings)
    session = writer.open_session()
    with pytest.raises(ValueError, match="as many timestamps"):
        session.write(1, [1, 2], [1])
    with pytest.raises(WriterFull):
        session.write(1, range(1000), range(1000))
    with pytest.raises(WriteError):
        writer.close()


def test_an_error_of_the_background_comes_out_at_the_next_call(redis_server: RedisServer) -> None:
    class Broken(Exception):
        pass

    async def broken() -> None:
        raise Broken

    writer = connect(redis_server.url)
    writer.evaluate(lambda: writer._writer._nursery.start_soon(broken))
    wait_for(lambda: not writer._thread.is_alive())
    with pytest.raises(WriterClosed) as raised:
        writer.open_session()
    cause = raised.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert cause.subgroup(Broken) is not None
    with pytest.raises(ExceptionGroup):
        writer.close()


def test_ctrl_c_ends_a_call_that_waits_and_takes_nothing() -> None:
    writer = connect(NOBODY, on_absent="wait", settings=WriterSettings(max_bytes=1, patience=0.01))
    session = writer.open_session()
    before = session.waiting

    def waiting() -> int:
        return writer.evaluate(lambda: writer._writer._room.statistics().tasks_waiting)

    def interrupt() -> None:
        wait_for(waiting)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            session.write(1, [1], [1])
    finally:
        signal.signal(signal.SIGINT, former)
        thread.join()
    wait_for(lambda: not waiting())
    assert session.waiting == before
    with pytest.raises(WriteError):
        writer.close()
