"""What `rta doctor` finds: each defect made for real, and a healthy Redis without a problem."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import lz4.block
import lz4.frame
import pytest
from real_servers import RedisCluster, RedisServer, Sentinel, held_port
from rta_transports.redis import TRANSPORT, RedisLogOptions
from rta_transports.redis.doctor.condition import judge_server
from rta_transports.redis.doctor.layouts import pattern_of
from rta_transports.redis.doctor.payload import complaint_about
from rta_transports.redis.doctor.unreachable import why_unreachable
from rta_transports.redis.keys import Keys

from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.ports import Context, Finding, Severity
from rta.wire import (
    ChannelId,
    RowData,
    SizeLimits,
    TimeRange,
    data_item,
    encode_timestamped,
    json_item,
    make_burst,
    pack_items,
)

ROOT = Path(__file__).parents[3]
JSON = '{"identity": "s-1", "state": "open", "timestamp": "2026-01-01T00:00:00Z", "identifier": "Stint 1"}'
BURST = pack_items([encode_timestamped(ChannelId(7), [1_000, 2_000], [1.0, 2.0])], TimeRange(1_000, 2_000))[0]
HEALTHY_INFO = {"redis_version": "7.2.4", "aof_enabled": "1", "maxmemory": "1000", "used_memory": "10",
                "maxmemory_policy": "noeviction", "role": "master"}  # fmt: skip


class Patient:
    """A Redis and what is written into it."""

    def __init__(self, server: RedisServer | ClusterAsOne) -> None:
        self.server = server
        self.options: dict[str, Any] = {"url": server.url}
        self.clock = time.time_ns

    def ask(self, *command: str | bytes) -> bytes:
        reply = self.server.ask(*command)
        assert not reply.startswith(b"-"), reply
        return reply

    def session(self, identity: str = "s-1", key: str = "sessions:{}", **fields: str | bytes | None) -> None:
        """A session as it should be, but for `fields`; None leaves one out."""
        written: dict[str, str | bytes | None] = {"streamSessionId": "1", "streamName": "car", "streamPosition": "0-0"}
        written |= {"lastUpdated": str(self.now()), "json": JSON.replace("s-1", identity)}
        written |= fields
        given = [part for name, value in written.items() if value is not None for part in (name, value)]
        self.ask("HSET", key.format(identity), *given)
        self.ask("EXPIRE", key.format(identity), "3600")

    def entry(self, data: bytes = BURST.packed, session_id: str = "1", stream: str = "car", at: str = "*") -> None:
        self.ask("XADD", f"stream:{stream}", at, "id", session_id, "data", data)

    def healthy(self) -> None:
        self.ask("SADD", "streams", "car")
        self.ask("SET", "lastStreamSessionId", "1")
        self.session()
        self.entry(make_burst([json_item(JSON)]).packed)
        self.entry()

    def now(self) -> int:
        """ms, by the clock of Redis, which is this machine's."""
        return time.time_ns() // 1_000_000

    async def examine(self, identity: str | None = None, back_scan: float | None = 600.0) -> dict[str, Finding]:
        """Findings by code."""
        assert TRANSPORT.log is not None
        assert TRANSPORT.log.examine is not None
        context = Context("buffer", Path("."), self.clock, Metrics(HotCounters(), dict))
        found = await TRANSPORT.log.examine(RedisLogOptions(**self.options), context, identity, back_scan)
        return {f.code: f for f in found}


@pytest.fixture
def patient(redis_server: RedisServer) -> Patient:
    return Patient(redis_server)


def problems(found: dict[str, Finding]) -> set[str]:
    return {code for code, finding in found.items() if finding.is_problem}


def said(finding: Finding) -> str:
    return f"{finding.title} {finding.detail} {finding.advice}"


# ---- as it should be


async def test_a_healthy_redis_has_no_problems(patient):
    patient.healthy()
    found = await patient.examine()
    assert problems(found) == set()
    assert {"reach", "version", "clock", "keys", "streams", "sessions"} <= found.keys()
    assert found["streams"].rows[1][:2] == ("car", "2")
    assert found["sessions"].rows[1][:4] == ("s-1", "car", "1", "open")


async def test_who_records_a_stream_is_in_the_table(patient):
    patient.healthy()
    assert (await patient.examine())["streams"].rows[1][-1] == ""
    patient.ask("SET", Keys.claim("car"), "edge-1 17 ab12", "PX", "60000")
    found = await patient.examine()
    assert found["streams"].rows[0][-1] == "recorded by"
    assert found["streams"].rows[1][-1] == "edge-1 17 ab12"
    assert problems(found) == set()


