"""Redis as one: which server has a key, connections to it, and what its refusals mean.

A command goes over a connection of the server's pool. A connection whose conversation did not end well, cancellation
included, is closed.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
import trio
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, SSLConnection, _RESP2Parser  # type: ignore[attr-defined]
from redis.connection import Connection as PlainConnection
from redis.retry import Retry

from rta.errors import NotConnectedError, TransportError, UnreadableError
from rta.formatting import shown_url
from rta.ports.tls import client_context
from rta_transports.redis.connection import RedisConnection, Reply, ServerError, answer_within, connect
from rta_transports.redis.options import RedisLogOptions, url_parts
from rta_transports.redis.topology import Cluster, Fixed, Sentinels, ServerAddress, Topology

__all__ = ["Server", "good"]

log = structlog.get_logger("rta.redis")

Command = tuple[Any, ...]

_REDIRECTIONS = 5
_REFRESH = 1.0  # seconds between questions which server is the primary


def good(reply: Reply) -> Reply:
    """A reply that is no refusal.

    :raises UnreadableError: it is one.
    """
    if isinstance(reply, ServerError):
        raise UnreadableError(f"Redis refuses: {reply}")
    if isinstance(reply, list):
        for part in reply:
            if isinstance(part, ServerError):
                raise UnreadableError(f"Redis refuses: {part}")
    return reply


class _Pool:
    """Idle connections to one server, and how many there may be."""

    def __init__(self, bound: int) -> None:
        self.idle: list[RedisConnection] = []
        self.limit = trio.CapacityLimiter(bound)

    def acquire(self) -> RedisConnection | None:
        while self.idle:
            connection = self.idle.pop()
            if not _is_readable(connection):
                return connection
            connection.close()
        return None

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


def _is_readable(connection: RedisConnection) -> bool:
    """Whether an idle connection can be read from, which means that it was closed."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))


