"""Serve a `ZoneSet` over UDP and TCP on one port number (RFC 1035 §4.2, RFC 7766), on the caller's event loop."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from fakes.dns.message import Reply, Transport
from fakes.dns.records import Record, folded, name_text
from fakes.dns.zone import ZoneSet
from fakes.errors import FakeError

LENGTH = struct.Struct("!H")
WRITE_AT_ONCE = 65536
"Bytes of TCP answers that are joined before they are written."
PORT_ATTEMPTS = 20
"How many free TCP ports are tried until one is free for UDP too."


@dataclass(frozen=True, slots=True)
class Query:
    """A message that was answered; `str(query)` is one line."""

    at: float
    "Seconds on the server's clock, just before the answer left."
    client: str
    "`address:port` of who asked."
    transport: Transport
    "What it came over."
    reply: Reply
    "All of the answer."

    @property
    def name(self) -> str:
        """The name asked for, in lower case and without trailing dot; empty when the message was unreadable."""
        question = self.reply.question
        return "" if question is None else name_text(folded(question.name)).removesuffix(".")

    @property
    def asked(self) -> str:
        """The same in the letter case that it came in."""
        question = self.reply.question
        return "" if question is None else name_text(question.name).removesuffix(".")

    @property
    def type(self) -> str:
        """The type asked for, such as `SRV` or `TYPE65280`; empty when the message was unreadable."""
        question = self.reply.question
        return "" if question is None else question.type_text

    @property
    def rcode(self) -> str:
        """Mnemonic of the response code; NODATA is `NOERROR` without answers."""
        return self.reply.rcode.name

    @property
    def records(self) -> tuple[Record, ...]:
        """The answer section as sent; empty when `reply.truncated`."""
        return self.reply.answers

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer section as lines of a zone file."""
        return tuple(map(str, self.reply.answers))

    def __str__(self) -> str:
        outcome = ", ".join(self.answers) or ("truncated" if self.reply.truncated else self.rcode)
        return f"{self.client} asked {self.name or '.'} {self.type or '(unreadable)'} over {self.transport}: {outcome}"


OnQuery = Callable[[Query], object]


