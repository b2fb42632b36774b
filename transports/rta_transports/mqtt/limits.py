"""What the broker takes, as it says when it accepts a connection."""

from __future__ import annotations

from attrs import frozen
from paho.mqtt.properties import Properties

__all__ = ["BrokerLimits"]


@frozen
class BrokerLimits:
    """Source: MQTT 5.0, section 3.2.2.3."""

    in_flight: int = 65535
    """Unacknowledged messages of QoS 1."""
    packet: int | None = None
    """Bytes; None: any."""
    qos: int = 1
    retain: bool = True
    identifiers: bool = True
    """Subscriptions may be numbered."""

    @classmethod
    def said(cls, properties: Properties | None) -> BrokerLimits:
        """What CONNACK says."""
        return cls(
            in_flight=getattr(properties, "ReceiveMaximum", 65535),
            packet=getattr(properties, "MaximumPacketSize", None),
            qos=getattr(properties, "MaximumQoS", 2),
            retain=bool(getattr(properties, "RetainAvailable", 1)),
            identifiers=bool(getattr(properties, "SubscriptionIdentifierAvailable", 1)),
        )