class Server:
    """A single server, the primary of a Sentinel service, or a Cluster."""

    def __init__(self, options: RedisLogOptions, folder: Path = Path()) -> None:
        """`folder`: what relative paths among the options are relative to."""
        self._options = options
        self.timeout = options.timeout
        parts = url_parts(options.url)
        self._how = _credentials(options, folder, parts)
        self._kind: Callable[..., AbstractConnection] = parts.pop("connection_class", PlainConnection)
        if options.encrypted:
            self._kind = _over_tls(options, folder)
        self.where = shown_url(options.url)
        self._path: str | None = parts.get("path")
        address = ServerAddress(parts.get("host", "127.0.0.1"), parts.get("port", 6379))
        self.topology: Topology
        match options.mode:
            case "single":
                self.topology = Fixed(address)
            case "sentinel":
                named = [ServerAddress.parse(s, 26379) for s in options.sentinels] or [
                    ServerAddress(address.host, 26379)
                ]
                self.topology = Sentinels(named, options.service, self._make_sentinel)
            case "cluster":
                self.topology = Cluster(address, self._make)
        self._pools: dict[ServerAddress, _Pool] = {}
        self._stale = options.mode != "single"
        self._refreshing = trio.Lock()
        self.moved: Callable[[], None] = lambda: None
        """Called when keys may have moved to other servers."""

    @property
    def is_cluster(self) -> bool:
        return self._options.mode == "cluster"

    def close(self) -> None:
        """Idle connections; those in use are closed by their users."""
        for pool in self._pools.values():
            pool.close()

    # ---- asking

    async def ask(self, key: bytes | None, *commands: Command) -> list[Reply]:
        """Send commands together to the server that has `key`; None: to any.

        :raises NotConnectedError: there was no answer; the commands may have been carried out.
        """
        return await self._ask(lambda: self.topology.locate(key), commands)

    async def ask_one(self, key: bytes | None, *command: Any) -> Reply:
        """The good reply to one command.

        :raises NotConnectedError: there was none; the command may have been carried out.
        :raises UnreadableError: it is refused.
        """
        return good((await self.ask(key, command))[0])

    async def primaries(self) -> list[ServerAddress]:
        """Every server that has keys of its own."""
        await self._refresh_topology()
        return self.topology.primaries()

    async def ask_at(self, address: ServerAddress, *commands: Command) -> list[Reply]:
        """Send commands together to a certain server."""
        return await self._ask(lambda: address, commands)

    async def _ask(self, where: Callable[[], ServerAddress], commands: Iterable[Command]) -> list[Reply]:
        commands = tuple(commands)
        for _ in range(_REDIRECTIONS):
            await self._refresh_topology()
            async with self._connection(where()) as connection:
                replies = await connection.ask(*commands)
            redirected = _redirected(replies)
            if redirected is None or self._options.mode == "single":
                return replies
            log.info("keys are on another server", server=str(redirected))
            self.lost_track()
            if redirected.code == "ASK":
                # The slot is on its way: this one command, there; the commands of a call have one slot.
                address = ServerAddress.parse(str(redirected).rsplit(" ", 1)[1])
                async with self._connection(address) as connection:
                    asking = [c for command in commands for c in (("ASKING",), command)]
                    return (await connection.ask(*asking))[1::2]
        raise NotConnectedError(f"{self.where}: keys keep moving between servers")

    @asynccontextmanager
    async def _connection(self, address: ServerAddress) -> AsyncIterator[RedisConnection]:
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = _Pool(self._options.connections)
        connection: RedisConnection | None = None
        try:
            with answer_within(self.timeout, self._shown(address)):
                async with pool.limit:
                    try:
                        connection = pool.acquire() or await self._connect(address)
                        yield connection
                    except BaseException:
                        if connection is not None:
                            connection.close()
                        raise
                    pool.idle.append(connection)
        except TransportError:
            self.lost_track()
            raise

    # ---- connecting

    async def dedicated(self, key: bytes | None) -> RedisConnection:
        """A connection of the caller's own, to the server that has `key`.

        :raises NotConnectedError: it cannot be had.
        """
        await self._refresh_topology()
        try:
            return await self._connect(self.topology.locate(key))
        except TransportError:
            self.lost_track()
            raise

    async def _connect(self, address: ServerAddress) -> RedisConnection:
        return await connect(lambda: self._make(address), self.timeout, self._shown(address))

    def _make(self, address: ServerAddress) -> AbstractConnection:
        if self._path is not None:
            return self._kind(path=self._path, **{k: v for k, v in self._how.items() if k != "socket_keepalive"})
        return self._kind(host=address.host, port=address.port, **self._how)

    def _make_sentinel(self, address: ServerAddress) -> AbstractConnection:
        who = {"username": self._options.sentinel_user, "password": self._options.sentinel_password, "db": 0}
        return self._kind(host=address.host, port=address.port, **(self._how | who))

    def _shown(self, address: ServerAddress) -> str:
        return f"Redis at {self._path or address}"

    # ---- where keys are

    def lost_track(self) -> None:
        """Keys may have moved to other servers."""
        self._stale = self._options.mode != "single"

    async def _refresh_topology(self) -> None:
        """Find out where keys are if that is not certain."""
        if not self._stale:
            await trio.lowlevel.checkpoint()
            return
        async with self._refreshing:
            if self._stale and await self.topology.refresh(self.timeout):
                for pool in self._pools.values():
                    pool.close()
                self.moved()
            self._stale = False

    async def keep_topology(self) -> None:
        """Until cancelled: notice when another server becomes the primary."""
        if self._options.mode == "single":
            return
        while True:
            await trio.sleep(_REFRESH)
            self._stale = True
            try:
                await self._refresh_topology()
            except TransportError as e:
                log.debug("cannot find the primary", error=str(e))


def _redirected(replies: Iterable[Reply]) -> ServerError | None:
    for reply in replies:
        if isinstance(reply, ServerError) and reply.code in ("MOVED", "ASK", "READONLY"):
            return reply
    return None


def _credentials(options: RedisLogOptions, folder: Path, parts: dict[str, Any]) -> dict[str, Any]:
    password = options.password
    if password is None and options.password_file is not None:
        try:
            password = (folder / options.password_file).read_text("utf-8").strip()
        except (OSError, ValueError) as e:
            raise UnreadableError(f"password_file {options.password_file}: {e}") from None
    return {
        "username": options.user or parts.get("username"),
        "password": password if password is not None else parts.get("password"),
        "db": parts.get("db", 0) if options.mode != "cluster" else 0,
        "socket_timeout": options.timeout,
        "socket_connect_timeout": options.timeout,
        "socket_keepalive": True,
        "protocol": 2,
        # hiredis makes room for as many items as a server announces; this one reads them.
        "parser_class": _RESP2Parser,
        "client_name": "rta",
        "retry": Retry(NoBackoff(), 0),  # trying again is our callers' business
    }


def _over_tls(options: RedisLogOptions, folder: Path) -> type[SSLConnection]:
    class TlsConnection(SSLConnection):
        """Takes the files as they are when it connects."""

        def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
            return client_context(options, folder).wrap_socket(sock, server_hostname=self.host)

    return TlsConnection
