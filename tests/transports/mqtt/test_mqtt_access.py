"""The access-control list that comes with us, on a real broker: who may and may not what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from buses import PATIENCE, connected
from real_servers import Mosquitto

from rta.errors import TransportError
from rta.testing.patience import within

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parents[3] / "config" / "mosquitto"
NODES = ["45fe", "dk/cph/tlc-001"]
ALL = [*NODES, "tmc", "operator"]
BYSTANDER = "dk/tmc"
"""Has a name, and no lines of its own in the list."""
ADMINISTRATION = ["stream.add", "stream.edit", "stream.remove"]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Mosquitto]:
    broker = Mosquitto(anonymous=False, users={user: f"secret of {user}" for user in [*ALL, BYSTANDER]})
    acl = broker.folder / "acl"
    shutil.copy(FOLDER / "acl", acl)
    broker.lines.append(f"acl_file {acl}")
    with broker:
        yield broker


@pytest.fixture(scope="module")
def open_to_anybody() -> Iterator[Mosquitto]:
    """The same list where clients without a name are let in."""
    broker = Mosquitto()
    shutil.copy(FOLDER / "acl", broker.folder / "acl")
    broker.lines.append(f"acl_file {broker.folder / 'acl'}")
    with broker:
        yield broker


def as_user(broker, user):
    return connected(broker.port, f"test of {user}", username=user, password=f"secret of {user}")


async def may_write(bus, topic):
    try:
        with within(PATIENCE, "an acknowledgement"):
            await bus.publish(topic, b"x", qos=1)
    except TransportError as e:
        if "Not authorized" not in str(e):
            raise
        return False
    return True


OWN = ["presence", "status/a.b/live", "channel/a.b", "replay/a.b/live", "alarm/a.b"]
INTO = ["throttle", "fetch", "command"]
CONSUMERS = ["tmc", "operator"]
ASKING = ["tmc", "dk/tmc", "dk/cph/tmc"]

WRITING = [
    *[(n, f"{n}/{t}", True) for n in NODES for t in OWN],
    *[(n, f"{c}/{t}/a.b/live", True) for n in NODES for c in ASKING for t in ("history", "result")],
    *[("45fe", f"dk/cph/tlc-001/{t}", False) for t in ("presence", "status/a.b", "throttle/a.b", "command/a.b")],
    *[("45fe", f"tmc/{t}", False) for t in ("presence", "alarm/a.b")],
    *[(u, f"{n}/{t}/a.b", True) for u in CONSUMERS for n in NODES for t in INTO],
    *[(u, f"{n}/{t}", False) for u in CONSUMERS for n in NODES for t in OWN],
    *[(u, f"{u}/presence", True) for u in ALL],
    *[("tmc", f"{n}/command/{c}", False) for n in NODES for c in ADMINISTRATION],
    *[("tmc", f"{n}/command/stream.list", True) for n in NODES],
    *[("tmc", f"{n}/command/{c}{more}", False) for n in NODES for c in ADMINISTRATION for more in ("/", "/default")],
    *[("operator", f"{n}/command/{c}", True) for n in NODES for c in ADMINISTRATION],
    ("tmc", "operator/history/a.b", False),
    ("tmc", "a/b/c/d/command/a.b", False),
]  # fmt: skip


@pytest.mark.parametrize("user", ALL)
async def test_who_may_write_what(guarded, user):
    asked = [(topic, allowed) for by, topic, allowed in WRITING if by == user]
    async with as_user(guarded, user) as bus:
        assert [(topic, await may_write(bus, topic)) for topic, _ in asked] == asked


READING = [
    *[(u, f"{n}/{t}", True) for u in CONSUMERS for n in NODES for t in OWN],
    *[(u, f"{n}/{t}/a.b", False) for u in CONSUMERS for n in NODES for t in INTO],
    *[(u, f"{u}/{t}/a.b/live", True) for u in CONSUMERS for t in ("history", "result")],
    ("tmc", "operator/result/a.b", False),
    *[(n, f"{n}/{t}/a.b", True) for n in NODES for t in ("throttle", "fetch", "command", "channel")],
    *[("45fe", f"{c}/presence", True) for c in ("tmc", "dk/tmc", "dk/cph/tlc-001")],
    *[("45fe", f"dk/cph/tlc-001/{t}/a.b", False) for t in ("status", "command", "throttle")],
    ("45fe", "tmc/history/a.b", False),
]  # fmt: skip


@pytest.mark.parametrize("user", ALL)
async def test_who_may_read_what(guarded, user):
    """What somebody else has retained, asked for topic by topic, arrives or not before what is one's own."""
    asked = [(topic, allowed) for by, topic, allowed in READING if by == user]
    for topic, _ in asked:
        async with as_user(guarded, _owner(topic)) as owner:
            with within(PATIENCE, "an acknowledgement"):
                await owner.publish(topic, b"kept", retain=True, qos=1)
    async with as_user(guarded, user) as bus:
        end = f"{user}/end"
        async with bus.subscribe(*[topic for topic, _ in asked], end) as subscription:
            await bus.publish(end, b"", qos=1)
            got = set()
            with within(PATIENCE, "what is one's own"):
                while (message := await subscription.receive()).topic != end:
                    got.add(message.topic)
    assert [(topic, topic in got) for topic, _ in asked] == asked


def _owner(topic):
    return next((user for user in ALL if topic.startswith(f"{user}/")), BYSTANDER)


async def test_who_has_no_name_may_nothing(open_to_anybody):
    async with connected(open_to_anybody.port, "somebody") as bus:
        for topic in ("45fe/command/a.b", "45fe/status/a.b", "anything"):
            assert not await may_write(bus, topic)


def as_the_example_says(users: dict[str, str]) -> Mosquitto:
    """With its files where a test may put them."""
    broker = Mosquitto(anonymous=False, users=users)
    shutil.copy(FOLDER / "acl", broker.folder / "acl")
    text = (FOLDER / "mosquitto.conf").read_text()
    text = text.replace("/etc/mosquitto", str(broker.folder)).replace("/var/lib/mosquitto", str(broker.folder))
    own = re.sub(r"^(listener|allow_anonymous|password_file|persistence_location) .*$", "", text, flags=re.MULTILINE)
    broker.lines += own.splitlines()
    return broker


def test_mosquitto_takes_the_example_configuration():
    text = (FOLDER / "mosquitto.conf").read_text()
    commented = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"# [a-z_]+ \S+$", line)]
    assert "require_certificate true" in commented
    with as_the_example_says({"45fe": "x"}) as broker:
        assert broker.answers()


async def test_nobody_takes_the_connection_of_another_by_calling_himself_so():
    with as_the_example_says({"45fe": "secret of 45fe", "tmc": "secret of tmc"}) as broker:
        async with connected(broker.port, "45fe", username="45fe", password="secret of 45fe") as node:
            async with connected(broker.port, "45fe", username="tmc", password="secret of tmc"):
                assert await may_write(node, "45fe/presence")
            assert node.trouble is None