async def test_a_healthy_session_can_be_streamed(patient):
    patient.healthy()
    found = await patient.examine("s-1")
    assert problems(found) == set()
    assert found["verdict"] == Finding.ok("verdict", 'session "s-1" can be streamed')


async def test_nothing_is_changed(patient):
    patient.healthy()
    patient.entry(b"rubbish")
    before = patient.ask("DEBUG", "DIGEST")
    await patient.examine()
    await patient.examine("s-1")
    assert patient.ask("DEBUG", "DIGEST") == before


async def test_an_empty_redis_is_no_problem(patient):
    found = await patient.examine()
    assert problems(found) == set()
    assert "keys.none" in found


# ---- reaching it


async def test_nobody_there(patient):
    with held_port() as port:
        patient.options["url"] = f"redis://127.0.0.1:{port}/0"
        found = await patient.examine("s-1")
    assert problems(found) == {"reach.refused", "verdict"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "reach.no-credentials"),
        ({"password": "wrong"}, "reach.credentials"),
        ({"password": "right"}, None),
    ],
)
async def test_passwords(patient, options, code):
    patient.ask("CONFIG", "SET", "requirepass", "right")
    try:
        patient.options |= options
        found = await patient.examine()
    finally:
        patient.server.ask("CONFIG", "SET", "requirepass", "", password="right")
    assert problems(found) == ({code} if code else set())
    assert "wrong" not in "".join(map(said, found.values()))


async def test_a_password_nobody_asked_for(patient):
    patient.options["password"] = "secret"
    found = await patient.examine()
    assert problems(found) == {"reach.no-password-wanted"}
    assert "secret" not in said(found["reach.no-password-wanted"])


async def test_a_database_that_does_not_exist(patient):
    patient.options["url"] = patient.server.url.removesuffix("/0") + "/99"
    assert problems(await patient.examine()) == {"reach.database"}


async def test_tls_where_there_is_none(patient):
    patient.options |= {"url": patient.server.url.replace("redis:", "rediss:"), "timeout": 0.3}
    found = await patient.examine()
    assert problems(found) == {"reach.timeout"}
    assert "TLS" in found["reach.timeout"].detail


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Error -2 connecting to nowhere:6379. Name or service not known.", "name"),
        (
            "Error 1 connecting to x:1. [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed",
            "certificate",
        ),
        ("Error 1 connecting to x:1. [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006).", "not-tls"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "client-certificate"),
        ("Connection closed by server.", "closed"),
        ("Redis refuses: LOADING Redis is loading the dataset in memory", "loading"),
        ("ERR max number of clients reached", "full"),
        ("DENIED Redis is running in protected mode", "protected"),
        ("Redis at x:1 refuses: ERR This instance has cluster support disabled", "not-a-cluster"),
        ("the Sentinel at x:26379 does not know 'mymaster'", "sentinel-service"),
        ("Redis at x:6379 refuses: ERR unknown command 'SENTINEL', with args beginning with:", "not-a-sentinel"),
        ("No route to host", "no-route"),
        ("something new", "other"),
    ],
)
def test_messages_in_plain_words(message, code):
    finding = why_unreachable("redis://x", message)
    assert finding.code == f"reach.{code}"
    assert message in finding.detail


async def test_a_redis_that_does_not_answer(own_redis):
    patient = Patient(own_redis)
    patient.options["timeout"] = 0.2
    own_redis.pause()
    assert problems(await patient.examine()) == {"reach.timeout"}


async def test_a_user_who_may_not_look_at_everything(patient):
    patient.healthy()
    patient.ask("ACL", "SETUSER", "guest", "on", ">pw", "~*", "+@all", "-info", "-config")
    try:
        patient.options |= {"user": "guest", "password": "pw"}
        found = await patient.examine("s-1")
        assert found["info.forbidden"].severity is Severity.NOTE
        assert found["verdict"].severity is Severity.OK
        patient.ask("ACL", "SETUSER", "guest", "-eval")
        assert problems(await patient.examine()) == {"reach.permission"}
    finally:
        patient.ask("ACL", "DELUSER", "guest")


# ---- the server


