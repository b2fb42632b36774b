"""What other nodes send: payloads become values. Liberal: what is malformed is left out piece by piece.

Plain code. Each function calls `fault(kind, detail)` for what it left out. Source: docs/rsmp.md, "Nodes, topics,
payloads", "Alarms" and "Commands".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rta.consumer.events import AlarmEntry, HistoryPage, State, StatusEntry
from rta.errors import MalformedError, RtaError
from rta.rsmp.payload import is_clear, parse_iso, read_map
from rta.wire.values import Ns

__all__ = ["CommandError", "Fault", "read_alarms", "read_entries", "read_page", "read_replay", "read_result",
           "read_state"]  # fmt: skip

Fault = Callable[[str, str], None]

_LARGEST = (1 << 63) - 1


class CommandError(RtaError):
    """A node has answered a command with an error."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        """`field`: the part of the command that is wrong, if the node says so."""
        super().__init__(reason)
        self.reason = reason
        self.field = field


def read_state(payload: bytes) -> State | None:
    """The state of a stream; None for a payload that clears: the stream does not exist any more.

    :raises MalformedError: it is no state.
    """
    if is_clear(payload):
        return None
    state = read_map(payload).get("state")
    if state == "running":
        return "running"
    if state == "stopped":
        return "stopped"
    raise MalformedError("type", f'expected as a state "running" or "stopped", got {state!r:.60}')


def read_entries(payload: bytes, fault: Fault) -> list[StatusEntry]:
    """The entries of a status message.

    :raises MalformedError: nothing of it can be read.
    """
    return _entries(read_map(payload), fault)


def read_replay(payload: bytes, fault: Fault) -> tuple[list[StatusEntry], bool, bool]:
    """A replay message: its entries, done, beginning.

    :raises MalformedError: nothing of it can be read.
    """
    message = read_map(payload)
    return _entries(message, fault), message.get("done") is True, message.get("beginning") is True


def read_page(payload: bytes, fault: Fault) -> HistoryPage:
    """One message of the answer to a fetch.

    :raises MalformedError: nothing of it can be read.
    """
    message = read_map(payload)
    return HistoryPage(
        tuple(_entries(message, fault)),
        beginning=message.get("beginning") is True,
        end=message.get("end") is True,
        complete=message.get("complete") is True,
    )


def read_result(payload: bytes) -> dict[str, Any]:
    """The values of a result. A result without a status consists of values only.

    :raises CommandError: it says that the command was not carried out.
    :raises MalformedError: it cannot be read.
    """
    message = read_map(payload)
    values = message.get("values")
    if message.get("status") == "error":
        reason = message.get("reason")
        blamed = values.get("field") if isinstance(values, dict) else None
        raise CommandError(
            reason if isinstance(reason, str) and reason else "the node gives no reason",
            blamed if isinstance(blamed, str) else None,
        )
    if isinstance(values, dict):
        return values
    return {} if "status" in message else {k: v for k, v in message.items() if k != "values"}


def _entries(message: dict[str, Any], fault: Fault) -> list[StatusEntry]:
    entries = message.get("entries")
    if not isinstance(entries, list):
        fault("type", "a message without a list of entries")
        return []
    found = []
    for entry in entries:
        try:
            found.append(_entry(entry))
        except MalformedError as e:
            fault(e.kind, str(e))
    return found


def _entry(entry: object) -> StatusEntry:
    if not isinstance(entry, dict):
        raise MalformedError("type", "an entry that is no map")
    values = entry.get("values")
    if not isinstance(values, dict):
        raise MalformedError("type", "an entry without a map of values")
    return StatusEntry(parse_iso(entry.get("ts")), _number(entry.get("seq")), values, _time_or_none(entry))


def _time_or_none(entry: dict[str, Any]) -> Ns | None:
    if entry.get("next_ts") is None:
        return None
    try:
        return parse_iso(entry["next_ts"])
    except MalformedError:
        return None


def _number(seq: object) -> int | None:
    """A sequence number, if it is one."""
    if isinstance(seq, float) and seq.is_integer():
        seq = int(seq)
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq <= _LARGEST else None


# ---- alarms


def read_alarms(payload: bytes, now: Ns, fault: Fault) -> tuple[list[AlarmEntry], bool]:
    """An alarm message: its entries, and whether these are all that are active.

    :raises MalformedError: nothing of it can be read.
    """
    message = read_map(payload)
    full = message.get("full") is True
    if _is_older(message):
        entries: object = [message]
    else:
        entries = message.get("entries")
    if not isinstance(entries, list):
        raise MalformedError("type", "an alarm message without a list of entries")
    found = []
    for entry in entries:
        try:
            found.append(_older_alarm(entry, now) if _is_older(entry) else _alarm(entry, now, full))
        except MalformedError as e:
            fault(e.kind, str(e))
    return found, full


def _alarm(entry: object, now: Ns, full: bool) -> AlarmEntry:
    if not isinstance(entry, dict):
        raise MalformedError("type", "an alarm that is no map")
    active = entry.get("active", True if full else None)
    if not isinstance(active, bool):
        raise MalformedError("type", "an alarm that does not say whether it is active")
    values = entry.get("values")
    return AlarmEntry(
        _alarm_time(entry.get("ts"), now),
        _component(entry.get("component")),
        active,
        values if isinstance(values, dict) else {},
    )


def _is_older(entry: object) -> bool:
    """RSMP 3 said `{aSp, aSt, aTs}`."""
    return isinstance(entry, dict) and "active" not in entry and bool(entry.keys() & {"aSp", "aSt", "aS"})


def _older_alarm(entry: dict[str, Any], now: Ns) -> AlarmEntry:
    """An alarm of RSMP 3 as an entry of ours."""
    said = entry.get("aSt", entry.get("aS"))
    state = said.casefold().replace("_", "").replace("-", "").replace(" ", "") if isinstance(said, str) else None
    what = entry.get("aSp")
    if state not in ("active", "inactive") and not (state is None and what == "Issue"):
        raise MalformedError("type", f"an alarm whose state is {said!r:.60}")
    values: dict[str, Any] = {"aSp": what} if isinstance(what, str) else {}
    rows = entry.get("rvs")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("n"), str):
            values[row["n"]] = row.get("v")
    component = _component(entry.get("component", entry.get("cId")))
    return AlarmEntry(_alarm_time(entry.get("aTs"), now), component, state != "inactive", values)


def _alarm_time(text: object, now: Ns) -> Ns:
    """An alarm without a readable time counts as of now."""
    try:
        return parse_iso(text)
    except MalformedError:
        return now


def _component(said: object) -> str | None:
    if said is None or said == "":
        return None
    if isinstance(said, bool) or not isinstance(said, str | int):
        raise MalformedError("type", f"a component that is a {type(said).__name__}")
    return str(said)
