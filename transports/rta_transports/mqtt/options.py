"""How the topic bus over MQTT is configured."""

from __future__ import annotations

from pathlib import Path

from attrs import define
from attrs.validators import and_, ge, gt, le, min_len, optional

from rta.errors import UnreadableError
from rta.ports import Duration, Size, option
from rta.ports.tls import ClientTlsOptions

__all__ = ["MqttTopicsOptions"]


@define
class MqttTopicsOptions(ClientTlsOptions):
    """Topics through an MQTT 5 broker."""

    host: str = option("Where the broker is.", "127.0.0.1", validator=min_len(1))
    port: int | None = option(
        "Its port; unset: 1883, or 8883 with TLS.", None, validator=optional(and_(ge(1), le(65535)))
    )
    username: str | None = option("Who we are to the broker; unset: nobody in particular.", None)
    password: str | None = option(
        "Better given as RTA_TOPICS__PASSWORD, or by password_file, than in a file that others read.",
        None,
        secret=True,
    )
    password_file: Path | None = option(
        "A file that holds the password and nothing else; read anew for each connection.", None
    )
    tls: bool = option("Encrypt the connection, and know the broker by its certificate.", False)
    keep_alive: Duration = option(
        "A connection on which nothing is heard for so long is asked, and given up after as long again.",
        Duration(15.0),
        validator=and_(ge(1), le(65535)),
    )
    connect_timeout: Duration = option(
        "How long connecting may take, until all subscriptions are in force.", Duration(10.0), validator=gt(0)
    )
    max_pause: Duration = option("The longest pause between tries to connect.", Duration(5.0), validator=gt(0))
    in_flight: int = option(
        "Messages of QoS 1 sent without having been acknowledged; the broker may want fewer.",
        1000,
        validator=and_(ge(1), le(65535)),
    )
    queue_messages: int = option("Messages that may wait to be sent; over it they are refused.", 65536, validator=ge(1))
    queue_bytes: Size = option("Bytes of these.", Size(16 << 20), validator=ge(1))
    max_received: Size = option(
        "The largest packet the broker may send us; it leaves larger ones out.", Size(1 << 20), validator=ge(1024)
    )

    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)

    def where(self) -> str:
        """For messages."""
        host, port = self.address()
        return f"{host}:{port}"

    def secret(self, folder: Path) -> str | None:
        """The password.

        :raises UnreadableError: its file cannot be read.
        """
        if self.password_file is None:
            return self.password
        try:
            return (folder / self.password_file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not text"
            raise UnreadableError(f"{folder / self.password_file}: {reason}") from None