@pytest.mark.parametrize(
    ("info", "code", "severity"),
    [
        ({"redis_version": "4.0.14"}, "version.no-streams", Severity.PROBLEM),
        ({"redis_version": "6.0.16"}, "version.no-age", Severity.WARNING),
        ({"redis_version": "6.2.7"}, "version.no-count", Severity.NOTE),
        ({"redis_mode": "sentinel"}, "role.sentinel", Severity.PROBLEM),
        ({"cluster_enabled": "1"}, "role.cluster", Severity.PROBLEM),
        ({"rdb_last_bgsave_status": "err"}, "persistence.save-failed", Severity.PROBLEM),
        ({"aof_last_write_status": "err"}, "persistence.append-failed", Severity.PROBLEM),
        ({"used_memory": "990"}, "memory.full", Severity.PROBLEM),
        ({"used_memory": "850"}, "memory.nearly-full", Severity.WARNING),
        ({"evicted_keys": "3"}, "memory.evicted", Severity.PROBLEM),
        ({"connected_clients": "95", "maxclients": "100"}, "connections.nearly-all", Severity.WARNING),
    ],
)
def test_what_redis_says_of_itself(info, code, severity):
    found = {f.code: f for f in judge_server(HEALTHY_INFO | info, {"appendfsync": "everysec"}, "single")}
    assert found[code].severity is severity


def test_a_server_that_is_as_it_should_be():
    found = list(judge_server(HEALTHY_INFO, {"appendfsync": "everysec"}, "single"))
    assert {f.severity for f in found} == {Severity.OK}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}, "memory.evicts-all"),
        ({"maxmemory": "1gb", "maxmemory-policy": "volatile-ttl"}, "memory.evicts-sessions"),
        ({"save": "3600 1"}, "persistence.snapshots"),
        ({}, "persistence.none"),
        ({}, "memory.unbounded"),
    ],
)
async def test_settings_of_the_server(own_redis, settings, code):
    patient = Patient(own_redis)
    for name, value in settings.items():
        patient.ask("CONFIG", "SET", name, value)
    assert code in await patient.examine()


async def test_memory_that_is_full(own_redis):
    patient = Patient(own_redis)
    patient.healthy()
    patient.ask("CONFIG", "SET", "maxmemory", "1mb")
    for _ in range(40):
        own_redis.ask("XADD", "stream:car", "*", "id", "1", "data", bytes(40_000))
    found = await patient.examine()
    assert "memory.full" in found
    assert "refused" in found["memory.full"].detail


async def test_the_append_only_file(own_redis):
    patient = Patient(own_redis)
    patient.ask("CONFIG", "SET", "appendonly", "yes")
    found = await patient.examine()
    assert found["persistence"].severity is Severity.OK
    patient.ask("CONFIG", "SET", "appendfsync", "no")
    assert (await patient.examine())["persistence"].severity is Severity.NOTE


async def test_a_replica_without_its_primary(own_redis):
    patient = Patient(own_redis)
    with held_port() as port:
        patient.ask("REPLICAOF", "127.0.0.1", str(port))
        found = await patient.examine()
    assert found["role.replica"].severity is Severity.WARNING
    assert "role.replica-cut-off" in problems(found)


@pytest.mark.parametrize(("seconds", "words"), [(-90, "90 s ahead of"), (90, "90 s behind")])
async def test_a_clock_that_is_not_ours(patient, seconds, words):
    patient.clock = lambda: time.time_ns() + seconds * 10**9
    found = await patient.examine()
    assert found["clock"].severity is Severity.WARNING
    assert words in found["clock"].title.replace("2 min", "90 s")


# ---- where things are


@pytest.mark.parametrize(
    "key", ["rta:session:{}", "session/{}", "{}:session", "sessions:<{}>", "sessions:live:{}", "live.{}.hash"]
)
async def test_sessions_under_other_keys(patient, key):
    patient.session("s-1", key)
    patient.session("s-2", key)
    patient.ask("HSET", "something:else", "colour", "red")
    found = await patient.examine()
    pattern = key.format("<identity>")
    assert f'session_key = "{pattern}"' in found["keys.session-key"].advice
    assert found["keys.session-key"].rows[1] == (pattern, "2")
    patient.options["session_key"] = pattern
    assert "keys.session-key" not in await patient.examine()


async def test_a_session_that_was_asked_for_is_under_another_key(patient):
    patient.session("s-1", "rta:{}")
    found = await patient.examine("s-1")
    assert problems(found) == {"keys.session-key", "session.unknown", "verdict"}