class DnsServer:
    """An authoritative server: `await start()`, ask it, `await close()`; or `async with`.

    It belongs to the event loop that `start` runs on. The zones may be changed from any thread while it runs.
    """

    def __init__(
        self,
        zones: ZoneSet,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        on_query: OnQuery | None = None,
        history: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        idle_timeout: float = 10.0,
        max_connections: int = 100,
    ) -> None:
        """Prepare a server; nothing is opened yet.

        `port` 0 takes one that is free for both transports. `on_query` is called on the loop's thread after each
        answer; what it raises goes to the loop's exception handler and does no harm here. `history` bounds the queries
        kept. `idle_timeout` is how many seconds a TCP connection may go without a complete query; connections beyond
        `max_connections` are closed as they come. Raises FakeError for an address or port that cannot be.
        """
        try:
            self._ip = ipaddress.ip_address(address)
        except ValueError as error:
            raise FakeError(f"The DNS server needs an IP address to listen on, not {address!r}.") from error
        if not 0 <= port <= 0xFFFF:
            raise FakeError(f"The DNS server needs a port from 0 (any free one) to 65535, not {port}.")
        self.zones = zones
        self._wanted_port = port
        self._on_query = on_query
        self._history: deque[Query] = deque(maxlen=history)
        self._history_lock = threading.Lock()
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._max_connections = max_connections
        self._port: int | None = None
        self._udp: _Datagrams | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._accepting = False
        self._tcp: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def address(self) -> str:
        """The IP address it listens on."""
        return str(self._ip)

    @property
    def port(self) -> int:
        """The port number of both transports. Raises FakeError unless the server runs."""
        if self._port is None:
            raise FakeError("The DNS server does not run, so it has no port yet: start it first.")
        return self._port

    @property
    def history(self) -> list[Query]:
        """All that was answered, oldest first, as far as it is kept; from any thread."""
        with self._history_lock:
            return list(self._history)

    def clear_history(self) -> None:
        """Forget the queries so far; from any thread."""
        with self._history_lock:
            self._history.clear()

    async def start(self) -> None:
        """Listen on both transports. Raises FakeError, with nothing left open, when address or port cannot be had."""
        if self._port is not None:
            raise FakeError(f"The DNS server runs already, on {_endpoint(self.address, self._port)}.")
        with ExitStack() as undo:
            udp, tcp = self._bind()
            undo.callback(udp.close)
            undo.callback(tcp.close)
            datagrams = await self._open_udp(udp)
            undo.callback(datagrams.abort)
            self._accepting = True
            server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), sock=tcp)
            undo.pop_all()
        self._udp, self._tcp, self._port = datagrams, server, tcp.getsockname()[1]

    async def close(self) -> None:
        """Stop listening, drop all connections, and return when every socket is closed; harmless when not running."""
        if self._udp is None or self._tcp is None:
            return
        reopening, self._reopening, self._accepting, self._port = self._reopening, None, False, None
        if reopening is not None:
            reopening.cancel()
            await asyncio.wait([reopening])
        udp, tcp, self._udp, self._tcp = self._udp, self._tcp, None, None
        tcp.close()
        await asyncio.wait([udp.abort(), *(connection.abort() for connection in self._connections)])
        await tcp.wait_closed()
        if reopening is not None and not reopening.cancelled():
            reopening.result()  # raises what it met

    async def __aenter__(self) -> DnsServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _bind(self) -> tuple[socket.socket, socket.socket]:
        """Return a UDP and a TCP socket, bound to the same port number."""
        attempts = 1 if self._wanted_port else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            tcp = self._bound(socket.SOCK_STREAM, self._wanted_port)
            try:
                return self._bound(socket.SOCK_DGRAM, tcp.getsockname()[1]), tcp
            except FakeError:
                tcp.close()
                if attempt == attempts:
                    raise
        raise AssertionError("the loop returns or raises")

    def _bound(self, kind: socket.SocketKind, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET if self._ip.version == 4 else socket.AF_INET6, kind)
        try:
            sock.setblocking(False)
            if kind == socket.SOCK_STREAM and os.name == "posix":
                # Otherwise a port whose connections have just been closed cannot be had again for a minute; on Windows
                # that is so by itself, and the option would let two programs have one port.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.address, port))
            if kind == socket.SOCK_STREAM:
                sock.listen(128)  # here already, because only now it is certain that nobody else has the port
        except OSError as error:
            sock.close()
            raise FakeError(self._why_not(error, "UDP" if kind == socket.SOCK_DGRAM else "TCP", port)) from error
        return sock

    def _why_not(self, error: OSError, transport: str, port: int) -> str:
        place = f"{_endpoint(self.address, port)} ({transport})"
        if error.errno == errno.EADDRINUSE:
            return f"The DNS server cannot listen on {place}: the port is in use. Stop who has it, or use port 0."
        if isinstance(error, PermissionError):
            return f"The DNS server may not listen on {place}: the system forbids it. Use a port above 1023, or port 0."
        if error.errno == errno.EADDRNOTAVAIL:
            return f"The DNS server cannot listen on {place}: this machine does not have that address."
        return f"The DNS server cannot listen on {place}: {error.strerror or error}."

    async def _open_udp(self, sock: socket.socket) -> _Datagrams:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=sock)
        return protocol

    def _udp_failed(self) -> None:
        if self._udp is not None and self._port is not None and (self._reopening is None or self._reopening.done()):
            self._reopening = asyncio.get_running_loop().create_task(self._reopen_udp(self._udp, self._port))

    async def _reopen_udp(self, broken: _Datagrams, port: int) -> None:
        await asyncio.wait([broken.abort()])
        self._udp = await self._open_udp(self._bound(socket.SOCK_DGRAM, port))

    def _answer(self, wire: bytes, transport: Transport, client: tuple[Any, ...]) -> bytes | None:
        """Answer one message and remember it."""
        reply = self.zones.respond(wire, transport=transport)
        if reply is None:
            return None
        query = Query(self._clock(), _endpoint(client[0], client[1]), transport, reply)
        with self._history_lock:
            self._history.append(query)
        if self._on_query is not None:
            # By way of the loop, so that an error of the hook is reported there and the asker still gets the answer.
            asyncio.get_running_loop().call_soon(self._on_query, query)
        return reply.wire

    def _admit(self, connection: _Connection) -> bool:
        if len(self._connections) >= self._max_connections or not self._accepting:
            return False
        self._connections.add(connection)
        return True


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast and not an assertion: before Python 3.12 asyncio's own transports do not inherit from the class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        answer = self._server._answer(data, "udp", addr)
        if answer is not None and not self._full:
            self._transport.sendto(answer, addr)

    def error_received(self, _: Exception) -> None:
        """Open a new socket: an asker that has gone before its answer came must not cost the others theirs.

        On Windows that is an error of the next read, after which asyncio's Proactor loop reads no more, in Python up to
        3.14 (python/cpython#91227, #127057). Elsewhere only a failed send comes here.
        """
        self._server._udp_failed()

    def pause_writing(self) -> None:
        """From here on answers are lost, as UDP may, rather than piled up."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def connection_lost(self, _: Exception | None) -> None:
        self._closed.set_result(None)

    def abort(self) -> asyncio.Future[None]:
        """Close at once; the result is there when the socket is closed."""
        self._transport.abort()
        return self._closed


class _Connection(asyncio.Protocol):
    """One TCP connection: any number of queries, answered in their order (RFC 7766 §6.2.1)."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._buffer = bytearray()
        self._full = False
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._peer: tuple[Any, ...] = transport.get_extra_info("peername") or ("?", 0)
        if self._server._admit(self):
            self._watch()
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def pause_writing(self) -> None:
        """The asker does not read: neither read nor answer more until it does."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._transport.resume_reading()
        self._work()

    def connection_lost(self, _: Exception | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._server._connections.discard(self)
        self._closed.set_result(None)

    def abort(self) -> asyncio.Future[None]:
        """Drop the connection; the result is there when the socket is closed."""
        self._transport.abort()
        return self._closed

    def _work(self) -> None:
        """Answer the complete queries in the buffer, in few writes, as long as the asker takes the answers."""
        out = bytearray()
        while not self._full and not self._transport.is_closing() and (wire := self._next_query()) is not None:
            answer = self._server._answer(wire, "tcp", self._peer)
            if answer is None:
                # No DNS client sends this, so nothing that follows can be trusted to be framed.
                self._transport.write(bytes(out))
                self._transport.close()
                return
            out += LENGTH.pack(len(answer)) + answer
            self._watch()
            if len(out) >= WRITE_AT_ONCE:
                self._transport.write(bytes(out))
                out.clear()
        if out:
            self._transport.write(bytes(out))

    def _next_query(self) -> bytes | None:
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        wire = bytes(self._buffer[LENGTH.size : end])
        del self._buffer[:end]
        return wire

    def _watch(self) -> None:
        """Give the asker the idle time again, from now."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._loop.call_later(self._server._idle_timeout, self._transport.abort)


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@contextmanager
def running(
    zones: ZoneSet, *, address: str = "127.0.0.1", port: int = 0, on_query: OnQuery | None = None
) -> Iterator[DnsServer]:
    """Run a server on a thread and event loop of its own, for programs without one; arguments as for `DnsServer`.

    At the end the server, its loop and its thread are gone. Raises FakeError when it cannot start, and at the end when
    something went wrong on its loop, an error of `on_query` above all.
    """
    troubles: list[dict[str, Any]] = []
    started: Future[tuple[DnsServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context))
        async with DnsServer(zones, address=address, port=port, on_query=on_query) as server:
            stop = asyncio.Event()
            started.set_result((server, loop, stop))
            await stop.wait()

    with ThreadPoolExecutor(1, thread_name_prefix="fake-dns") as thread:
        ended = thread.submit(lambda: asyncio.run(serve()))
        first: list[Future[Any]] = [started, ended]
        wait(first, return_when=FIRST_COMPLETED)
        if not started.done():
            ended.result()  # raises what kept it from starting
        server, loop, stop = started.result()
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(stop.set)
            ended.result()
    if troubles:
        cause = troubles[0].get("exception")
        raise FakeError(
            f"Something went wrong while the DNS server ran: {cause or troubles[0]['message']!r}."
        ) from cause
