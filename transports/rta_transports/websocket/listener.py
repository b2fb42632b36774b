"""The edge's listener: one task per connection, whose faults stay its own."""

from __future__ import annotations

import errno
import ipaddress
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext
from functools import partial

import h11
import structlog
import trio
import wsproto.utilities
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from rta.ports import AsgiApp, CloseCode, Context, FlushPoint, Gate, Handler, NotAdmitted, RtaError
from rta.ports.tls import server_context, tls_problems
from rta.wire.websocket import SUBPROTOCOL
from rta_transports.websocket.addresses import Addresses
from rta_transports.websocket.admission import AskedFor, admitted, challenge, stream_request, unquoted
from rta_transports.websocket.certificates import Certificates
from rta_transports.websocket.connection import ControlStream, WebSocketPeer
from rta_transports.websocket.handshake import HandshakeFailed, encrypted, shake_hands
from rta_transports.websocket.head import (
    BLANK,
    HeadRefused,
    RequestHead,
    flush_point,
    head_in,
    read_head,
    stream_identity,
)
from rta_transports.websocket.http import HttpServer, raw_response
from rta_transports.websocket.options import EdgeOptions
from rta_transports.websocket.readiness import Readiness
from rta_transports.websocket.stream import WireStream
from rta_transports.websocket.turns import Turns

__all__ = ["WebSocketEdge", "check_edge", "open_edge"]

log = structlog.get_logger("rta.edge")