@pytest.mark.parametrize(
    ("key", "identity", "pattern"),
    [
        ("a:s-1:a", "s-1", "a:<identity>:a"),
        ("x:7d7c0b48-28c2-4951-87c3-05f2b3f41a16", None, "x:<identity>"),
        ("x:7d7c0b48-28c2-4951-87c3-05f2b3f41a16:y", "other", "x:<identity>:y"),
        ("x:y:7", None, "x:y:<identity>"),
    ],
)
def test_the_pattern_of_a_key(key, identity, pattern):
    assert pattern_of(key, identity) == pattern


async def test_keys_in_another_database(patient):
    patient.healthy()
    patient.options["url"] = patient.server.url.removesuffix("/0") + "/5"
    found = await patient.examine()
    assert "db0" in found["keys.other-database"].title
    assert "/0" in found["keys.other-database"].advice


async def test_work_is_bounded(patient):
    patient.ask("DEBUG", "POPULATE", "30000", "other")
    patient.healthy()
    found = await patient.examine("s-1")
    assert found["verdict"].severity is Severity.OK
    assert "of 30004 keys were looked at" in (await patient.examine())["keys.many"].title


# ---- streams


async def test_the_set_of_streams_and_the_keys_differ(patient):
    patient.healthy()
    patient.entry(stream="orphan")
    patient.ask("SADD", "streams", "ghost")
    found = await patient.examine()
    assert '"orphan"' in found["streams.unlisted"].title
    assert '"ghost"' in found["streams.absent"].title
    assert problems(found) == set()


async def test_names_with_the_prefix(patient):
    patient.healthy()
    patient.ask("SADD", "streams", "stream:car")
    patient.session(streamName="stream:car")
    assert problems(await patient.examine()) >= {"streams.prefix", "session.stream-prefix"}
    assert "session.stream-prefix" in problems(await patient.examine("s-1"))


async def test_keys_of_the_wrong_type(patient):
    patient.session()
    patient.ask("SET", "stream:car", "text")
    patient.ask("SET", "streams", "car")
    patient.ask("SET", "sessions:text", "text")
    assert problems(await patient.examine()) == {"stream.type", "streams.type", "session.type"}
    assert problems(await patient.examine("s-1")) == {"stream.type", "session.stream-type", "verdict"}


async def test_a_stream_that_nobody_trims(patient):
    patient.healthy()
    patient.options["max_entries"] = 10
    patient.ask("EVAL", "for i = 1, 3000 do redis.call('XADD', 'stream:car', '*', 'id', '1', 'data', ARGV[1]) end",
                "0", BURST.packed)  # fmt: skip
    assert "stream.untrimmed" in await patient.examine()


async def test_entries_of_the_future(patient):
    patient.healthy()
    patient.entry(at=f"{patient.now() + 3_600_000}-0")
    assert "stream.future" in await patient.examine()


PACKED = {
    "lz4-frame": lz4.frame.compress(BURST.raw()),
    "length-prefix": lz4.block.compress(BURST.raw(), store_size=True),
    "not-packed": BURST.raw(),
    "text": JSON.encode(),
    "lz4": b"\xff\xff\xff\xff\xff",
    "protobuf": lz4.block.compress(b"\xff" * 40, store_size=False),
    "oversize": make_burst([data_item(RowData(buffer=bytes(2 << 20)))]).packed,
    "empty": b"",
    "nothing-in-it": lz4.block.compress(b"\x0a\x00", store_size=False),
}


@pytest.mark.parametrize("code", PACKED)
async def test_data_that_is_no_burst(patient, code):
    patient.healthy()
    patient.entry(PACKED[code])
    found = await patient.examine()
    assert problems(found) == {f"entry.{code}"}
    assert "1 of the 3 latest entries" in said(found[f"entry.{code}"])
    assert problems(await patient.examine("s-1")) == {f"entry.{code}", "verdict"}


async def test_the_frame_and_the_length_are_told_in_words(patient):
    patient.healthy()
    patient.entry(PACKED["lz4-frame"])
    patient.entry(PACKED["length-prefix"])
    found = await patient.examine()
    assert "04 22 4D 18" in found["entry.lz4-frame"].title
    assert "little-endian" in found["entry.length-prefix"].title
    assert "store_size=False" in found["entry.length-prefix"].advice


def test_the_pickler_of_dotnet_is_recognised():
    raw = make_burst([json_item("x" * 500)]).raw()
    packed = lz4.block.compress(raw, store_size=False)
    pickled = bytes([0b10 << 6]) + (len(raw) - len(packed)).to_bytes(2, "little") + packed
    for data in (pickled, b"\0" + BURST.raw()):
        complaint = complaint_about(data, SizeLimits())
        assert complaint is not None
        assert complaint.code == "length-prefix"
        assert "pickler" in complaint.what


