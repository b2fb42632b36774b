"""paho, as far as it is needed: one client for one connection, which never connects or blocks by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from rta.ports import Will
from rta_transports.mqtt.wire import Wire

__all__ = ["Identity", "Speaker", "properties"]


@frozen
class Identity:
    """Who we are to the broker."""

    client_id: str
    will: Will | None
    username: str | None
    password: str | None = field(repr=False)


class Speaker(Client):
    """A new one is made for each connection, so that nothing it has queued is ever sent again."""

    def __init__(self, identity: Identity, wire: Wire, next_mid: Callable[[], int]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            identity.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._wire = wire
        self._next_mid = next_mid
        if identity.username is not None:
            self.username_pw_set(identity.username, identity.password)
        if identity.will is not None:
            self.will_set(identity.will.topic, identity.will.payload, qos=1, retain=True)

    def _create_socket(self) -> Any:
        """The connection that has been made for it."""
        return self._wire

    def _mid_generate(self) -> int:
        """Packet ids of its own and of the messages that pass it by are not to be the same."""
        return self._next_mid()


def properties(packet: int, **values: object) -> Properties:
    """Of a packet, by the names of paho."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made
