"""Serve a `ZoneSet` over UDP and TCP on one port number (RFC 1035 §4.2, RFC 7766), on the caller's event loop."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Protocol

from fakes.dns.answers import Kept
from fakes.dns.carrier import Carrier, Client
from fakes.dns.faults import Effect, Fault, FaultKind
from fakes.dns.faulttable import Faults
from fakes.dns.history import History, Query, Wanted, endpoint
from fakes.dns.message import Transport
from fakes.dns.tcp import TcpServer
from fakes.dns.udp import UdpSide, serve
from fakes.dns.views import Views
from fakes.dns.zoneset import ZoneSet
from fakes.errors import FakeError

PORT_ATTEMPTS = 20
"How many free TCP ports are tried until one is free for UDP too."

OnQuery = Callable[[Query], object]


class Cancellable(Protocol):
    """A planned call."""

    def cancel(self) -> object:
        """Forget it."""


CallLater = Callable[[float, Callable[[], None]], Cancellable]


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
        call_later: CallLater | None = None,
        views: Mapping[str, ZoneSet] | None = None,
        idle_timeout: float = 10.0,
        max_connections: int = 100,
    ) -> None:
        """Prepare a server; nothing is opened yet.

        `port` 0 takes one that is free for both transports. `on_query` is called on the loop's thread before each
        answer leaves; what it raises goes to the loop's exception handler and does no harm here. `history` bounds the
        queries kept; `clock` gives their times, and `call_later` plans late answers (on the loop if None). `views`
        shows other zones to some clients, see `set_view`. `idle_timeout` is how many seconds a TCP connection may go
        without a complete query; connections beyond `max_connections` are closed as they come. Raises FakeError for an
        address, port or network that cannot be.
        """
        try:
            self._ip = ipaddress.ip_address(address)
        except ValueError as error:
            raise FakeError(f"The DNS server needs an IP address to listen on, not {address!r}.") from error
        if not 0 <= port <= 0xFFFF:
            raise FakeError(f"The DNS server needs a port from 0 (any free one) to 65535, not {port}.")
        self.zones = zones
        self._views = Views(views or {})
        self._wanted_port = port
        self._on_query = on_query
        self._history = History(history)
        self._faults = Faults()
        self._clock = clock
        self._call_later = call_later
        self._late: set[Cancellable] = set()
        self._port: int | None = None
        self._udp: UdpSide | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._tcp = TcpServer(self.answer, idle_timeout=idle_timeout, max_connections=max_connections)

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
        """All that was asked, oldest first, as far as it is kept; from any thread."""
        return self._history.queries()

    @property
    def query_count(self) -> int:
        """How many queries there were in all; as `since` it stands for now. From any thread."""
        return self._history.count

    def clear_history(self) -> None:
        """Forget the queries so far; from any thread."""
        self._history.clear()

    async def wait_for_query(
        self,
        name: str,
        type: str | None = None,  # noqa: A002 # it is the word for it
        *,
        transport: Transport | None = None,
        client: str | None = None,
        count: int = 1,
        since: int = 0,
        timeout: float = 5.0,
    ) -> Query:
        """Return the first query for the name, on any loop; one that has come already counts.

        What is None does not matter; `client` is an IP address. `count` 2 waits for the second one, `since` (a
        `query_count`) looks at later ones only. Raises QueryNotSeen, with the near misses, after `timeout` seconds.
        """
        wanted = Wanted.of(name, type, transport, client)
        future = self._history.wait(wanted, count, since)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except TimeoutError:
            raise self._history.not_seen(wanted, count, since, timeout) from None
        finally:
            self._history.forget(future)

    def expect_query(
        self,
        name: str,
        type: str | None = None,  # noqa: A002 # as above
        *,
        transport: Transport | None = None,
        client: str | None = None,
        count: int = 1,
        since: int = 0,
        timeout: float = 5.0,
    ) -> Query:
        """Do as `wait_for_query`, and block the calling thread, which must not be the one of the server's loop."""
        wanted = Wanted.of(name, type, transport, client)
        future = self._history.wait(wanted, count, since)
        try:
            return future.result(timeout)
        except TimeoutError:
            raise self._history.not_seen(wanted, count, since, timeout) from None
        finally:
            self._history.forget(future)

    def must_have_been_asked(
        self,
        name: str,
        type: str | None = None,  # noqa: A002 # as above
        *,
        transport: Transport | None = None,
        client: str | None = None,
        times: int | None = None,
        since: int = 0,
    ) -> list[Query]:
        """Return the queries that came for the name; see `wait_for_query` for what they can be narrowed to.

        Raises QueryNotSeen, which names the near misses, when there are none, or not exactly `times`.
        """
        return self._history.must_hold(Wanted.of(name, type, transport, client), times, since)

    def must_not_have_been_asked(
        self,
        name: str,
        type: str | None = None,  # noqa: A002 # as above
        *,
        transport: Transport | None = None,
        client: str | None = None,
        since: int = 0,
    ) -> None:
        """Raise QueryNotSeen when such a query came; for the arguments see `wait_for_query`."""
        self._history.must_hold(Wanted.of(name, type, transport, client), 0, since)

    def fault(
        self,
        name: str,
        kind: FaultKind | str,
        type: str | None = None,  # noqa: A002 # as above
        *,
        delay: float = 1.0,
        count: int = 1000,
        value: str | None = None,
        rate: float = 1.0,
        times: int | None = None,
        seed: int = 0,
    ) -> Fault:
        """Let something go wrong for a name from now on; from any thread, and `with` undoes it at the end.

        `kind` is one of `FaultKind`, whose `about` says what it does and which of `delay`, `count` and `value` it
        takes. A name `*.x.test` stands for all names below `x.test`. `type` None is every type that makes sense. It
        happens to a share of `rate` of the questions, drawn from `seed`, and no more than `times` times. Of several
        faults for one question the newest counts. Raises FakeError for what cannot be.
        """
        return self._faults.add(
            name, kind, type, delay=delay, count=count, value=value, rate=rate, times=times, seed=seed
        )

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in force, the oldest first."""
        return self._faults.in_force

    def clear_faults(self, name: str | None = None) -> None:
        """Let all be right again, for one name (as it was given to `fault`) or for all; from any thread."""
        self._faults.clear(name)

    def suspend_faults(self, *names: str) -> AbstractContextManager[None]:
        """A block in which nothing goes wrong for these names, as they were given to `fault`; what went wrong before
        does so again after it."""
        return self._faults.suspended(*names)

    def set_view(self, network: str, zones: ZoneSet | None) -> None:
        """Answer clients of a network (or a single address) from other zones; None takes that back. From any thread.

        The smallest network that a client is in counts; all others see the zones that the server was made with.
        Raises FakeError for what is no network.
        """
        self._views.set(network, zones)

    async def start(self) -> None:
        """Listen on both transports. Raises FakeError, with nothing left open, when address or port cannot be had."""
        if self._port is not None:
            raise FakeError(f"The DNS server runs already, on {endpoint(self.address, self._port)}.")
        with ExitStack() as undo:
            udp, tcp = self._bind()
            undo.callback(udp.close)
            undo.callback(tcp.close)
            datagrams = await self._open_udp(udp)
            undo.callback(datagrams.abort)
            await self._tcp.start(tcp)
            undo.pop_all()
        self._udp, self._port = datagrams, tcp.getsockname()[1]

    async def close(self) -> None:
        """Stop listening, drop all connections, and return when every socket is closed; harmless when not running."""
        if self._udp is None:
            return
        reopening, self._reopening, self._port = self._reopening, None, None
        if reopening is not None:
            reopening.cancel()
            await asyncio.wait([reopening])
        udp, self._udp = self._udp, None
        for late in self._late:
            late.cancel()
        self._late.clear()
        closed = udp.abort()
        await self._tcp.close()
        await closed
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
        place = f"{endpoint(self.address, port)} ({transport})"
        if error.errno == errno.EADDRINUSE:
            return f"The DNS server cannot listen on {place}: the port is in use. Stop who has it, or use port 0."
        if isinstance(error, PermissionError):
            return f"The DNS server may not listen on {place}: the system forbids it. Use a port above 1023, or port 0."
        if error.errno == errno.EADDRNOTAVAIL:
            return f"The DNS server cannot listen on {place}: this machine does not have that address."
        return f"The DNS server cannot listen on {place}: {error.strerror or error}."

    async def _open_udp(self, sock: socket.socket) -> UdpSide:
        return await serve(sock, self.answer, self._udp_failed)

    def _udp_failed(self) -> None:
        if self._udp is not None and self._port is not None and (self._reopening is None or self._reopening.done()):
            self._reopening = asyncio.get_running_loop().create_task(self._reopen_udp(self._udp, self._port))

    async def _reopen_udp(self, broken: UdpSide, port: int) -> None:
        await asyncio.wait([broken.abort()])
        self._udp = await self._open_udp(self._bound(socket.SOCK_DGRAM, port))

    def answer(self, wire: bytes, client: Client, carrier: Carrier) -> bytes | None:
        """Answer one message and remember it; on the loop, see `carrier.Answer`. Every microsecond here counts."""
        zones = self.zones if not self._views.any else self._views.of(client[0], self.zones)
        if self._faults.in_force:
            effect = self._faults.effect(wire, carrier.transport, zones.published)
            if effect is not None:
                return self._suffer(effect, wire, client, carrier)
        kept = zones.kept(wire, carrier.transport)
        if kept is None:
            return None
        self._remember(wire, client, carrier.transport, kept)
        return wire[:2] + kept.tail

    def _remember(self, wire: bytes, client: Client, transport: Transport, kept: Kept) -> None:
        at, id_ = self._clock(), wire[:2]
        self._history.add(at, client, transport, kept, id_)
        if self._on_query is not None:
            self._tell(Query(at, endpoint(client[0], client[1]), transport, kept.for_id(id_)))

    def _tell(self, query: Query) -> None:
        """Call the hook now, so that who has an answer can be sure that the hook has the query."""
        assert self._on_query is not None
        try:
            self._on_query(query)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # as asyncio does with its callbacks: reported, and the asker gets the answer
            context = {"message": f"on_query failed for {query}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _suffer(self, effect: Effect, wire: bytes, client: Client, carrier: Carrier) -> bytes:
        reply = effect.reply
        self._remember(reply.wire or wire, client, carrier.transport, Kept(reply))
        if effect.reset:
            carrier.reset()
        if effect.delay:
            self._later(effect.delay, partial(carrier.send, reply.wire, client))
            return b""
        return reply.wire

    def _later(self, delay: float, send: Callable[[], None]) -> None:
        def fire() -> None:
            self._late.discard(handle)
            send()

        handle = (self._call_later or asyncio.get_running_loop().call_later)(delay, fire)
        self._late.add(handle)


@contextmanager
def running(
    zones: ZoneSet,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    on_query: OnQuery | None = None,
    views: Mapping[str, ZoneSet] | None = None,
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
        async with DnsServer(zones, address=address, port=port, on_query=on_query, views=views) as server:
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