async def test_fields_that_are_missing(patient):
    patient.healthy()
    patient.ask("XADD", "stream:car", "*", "Id", "1", "Data", BURST.packed)
    patient.entry(session_id="one")
    found = await patient.examine()
    assert problems(found) == {"entry.fields", "entry.field-id"}
    assert '"Data", "Id"' in found["entry.fields"].title


# ---- sessions


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"streamSessionId": None}, "session.fields"),
        ({"streamSessionId": "x"}, "session.fields"),
        ({"streamName": None}, "session.fields"),
        ({"json": None}, "session.no-json"),
        ({"json": "{"}, "session.json"),
        ({"json": b"\xff{}"}, "session.json"),
        ({"json": "[]"}, "session.json"),
        ({"json": JSON.replace("s-1", "s-2")}, "session.json-identity"),
        ({"streamName": "elsewhere"}, "session.no-stream"),
        ({"streamSessionId": "9"}, "session.no-entries"),
    ],
)
async def test_what_keeps_a_session_from_being_streamed(patient, fields, code):
    patient.healthy()
    patient.ask("SET", "lastStreamSessionId", "9")
    patient.ask("DEL", "sessions:s-1")
    patient.session(**fields)
    found = await patient.examine("s-1")
    assert problems(found) == {code, "verdict"}
    assert found["verdict"].title == 'session "s-1" cannot be streamed'
    assert found[code].title in found["verdict"].detail
    assert code in await patient.examine()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"json": JSON.replace("open", "closed")}, "session.closed"),
        ({"json": JSON.replace("open", "abandoned")}, "session.abandoned"),
        ({"json": '{"identity": "s-1", "state": 2}'}, "session.json-keys"),
        ({"streamPosition": None}, "session.position"),
        ({"streamPosition": "99999999999999-0"}, "session.position-ahead"),
        ({"lastUpdated": None}, "session.never-updated"),
        ({"lastUpdated": "99999999999999"}, "session.clock"),
        ({"lastUpdated": "1000"}, "session.clock"),
    ],
)
async def test_what_is_worth_knowing_about_a_session(patient, fields, code):
    patient.healthy()
    patient.ask("DEL", "sessions:s-1")
    patient.session(**fields)
    found = await patient.examine("s-1")
    assert problems(found) == set()
    assert code in found
    assert code in await patient.examine()


async def test_a_session_whose_writer_has_died(patient):
    long_ago = patient.now() - 600_000
    patient.healthy()
    patient.ask("DEL", "stream:car")
    patient.entry(at=f"{long_ago}-0")
    patient.session(lastUpdated=str(long_ago))
    assert "10 min" in (await patient.examine("s-1"))["session.silent"].title


async def test_a_session_of_which_the_beginning_is_gone(patient):
    start = patient.now() - 600_000
    patient.healthy()
    patient.ask("DEL", "stream:car")
    for i in range(4):
        patient.entry(at=f"{start + i * 1000}-0")
    patient.ask("XTRIM", "stream:car", "MAXLEN", "2")
    patient.session(streamPosition=f"{start}-0")
    assert "session.trimmed" in await patient.examine("s-1")


async def test_an_entry_far_back_is_found(patient):
    patient.healthy()
    patient.ask("EVAL", "for i = 1, 400 do redis.call('XADD', 'stream:car', '*', 'id', '2', 'data', ARGV[1]) end",
                "0", BURST.packed)  # fmt: skip
    assert problems(await patient.examine("s-1")) == set()


async def test_two_sessions_with_one_id(patient):
    patient.healthy()
    patient.session("s-2")
    found = await patient.examine()
    assert problems(found) == {"session.shared-id"}
    assert '"s-1"' in found["session.shared-id"].title
    assert '"s-2"' in found["session.shared-id"].title
    assert problems(await patient.examine("s-2")) == {"session.shared-id", "verdict"}


async def test_a_counter_that_was_lost(patient):
    patient.healthy()
    patient.ask("DEL", "lastStreamSessionId")
    assert "session.counter" in await patient.examine()
    patient.ask("SET", "lastStreamSessionId", "1")
    assert "session.counter" not in await patient.examine()


async def test_expiry(patient):
    patient.healthy()
    patient.ask("EXPIRE", "sessions:s-1", "30")
    assert "session.expires" in await patient.examine()
    patient.ask("PERSIST", "sessions:s-1")
    assert "session.lasting" in await patient.examine()


