"""Reading JSON that may be large: in another process, whatever is in it, and for as long as it takes.

The parser of Python cannot be interrupted, nor does it give the interpreter's lock to anybody: in a thread, a large
text would hold up everybody as it does in the event loop. One process reads one text and ends, so the memory that the
text takes comes back.

    python -m rta.large_json < QUESTION > REPLY
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import trio
from attrs import evolve

from rta.errors import MalformedError, NotConnectedError
from rta.python_command import python_command
from rta.wire.burst import Burst
from rta.wire.json_text import SESSION_LIMITS, JsonLimits, check_json_size
from rta.wire.session_json import Glance, inspect_session

__all__ = ["SMALL", "inspect_burst", "inspect_large", "read_large"]

T = TypeVar("T")

SMALL = 64 << 10
"""Characters that are parsed where they are: at most 3 ms."""

_SHORT = 4096  # characters that take no time
_REST = 1e-7  # seconds for each character parsed here, about twice what it takes: so long others have their turns
_LONGEST = 30.0  # seconds
_MEMORY = 2 << 30  # bytes of address space
_NICE = 5  # live comes first
_BEGUN = b"!"  # what the other process says before its reply
_AT_ONCE = 1  # the others wait: a core is left to everybody else


async def read_large(work: Callable[..., T], text: str, *arguments: object) -> T:
    """What a function that can be imported makes of a text and further arguments. One that is small it gets here.

    :raises MalformedError: as `work` does; kind `oversize`: it takes too long, or too much memory.
    :raises NotConnectedError: there can be no other process now.
    """
    if len(text) <= SMALL:
        if len(text) <= _SHORT:
            await trio.lowlevel.checkpoint()
        else:
            await trio.sleep(len(text) * _REST)
        return work(text, *arguments)
    async with _turns():
        with trio.move_on_after(_LONGEST):
            reply = await _reply_of_another(pickle.dumps((work, text, arguments), pickle.HIGHEST_PROTOCOL))
            return _value(reply, len(text))  # type: ignore[no-any-return]
    raise MalformedError("oversize", f"a JSON text of {len(text)} characters is not read within {_LONGEST:g} s")


async def _reply_of_another(question: bytes) -> bytes:
    try:
        done = await trio.run_process(
            python_command("rta.large_json"),
            stdin=question,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for us
        )
    except OSError as e:
        raise NotConnectedError(f"no process can be started for a large JSON text: {e}") from e
    begun = done.stdout.startswith(_BEGUN)
    if done.returncode > 0 and begun:
        raise RuntimeError(f"reading a large JSON text has failed: {done.stderr!r}")
    if done.returncode > 0:  # there is no memory, or there are no more files
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise NotConnectedError(f"no process can be started for a large JSON text: {said}")
    return bytes(done.stdout[len(_BEGUN) :])


def _value(reply: bytes, size: int) -> Any:
    if not reply:  # it was killed, for want of memory
        raise MalformedError("oversize", f"a JSON text of {size} characters takes too much memory")
    kind, value = pickle.loads(reply)  # noqa: S301 - our own process
    if kind is not None:
        raise MalformedError(kind, value)
    return value


async def inspect_large(text: str, limits: JsonLimits = SESSION_LIMITS) -> Glance:
    """`inspect_session` of a text that may be large.

    :raises MalformedError: kind `oversize`.
    :raises NotConnectedError: there can be no other process now.
    """
    check_json_size(text, "a session JSON", limits)
    return await read_large(inspect_session, text, limits)


async def inspect_burst(burst: Burst, limits: JsonLimits) -> Burst:
    """The burst, with what is in its session JSON.

    :raises MalformedError: kind `oversize`.
    :raises NotConnectedError: there can be no other process now.
    """
    return evolve(burst, inspected=tuple([await inspect_large(text, limits) for text in burst.session_json]))


_TURNS: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("rta_large_json")


def _turns() -> trio.CapacityLimiter:
    try:
        return _TURNS.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_AT_ONCE)
        _TURNS.set(limiter)
        return limiter


# ---- in the other process


def main() -> None:
    """Read a question, write the reply."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(_NICE)
    gc.disable()
    sys.stdout.buffer.write(_BEGUN)
    try:
        work, text, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own program
        reply = pickle.dumps((None, work(text, *arguments)), pickle.HIGHEST_PROTOCOL)
    except MalformedError as e:
        reply = pickle.dumps((e.kind, str(e)))
    except MemoryError:
        reply = b""
    sys.stdout.buffer.write(reply)


if __name__ == "__main__":
    main()
