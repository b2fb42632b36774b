"""Another client of the broker with the node's id, which starts clean and comes back as soon as it is thrown out."""

import socket
import time
from urllib.error import HTTPError
from urllib.request import urlopen

from rta_transports.mqtt.packets import PacketReader, packed_string, publish_packet

from scripts.attacks.stage import Attack, Stage

__all__ = ["ATTACK"]

_NODE = "attacked"
_PAUSE = 0.1  # s until it comes back
_SITE = """
[site]
node = "{node}"

[topics]
transport = "mqtt"
port = {port}

[[status]]
code = "plant.x"
attributes.a = {{ from = "topic:plant/a" }}

[[status.stream]]
name = "live"
"""


def _prepare(stage: Stage) -> str:
    assert stage.broker is not None
    return _SITE.format(node=_NODE, port=stage.broker.port)


def _connected(port: int, client_id: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 10)
    body = packed_string(b"MQTT") + b"\x05\x02\x00\x00\x00" + packed_string(client_id.encode())
    sock.sendall(bytes((0x10, len(body))) + body)
    return sock


def _subscribed(port: int) -> socket.socket:
    """Receives the presences of the node."""
    sock = _connected(port, "attack-watcher")
    body = b"\x00\x01\x00" + packed_string(f"{_NODE}/presence".encode()) + b"\x00"
    sock.sendall(bytes((0x82, len(body))) + body)
    return sock


def _thrown_out(sock: socket.socket, until: float) -> bool:
    """Wait until the broker hangs up; False: it did not in time."""
    try:
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(4096):
                return True
    except TimeoutError:
        pass
    except ConnectionError:
        return True
    return False


def _presences(watcher: socket.socket) -> int:
    """How many have come."""
    reader, count = PacketReader(1 << 20), 0
    watcher.settimeout(0.5)
    try:
        while data := watcher.recv(1 << 16):
            count += sum(packet[0] & 0xF0 == publish_packet(b"", b"")[0] for packet in reader.feed(data))
    except TimeoutError:
        pass
    return count


def _health(port: int) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            text = answer.read().decode()
    except HTTPError as e:
        text = e.read().decode()
    return " / ".join(line for line in text.splitlines() if _NODE in line or "broker" in line) or text.strip()


def _strike(stage: Stage) -> None:
    assert stage.broker is not None
    port, until, began = stage.broker.port, time.monotonic() + stage.sizes.seconds, 0
    with _subscribed(port) as watcher:
        while began < stage.sizes.count and time.monotonic() < until:
            with _connected(port, _NODE) as rival:
                began += 1
                if _thrown_out(rival, until):
                    time.sleep(_PAUSE)
        told = _health(stage.service.port)
        presences = _presences(watcher)
    stage.say(f"the rival took over {began} times; {presences} presences of the node were published")
    stage.say(f"health says: {told}")


ATTACK = Attack(strike=_strike, prepare=_prepare, broker=True, count=1000, counts="Take-overs, at most.", seconds=12)