async def test_a_session_nobody_knows(patient):
    patient.healthy()
    found = await patient.examine("S-1")
    assert problems(found) == {"session.unknown", "verdict"}
    assert '"s-1"' in found["session.unknown"].advice


async def test_tables_do_not_get_long(patient):
    patient.healthy()
    for i in range(30):
        patient.session(f"t-{i}", streamSessionId=str(i + 2))
    patient.ask("SADD", "streams", *[f"stream-{i}" for i in range(30)])
    found = await patient.examine()
    assert len(found["sessions"].rows) == len(found["streams"].rows) == 21
    assert found["sessions"].title == "31 sessions; the 20 updated last"


def test_options_and_their_advice_exist():
    known = set(
        re.findall(r"^#+ `\[(\w+)\]`|^- `(\w+)` \(", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    )
    options = {name for _, name in known}
    source = "".join(p.read_text() for p in (ROOT / "transports" / "rta_transports" / "redis" / "doctor").glob("*.py"))
    named = set(re.findall(r"\b(?:buffer|pruner|edge|fanout)\.([a-z_]+)\b(?![(.])", source))
    assert named
    assert named - options == set()


# ---- more than one server


class ClusterAsOne:
    """Asks whoever has the key."""

    def __init__(self, cluster: RedisCluster) -> None:
        self.cluster, self.url = cluster, cluster.url

    def ask(self, *command: str | bytes) -> bytes:
        return self.cluster.owner(command[1]).ask(*command)


@pytest.mark.processes
async def test_a_cluster():
    with RedisCluster() as cluster:
        patient = Patient(ClusterAsOne(cluster))
        patient.healthy()
        patient.session("s-2", "other:{}", streamSessionId="2")
        assert problems(await patient.examine("s-1")) == {"role.cluster", "verdict"}
        patient.options["mode"] = "cluster"
        found = await patient.examine()
        assert problems(found) == set()
        assert found["sessions"].title == "1 session"
        assert found["keys.other-sessions"].rows[1] == ("other:<identity>", "1")
        assert problems(await patient.examine("s-1")) == set()


@pytest.mark.processes
async def test_sentinels():
    with Sentinel() as sentinel:
        patient = Patient(sentinel.primary)
        patient.healthy()
        watched = {"mode": "sentinel", "sentinels": [f"127.0.0.1:{sentinel.sentinel.port}"]}
        patient.options |= watched
        assert problems(await patient.examine()) == {"reach.sentinel-service"}
        patient.options["service"] = sentinel.service
        assert problems(await patient.examine("s-1")) == set()
        patient.options["sentinels"] = [f"127.0.0.1:{sentinel.primary.port}"]
        assert problems(await patient.examine()) == {"reach.not-a-sentinel"}
        patient.options = {"url": sentinel.sentinel.url}
        assert problems(await patient.examine()) == {"role.sentinel"}
        patient.options = {"url": sentinel.replica.url}
        assert (await patient.examine())["role.replica"].severity is Severity.WARNING


async def test_a_cluster_that_is_none(patient):
    patient.options["mode"] = "cluster"
    assert problems(await patient.examine()) == {"reach.not-a-cluster"}


@pytest.mark.parametrize(
    ("back_scan", "told"), [(600.0, "the last 10 min"), (7199.0, "the last 120 min"), (7200.0, None), (None, None)]
)
async def test_a_session_with_more_than_is_sent_says_so(patient, back_scan, told):
    last = patient.now() - 86_400_000
    patient.ask("SADD", "streams", "car")
    patient.session(json=JSON.replace("open", "closed"))
    for ms in (last - 7_200_000, last):
        patient.entry(at=f"{ms}-0")
    found = await patient.examine("s-1", back_scan)
    title = 'session "s-1": Redis holds about 2 h of it, and a client that joins gets '
    assert ("session.back-scan" in found) == (told is not None)
    if told is not None:
        assert found["session.back-scan"].title == title + told
    assert "session.back-scan" not in await patient.examine(None, back_scan)


async def test_of_findings_of_one_kind_the_first_are_told_and_how_many_more(patient):
    for n in range(50):
        patient.ask("SET", f"stream:odd-{n}", "no stream")
        patient.ask("SADD", "streams", f"odd-{n}")
    found = await patient.examine()
    assert found["stream.type.more"].title == "30 more findings of the kind stream.type"
