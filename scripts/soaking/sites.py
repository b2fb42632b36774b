"""The two sites of the soak."""

from __future__ import annotations

__all__ = ["NODE", "Streams", "edge_site", "node_site"]

NODE = "soak/node"

_EDGE = """\
[site]
label = "soak edge"
grace = "200ms"
state_dir = "{{state}}"

[archive]

[edge]
port = {{port}}

[fanout]
back_scan = "1min"  # longer than any fault
ring = "1MiB"

[buffer]
transport = "redis"
url = "{redis}"

[pruner]
max_entries = 1000000

[logging]
format = "json"
"""

_NODE = """\
[site]
label = "soak node"
node = "{node}"
grace = "200ms"
state_dir = "{{state}}"

[edge]
port = {{port}}

[fanout]
ring = "1MiB"

[buffer]
transport = "redis"
url = "{redis}"

[pruner]
max_entries = 1000000

[topics]
transport = "mqtt"
port = {broker}
keep_alive = "2s"
connect_timeout = "3s"
max_pause = "1s"

[logging]
format = "json"

[[status]]
code = "soak.kept"
session = {{ identity = "plant" }}
[status.attributes]
"""

_KEPT = """
[[status.stream]]
name = "k{i}"
attributes = {{ a{i} = "change" }}
update = "10s"
qos = 1
history = {{ age = "30d", entries = 10000000 }}
replay = {{ rate = {rate} }}
"""

_PLAIN = """
[[status]]
code = "soak.plain{i}"
attributes.n = {{ from = "topic:plant/{i}", round = 0 }}
[[status.stream]]
update = "10s"
qos = {qos}
"""


class Streams:
    """How many there are, and what they are called. A stream is `code/name`, as in its topics."""

    def __init__(self, kept: int, plain: int, rate: float = 10.0) -> None:
        """`kept`: with history and replay, at `rate` messages a second."""
        self.kept = {f"soak.kept/k{i}": f"a{i}" for i in range(kept)}
        """And the attribute of each."""
        self.plain = {f"soak.plain{i}": f"plant/{i}" for i in range(plain)}
        """And the topic that its number comes from."""
        self.rate = rate


def edge_site(redis: str) -> str:
    """`redis`: its URL."""
    return _EDGE.format(redis=redis)


def node_site(streams: Streams, redis: str, broker: int) -> str:
    """`broker`: its port, or that of the way to it."""
    text = _NODE.format(node=NODE, redis=redis, broker=broker)
    text += "".join(f'a{i} = {{ from = "channel:{i}", round = 0 }}\n' for i in range(len(streams.kept)))
    text += "".join(_KEPT.format(i=i, rate=streams.rate) for i in range(len(streams.kept)))
    # format() has left single braces, of which only two are to be filled in.
    return text + "".join(_PLAIN.format(i=i, qos=i % 2) for i in range(len(streams.plain)))
