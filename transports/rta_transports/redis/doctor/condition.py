"""The server itself: version, role, persistence, memory, clock. Judges what Redis said of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rta.formatting import counted, format_bytes
from rta.ports import Finding
from rta_transports.redis.doctor.wording import age

__all__ = ["SETTINGS", "judge_clock", "judge_server", "read_info"]

SETTINGS = ("save", "appendfsync")
"""What of `CONFIG GET` is looked at. Where Redis is rented, it is often forbidden."""

_SKEW_NS = 1_000_000_000

Info = Mapping[str, str]


def read_info(reply: bytes) -> dict[str, str]:
    """The answer to `INFO`."""
    lines = reply.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def judge_server(info: Info, settings: Mapping[str, str | None], mode: str) -> Iterator[Finding]:
    """`settings`: None for what we were not told; `mode`: of the buffer."""
    yield from _version(info)
    yield from _role(info, mode)
    yield from _persistence(info, settings)
    yield from _memory(info)
    yield from _connections(info)


def _number(info: Info, name: str) -> int:
    return int(info[name]) if info.get(name, "").isdecimal() else 0


# ---- version


def _version(info: Info) -> Iterator[Finding]:
    text = info.get("redis_version", "")
    numbers = re.match(r"(\d+)\.(\d+)", text)
    if numbers is None:
        yield Finding.note("version.unknown", f"the server does not say which Redis it is ({text or 'nothing'})")
        return
    version = int(numbers[1]), int(numbers[2])
    title = f"Redis {text}"
    if version < (5, 0):
        yield Finding.problem(
            "version.no-streams", title, "Before 5.0 it has no streams, which all of this rests on.", "Upgrade Redis."
        )
    elif version < (6, 2):
        yield Finding.warning(
            "version.no-age",
            title,
            "Before 6.2 it cannot trim by age (XTRIM MINID): streams are trimmed by length only, and max_age has no "
            "effect. It does not count what was ever added either (7.0), so whether a reader has missed trimmed "
            "entries has to be guessed, to the safe side: clients may be told of gaps that were none.",
            "Upgrade to 7.0 or newer.",
        )
    elif version < (7, 0):
        yield Finding.note(
            "version.no-count",
            title,
            "Before 7.0 it does not count what was ever added to a stream (entries-added). Whether a slow reader has "
            "missed trimmed entries has to be guessed, to the safe side: it may be told of gaps that were none.",
            "Upgrade to 7.0 or newer if gaps are reported.",
        )
    else:
        yield Finding.ok("version", title, "It has all that is used.")


# ---- role


def _role(info: Info, mode: str) -> Iterator[Finding]:
    if info.get("redis_mode") == "sentinel":
        yield Finding.problem(
            "role.sentinel",
            "this is a Sentinel, not a Redis",
            "Sentinels watch over a Redis and hold no data.",
            'Set buffer.mode to "sentinel", list it in buffer.sentinels, and name what it watches in buffer.service.',
        )
    if info.get("cluster_enabled") == "1" and mode != "cluster":
        yield Finding.problem(
            "role.cluster",
            "this Redis is one node of a Cluster",
            f"buffer.mode is {mode}, so the keys of the other nodes are out of reach.",
            'Set buffer.mode to "cluster".',
        )
    if info.get("role") in ("slave", "replica"):
        primary = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
        yield Finding.warning(
            "role.replica",
            f"this Redis is a replica of {primary}",
            "Reading works, and lags behind the primary. Trimming and everything else that writes is refused.",
            f"Point buffer.url to {primary}, or let Sentinels say who the primary is.",
        )
        if info.get("master_link_status") == "down":
            yield Finding.problem(
                "role.replica-cut-off",
                f"the replica has lost its primary {primary}",
                "What ingest processes write there does not arrive here: sessions stand still.",
                "Mend the connection between the two (INFO replication, the replica's log).",
            )
    if info.get("loading") == "1":
        yield Finding.problem(
            "role.loading", "Redis is still loading its data", "", "Wait until it has read what it had saved."
        )


# ---- persistence


def _persistence(info: Info, settings: Mapping[str, str | None]) -> Iterator[Finding]:
    saves, fsync = settings.get("save"), settings.get("appendfsync")
    if info.get("rdb_last_bgsave_status") == "err":
        yield Finding.problem(
            "persistence.save-failed",
            "Redis could not save its data to disk the last time",
            "Unless stop-writes-on-bgsave-error is off it refuses all writes until it can: nothing new is streamed.",
            "See the log of Redis; usually the disk is full or the memory does not allow a fork.",
        )
    if info.get("aof_last_write_status") == "err":
        yield Finding.problem(
            "persistence.append-failed",
            "Redis cannot write its append-only file",
            "It refuses all writes until it can: nothing new is streamed.",
            "See the log of Redis; usually the disk is full.",
        )
    if info.get("aof_enabled") == "1":
        lost = {
            "always": "every write is on disk before it is acknowledged; a power cut loses nothing",
            "everysec": "a power cut loses the last second or so",
            "no": "the operating system decides when it goes to disk; a power cut loses up to about 30 s",
        }.get(fsync or "", "how much a power cut loses depends on appendfsync, which we may not read")
        kind = Finding.note if fsync == "no" else Finding.ok
        yield kind("persistence", "the append-only file is on", f"appendfsync {fsync or 'unknown'}: {lost}.")
    elif saves is None:
        yield Finding.note(
            "persistence.unknown",
            "the append-only file is off; whether snapshots are taken we may not ask (CONFIG)",
            "Without either, a restart of Redis loses everything in it.",
        )
    elif saves:
        since = _number(info, "rdb_changes_since_last_save")
        yield Finding.note(
            "persistence.snapshots",
            "Redis takes snapshots only",
            f"A restart after a crash goes back to the last one ({counted(since, 'change')} ago): the streams lose "
            "their end, and session ids may be given out a second time.",
            "Switch the append-only file on: appendonly yes, appendfsync everysec.",
        )
    else:
        yield Finding.warning(
            "persistence.none",
            "Redis keeps nothing over a restart",
            "There are neither snapshots nor an append-only file. A restart loses the streams, the sessions and the "
            "counter of session ids: ingest processes that go on writing use ids that are given out again.",
            "Switch the append-only file on: appendonly yes, appendfsync everysec.",
        )


# ---- memory


def _memory(info: Info) -> Iterator[Finding]:
    used, bound, policy = _number(info, "used_memory"), _number(info, "maxmemory"), info.get("maxmemory_policy", "")
    evicted = _number(info, "evicted_keys")
    if evicted:
        yield Finding.problem(
            "memory.evicted",
            f"Redis has thrown {counted(evicted, 'key')} away for want of memory",
            "Since it was started. Streams and sessions are keys: a whole stream may have gone at once.",
            "Set maxmemory-policy noeviction, and give Redis more memory or trim more.",
        )
    if not bound:
        yield Finding.note(
            "memory.unbounded",
            f"Redis uses {format_bytes(used)}, without a bound",
            "If trimming stops it grows until the operating system kills it.",
            "Set maxmemory to what the machine can spare, with maxmemory-policy noeviction.",
        )
        return
    part = f"{format_bytes(used)} of {format_bytes(bound)} used"
    if policy.startswith("allkeys"):
        yield Finding.warning(
            "memory.evicts-all",
            f"when memory runs out, Redis throws away any key (maxmemory-policy {policy}; {part})",
            "A whole stream with all its entries, the set of streams, the counter of session ids: nothing is safe.",
            "Set maxmemory-policy noeviction.",
        )
    elif policy.startswith("volatile"):
        yield Finding.warning(
            "memory.evicts-sessions",
            f"when memory runs out, Redis throws away keys that expire (maxmemory-policy {policy}; {part})",
            "Sessions expire, streams do not: live sessions may vanish, while the streams keep growing.",
            "Set maxmemory-policy noeviction.",
        )
    if used >= 0.95 * bound:
        yield Finding.problem(
            "memory.full",
            f"the memory of Redis is full ({part})",
            "Under noeviction every write is now refused (OOM): ingest processes cannot write."
            if policy == "noeviction"
            else "Keys are being thrown away.",
            "Raise maxmemory, or keep less: pruner.max_entries, pruner.max_age.",
        )
    elif used >= 0.8 * bound:
        yield Finding.warning(
            "memory.nearly-full",
            f"the memory of Redis is nearly full ({part})",
            "At the bound every write is refused." if policy == "noeviction" else "At the bound keys are thrown away.",
            "Raise maxmemory, or keep less: pruner.max_entries, pruner.max_age.",
        )
    elif policy == "noeviction":
        yield Finding.ok("memory", f"memory: {part}, noeviction")


def _connections(info: Info) -> Iterator[Finding]:
    clients, most = _number(info, "connected_clients"), _number(info, "maxclients")
    refused = _number(info, "rejected_connections")
    if most and clients >= 0.9 * most:
        yield Finding.warning(
            "connections.nearly-all",
            f"{clients} of {most} possible connections to Redis are in use",
            "",
            "Raise `maxclients`, or find out who leaves connections open (CLIENT LIST).",
        )
    elif refused:
        up = age(1000 * _number(info, "uptime_in_seconds"))
        yield Finding.note(
            "connections.refused",
            f"Redis has refused {counted(refused, 'connection')} in the {up} since it was started",
            "It had all the clients it takes.",
        )


# ---- clock


def judge_clock(theirs: int, before: int, after: int) -> Iterator[Finding]:
    """`theirs`: asked for between `before` and `after` of our clock; all in ns since the Unix epoch."""
    ahead = theirs - after if theirs > after else min(theirs - before, 0)
    if abs(ahead) <= _SKEW_NS:
        yield Finding.ok("clock", f"the clock of Redis is ours, to within {age(_SKEW_NS / 1e6)}")
        return
    yield Finding.warning(
        "clock",
        f"the clock of Redis is {age(abs(ahead) / 1e6)} {'ahead of' if ahead > 0 else 'behind'} ours",
        "Back-fill, trimming by age and expiry go by the clock of Redis, so they are consistent in themselves. What "
        "compares with other clocks is not: the times in sessions and samples, and the lag in our metrics.",
        "Keep both machines in step (NTP).",
    )