_BACKLOG = 1024
_RESERVE = 64  # connections over a limit that may be asking at the same time
_PROBE = 2.0  # seconds for them to ask
_ALWAYS = ("/health", "/metrics")  # what they are answered
_SHARE = 0.9  # of all connections: what one address may have, so that it cannot lock out the others
_CROWDED = "too many connections from this address"
_AT_ONCE = 4  # requests begun, or connections ended, in one turn of the event loop
_MARGIN = 10.0  # seconds
_HANG_UP = 2.0  # seconds for the peer to hang up first
Visit = Callable[[WireStream, str], Awaitable[None]]
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class WebSocketEdge:
    """See `rta.ports.Edge`."""

    def __init__(self, options: EdgeOptions, context: Context) -> None:
        self._options = options
        self.ping_interval: float = options.ping_interval
        self.stall_timeout: float = options.stall_timeout
        self._report = context.report
        per_address = options.max_per_address or math.ceil(options.max_connections * _SHARE)
        self._certificates = Certificates(options, context) if options.cert_file is not None else None
        self._gate: Gate
        self._addresses = Addresses(options.trusted_proxies, per_address)
        self._open = 0
        self._idle: dict[trio.CancelScope, None] = {}
        self._probing: dict[WireStream, None] = {}
        self._draining = trio.Event()
        # Requests sent ahead, and deadlines that pass together, would all have the same turn of the event loop.
        self._turns = Turns(_AT_ONCE)
        self._handshakes = trio.Semaphore(1)  # each takes as long as many requests

    def drain(self) -> None:
        self._draining.set()

    async def serve(
        self,
        handler: Handler,
        app: AsgiApp,
        *,
        gate: Gate,
        shared_port: int | None = None,
        task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        self._gate = gate
        http, readiness = HttpServer(app, self._options, self._report, self._turns), Readiness()
        if self._certificates is not None:
            await self._certificates.load()
        listening = await self._listen(shared_port)
        async with trio.open_nursery() as waking:
            waking.start_soon(readiness.run)
            if self._certificates is not None:
                waking.start_soon(self._certificates.watch)
            async with trio.open_nursery() as nursery:
                with ExitStack() as until_draining:
                    for sock in listening:
                        until_draining.enter_context(sock)
                    task_status.started(self._url(listening[0]))
                    async with trio.open_nursery() as accepting:
                        for sock in listening:
                            visit = partial(self._connection, handler=handler, http=http)
                            accepting.start_soon(self._accept, sock, readiness, nursery, visit)
                        await self._draining.wait()
                        accepting.cancel_scope.cancel()
                http.stopping = True
                await self._end_idle()
            waking.cancel_scope.cancel()

    async def _end_idle(self) -> None:
        for i, scope in enumerate(list(self._idle), 1):
            scope.cancel()
            if i % _AT_ONCE == 0:  # live data goes first
                await trio.lowlevel.checkpoint()

    # ---- listening

    async def _listen(self, shared_port: int | None) -> list[socket.socket]:
        host, port = self._options.host, self._options.port if shared_port is None else shared_port
        try:
            found = await trio.socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as e:
            raise RtaError(f"edge.host: {host!r} is no address to listen on: {e.strerror}") from None
        out: list[socket.socket] = []
        for family, kind, proto, _, address in found:
            sock = socket.socket(family, kind, proto)
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if self._options.reuse_port or shared_port is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if port == 0 and out:
                    address = (address[0], out[0].getsockname()[1], *address[2:])
                sock.bind(address)
                sock.listen(_BACKLOG)
                sock.setblocking(False)
            except OSError as e:
                for s in [sock, *out]:
                    s.close()
                taken = e.errno == errno.EADDRINUSE
                hint = "; is another rta running? RTA_EDGE__PORT sets another one" if taken else ""
                raise RtaError(f"cannot listen on {host}:{port}: {e.strerror}{hint}") from None
            out.append(sock)
        return out

    def _url(self, sock: socket.socket) -> str:
        host, port = sock.getsockname()[:2]
        scheme = "http" if self._certificates is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def _accept(
        self, listening: socket.socket, readiness: Readiness, nursery: trio.Nursery, visit: Visit
    ) -> None:
        while True:
            try:
                sock, address = listening.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(listening)
                continue
            except OSError as e:
                if e.errno in _FULL:
                    self._report.count("rta_connections_refused_total", reason="resources")
                    log.warning("cannot accept connections", error=e.strerror)
                    await trio.sleep(0.1)
                continue
            self._tune(sock)
            if self._certificates is not None:
                try:
                    sock = encrypted(sock, self._certificates.context)
                except OSError:
                    continue  # the peer has gone
            nursery.start_soon(visit, WireStream(sock, readiness), str(address[0]))
            await trio.lowlevel.checkpoint()  # no more are accepted than can be served: the others wait in the kernel

    def _tune(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # A closed window counts as no answer too, so a client that only stalls must not fall under it.
                timeout = int(max(self._options.user_timeout, self._options.stall_timeout + _MARGIN) * 1000)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
        except OSError:
            pass  # the peer has gone already; reading will tell

    # ---- one connection

    async def _connection(self, wire: WireStream, peer: str, handler: Handler, http: HttpServer) -> None:
        self._open += 1
        self._report.gauge("rta_connections", self._open)
        try:
            proxy = self._addresses.trusts(peer)
            with nullcontext(True) if proxy else self._addresses.counted(peer) as within:
                if self._open > self._options.max_connections:
                    await self._probe(wire, peer, http, "too many connections", "limit")
                elif not within:
                    await self._probe(wire, peer, http, _CROWDED, _CROWDED)
                else:
                    await self._serve(wire, peer, handler, http)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer has gone
        except* (ConnectionClosed, wsproto.utilities.ProtocolError, h11.LocalProtocolError, UnicodeDecodeError) as e:
            # What the libraries make of clients that vanish or break the protocol in the middle of things.
            self._report.malformed(peer, "protocol", unquoted(e.exceptions[0]))
        except* Exception as e:
            # The one place where any fault is caught: it is this connection's, and the others go on.
            self._report.count("rta_connection_faults_total")
            log.error("a connection's handler failed", peer=peer, exc_info=e)
        finally:
            wire.abort()
            self._open -= 1
            self._report.gauge("rta_connections", self._open)

    async def _probe(self, wire: WireStream, peer: str, http: HttpServer, why: str, reason: str) -> None:
        """Serve a connection over a limit: whether the service lives can be asked even then, if at once."""
        if len(self._probing) >= _RESERVE:
            oldest = next(iter(self._probing))  # it is no probe, or it has its answer
            del self._probing[oldest]
            oldest.abort()
        self._probing[wire] = None
        try:
            head = await self._first_head(wire, peer, _PROBE)
            if head is None:
                return
            if head.method in ("GET", "HEAD") and head.path in _ALWAYS:
                wire.unread(head.rest)
                await http.answer(wire, head, last=True)
                await wire.hang_up(_HANG_UP)
            else:
                await self._refuse(wire, "503 Service Unavailable", why, reason)
        finally:
            self._probing.pop(wire, None)

    async def _serve(self, wire: WireStream, peer: str, handler: Handler, http: HttpServer) -> None:
        head = await self._first_head(wire, peer, self._options.handshake_timeout)
        while head is not None:
            wire.unread(head.rest)
            if head.wants_websocket:
                wire.bound_unsent(0)
                await self._websocket(wire, head, peer, handler)
                return
            if self._draining.is_set():
                await self._refuse(wire, "503 Service Unavailable", "shutting down", "draining")
                return
            asked = AskedFor.at(peer, head, self._addresses)
            if not await http.answer(wire, head, asked):
                await wire.hang_up(_HANG_UP)
                return
            head = await self._next_head(wire)

    async def _next_head(self, wire: WireStream) -> RequestHead | None:
        """The next request on a connection that is kept; None as of `_head`."""
        first = b""
        if not self._draining.is_set():
            with trio.move_on_after(self._options.keep_alive) as scope:
                self._idle[scope] = None
                try:
                    first = await wire.receive_some()
                finally:
                    del self._idle[scope]
        if first:
            return await self._head(wire, self._options.handshake_timeout, first)
        await wire.hang_up(_HANG_UP)
        return None

    async def _first_head(self, wire: WireStream, peer: str, timeout: float) -> RequestHead | None:
        """As `_head`, behind the TLS handshake where there is one; `timeout` for both."""
        began = trio.current_time()
        if self._certificates is not None:
            try:
                with trio.move_on_after(timeout) as scope:
                    await shake_hands(wire, self._handshakes)
            except HandshakeFailed as e:
                self._report.malformed(peer, "tls", str(e))
                await self._refuse(wire, "400 Bad Request" if e.is_http else "", str(e), "tls")
                return None
            if scope.cancelled_caught:
                self._report.count("rta_connections_refused_total", reason="handshake")
                return None
        return await self._head(wire, began + timeout - trio.current_time())

    async def _head(self, wire: WireStream, timeout: float, first: bytes = b"") -> RequestHead | None:
        """The next request; None if there is none, and the connection has been taken care of. `first`: of it."""
        try:
            if (head := head_in(first := first.lstrip(BLANK), self._options.max_head)) is not None:
                return head
            with trio.move_on_after(timeout):
                return await read_head(wire, self._options.max_head, first)
        except HeadRefused as e:
            await self._refuse(wire, e.status, e.text, "head")
            return None
        await self._refuse(wire, "408 Request Timeout", "no request came", "handshake")
        return None

    async def _refuse(self, wire: WireStream, status: str, text: str, reason: str) -> None:
        """Without a status nothing is answered."""
        self._report.count("rta_connections_refused_total", reason=reason)
        await self._turns.next()
        with trio.move_on_after(_HANG_UP):
            await wire.send_all(raw_response(status, text) if status else b"")
        await wire.hang_up(_HANG_UP)

    async def _websocket(self, wire: WireStream, head: RequestHead, peer: str, handler: Handler) -> None:
        control = ControlStream(wire, head.raw, self._options.max_request, _HANG_UP)
        try:
            async with trio.open_nursery() as nursery:
                request = await self._handshake(nursery, wire, control)
                if request is not None:
                    await self._answer(request, wire, control, head, peer, handler)
                nursery.cancel_scope.cancel()
        except* wsproto.utilities.LocalProtocolError:
            pass  # a ping came behind our close frame, and the library does not know that this is allowed
        await wire.hang_up(_HANG_UP)

    async def _answer(
        self,
        request: WebSocketRequest,
        wire: WireStream,
        control: ControlStream,
        head: RequestHead,
        peer: str,
        handler: Handler,
    ) -> None:
        identity = stream_identity(head.target)
        after, point_is_valid = _after(head)
        client = self._addresses.behind(peer, head)
        proxy = self._addresses.trusts(peer)
        # No checkpoint up to the verdict: those who come at the same time are counted one by one.
        with self._addresses.counted(client) if proxy else nullcontext(True) as within:
            status, reason = self._verdict(head, identity, point_is_valid, within)
            if status or identity is None:
                self._report.count("rta_connections_refused_total", reason=reason)
                await request.reject(status, body=f"{reason}\n".encode())
                return
            asked = stream_request(head, identity, peer, self._addresses, wire.tls)
            try:
                subject = await admitted(self._gate, asked, self._turns, self._options.handshake_timeout)
                if self._draining.is_set():
                    raise NotAdmitted(503, "shutting down", "draining")
            except NotAdmitted as e:
                self._report.count("rta_connections_refused_total", reason=e.reason)
                await request.reject(e.status, extra_headers=challenge(e), body=f"{e}\n".encode())
                return
            websocket = await request.accept(subprotocol=SUBPROTOCOL)
            control.open(websocket)
            timeout = self._options.close_timeout
            connection = WebSocketPeer(identity, after, client, subject, wire, control, websocket, timeout)
            try:
                await handler(connection)
            except Exception:
                await connection.close(CloseCode.INTERNAL, "a fault of the server")
                raise
            await connection.close(CloseCode.NORMAL, "")

    def _verdict(self, head: RequestHead, identity: str | None, point_is_valid: bool, within: bool) -> tuple[int, str]:
        """The status to refuse with, and why; 0 to accept. `within`: the limit of its address."""
        if self._draining.is_set():
            return 503, "shutting down"
        if not head.key_is_valid:
            return 400, "sec-websocket-key is not 16 bytes in Base64"
        if identity is None:
            return 404, "no such path: /rta/v2/sessions/{identity}/stream is what there is"
        if not point_is_valid:
            return 400, "after is no flush point like 1700000000000-0:42:car"
        if SUBPROTOCOL not in head.tokens("sec-websocket-protocol"):
            return 406, f"sub-protocol {SUBPROTOCOL} is needed"
        if not within:
            return 503, _CROWDED
        return 0, ""

    async def _handshake(
        self, nursery: trio.Nursery, wire: WireStream, control: ControlStream
    ) -> WebSocketRequest | None:
        """None if it went wrong; the library has answered then, and has closed the stream."""
        request: WebSocketRequest | None = None
        async with trio.open_nursery() as waiting:

            async def until_closed() -> None:
                await wire.closed.wait()
                waiting.cancel_scope.cancel()

            waiting.start_soon(until_closed)
            waiting.cancel_scope.deadline = trio.current_time() + self._options.handshake_timeout
            request = await wrap_server_stream(
                nursery,
                control,
                message_queue_size=16,
                max_message_size=self._options.max_request,
                receive_buffer_size=16 << 10,
            )
            waiting.cancel_scope.cancel()
        return request


def _after(head: RequestHead) -> tuple[FlushPoint | None, bool]:
    """Behind which point the client wants to begin, and whether what it says of that can be read."""
    try:
        return flush_point(head.target), True
    except ValueError:
        return None, False


def check_edge(options: EdgeOptions, context: Context) -> list[str]:
    """What is wrong with the options that their types do not tell."""
    problems = []
    for address in options.trusted_proxies:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            problems.append(f"trusted_proxies: {address!r} is no address or network like 10.0.0.0/8")
    make = partial(server_context, options, context.folder)
    return problems + tls_problems(options, context.folder, context.clock(), None, make)


@asynccontextmanager
async def open_edge(options: EdgeOptions, context: Context) -> AsyncIterator[WebSocketEdge]:
    """An edge that is not listening yet."""
    yield WebSocketEdge(options, context)
