"""Sockets, connections and history: what the server does around the answers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import dns.asyncquery
import dns.message
import dns.query
import pytest

from fakes import FakeError
from fakes.dns import DnsServer, Query, Transport, Zone, ZoneSet, running
from fakes.dns.udp import Endpoint
from tests.fakes.dns.loops import WithoutReaders

if TYPE_CHECKING:
    from tests.fakes.dns.conftest import Ask

T = TypeVar("T")

DEADLINE = 30
"Seconds after which a test that waits has failed."


loops: list[Callable[[], asyncio.AbstractEventLoop]] = []


@pytest.fixture(params=[asyncio.SelectorEventLoop, WithoutReaders], autouse=True)
def loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs on a loop of either kind."""
    loops.append(request.param)
    yield
    loops.pop()


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run a test on a loop of its own; it fails when an error was met there that nobody saw."""
    unseen: list[dict[str, Any]] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        async with asyncio.timeout(DEADLINE):
            return await test

    with asyncio.Runner(loop_factory=loops[-1]) as runner:
        result = runner.run(watched())
    assert unseen == []
    return result


async def ask(server: DnsServer, name: str = "sip.fabrikam.test", transport: Transport = "udp") -> dns.message.Message:
    send = dns.asyncquery.udp if transport == "udp" else dns.asyncquery.tcp
    return await send(dns.message.make_query(name, "A"), server.address, port=server.port, timeout=DEADLINE)


def framed(name: str = "sip.fabrikam.test", id_: int = 0) -> bytes:
    """A query as TCP carries it."""
    wire = dns.message.make_query(name, "A", id=id_).to_wire()
    return len(wire).to_bytes(2, "big") + wire


async def next_message(reader: asyncio.StreamReader) -> dns.message.Message:
    length = int.from_bytes(await reader.readexactly(2), "big")
    return dns.message.from_wire(await reader.readexactly(length))


@pytest.fixture
def zones(fabrikam: Zone) -> ZoneSet:
    return ZoneSet([fabrikam])


@pytest.fixture
def taken() -> Iterator[dict[str, int]]:
    """A UDP and a TCP socket of somebody else, on ports of their own that nobody has for the other transport."""
    with ExitStack() as sockets:
        yield {"udp": held(sockets, socket.SOCK_DGRAM), "tcp": held(sockets, socket.SOCK_STREAM)}


def held(sockets: ExitStack, kind: socket.SocketKind) -> int:
    other_kind = socket.SOCK_STREAM if kind == socket.SOCK_DGRAM else socket.SOCK_DGRAM
    sock = sockets.enter_context(socket.socket(type=kind))
    sock.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    port: int = sock.getsockname()[1]
    with socket.socket(type=other_kind) as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return held(sockets, kind)
    return port


class TestListening:
    def test_both_transports_have_the_same_port(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones) as one, DnsServer(zones) as other:
                assert one.port != other.port
                for transport in ("udp", "tcp"):
                    assert (await ask(one, transport=transport)).answer
                assert [(query.transport, query.name) for query in one.history] == [
                    ("udp", "sip.fabrikam.test"),
                    ("tcp", "sip.fabrikam.test"),
                ]

        run(test())

    def test_a_port_can_be_asked_for_and_is_free_again_afterwards(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones) as first:
                port = first.port
                await ask(first, transport="tcp")
            for _ in range(2):
                async with DnsServer(zones, port=port) as again:
                    assert again.port == port
                    assert (await ask(again)).answer
                    assert (await ask(again, transport="tcp")).answer

        run(test())

    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    def test_a_port_in_use_is_a_sentence_and_leaves_nothing_open(
        self, zones: ZoneSet, taken: dict[str, int], transport: str
    ) -> None:
        async def test() -> None:
            server = DnsServer(zones, port=taken[transport])
            with pytest.raises(FakeError, match=rf"127.0.0.1:{taken[transport]} \({transport.upper()}\): .* in use"):
                await server.start()
            with pytest.raises(FakeError, match="does not run"):
                _ = server.port

        run(test())

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"address": "localhost"}, "needs an IP address to listen on, not 'localhost'"),
            ({"port": 65536}, "needs a port from 0 .* to 65535, not 65536"),
            ({"port": -1}, "needs a port from 0 .* to 65535, not -1"),
        ],
    )
    def test_what_cannot_be_is_a_sentence(self, zones: ZoneSet, arguments: dict[str, Any], sentence: str) -> None:
        with pytest.raises(FakeError, match=sentence):
            DnsServer(zones, **arguments)

    def test_an_address_of_another_machine_is_a_sentence(self, zones: ZoneSet) -> None:
        async def test() -> None:
            with pytest.raises(FakeError, match=r"192\.0\.2\.1:0 .* does not have that address"):
                await DnsServer(zones, address="192.0.2.1").start()

        run(test())

    def test_it_starts_once_and_closes_as_often_as_you_like(self, zones: ZoneSet) -> None:
        async def test() -> None:
            server = DnsServer(zones)
            await server.close()
            await server.start()
            with pytest.raises(FakeError, match=r"runs already, on 127\.0\.0\.1:"):
                await server.start()
            await server.close()
            await server.close()
            await server.start()
            assert (await ask(server)).answer
            await server.close()

        run(test())

    def test_ipv6_is_served_too(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones, address="::1") as server:
                assert (await ask(server)).answer
                assert server.history[0].client.startswith("[::1]:")

        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            pytest.skip(f"this machine has no IPv6 loopback: {error}")
        run(test())

    def test_close_ends_connections_and_leaves_no_task(self, zones: ZoneSet) -> None:
        async def test() -> None:
            server = DnsServer(zones)
            await server.start()
            reader, writer = await asyncio.open_connection(server.address, server.port)
            writer.write(framed())
            await next_message(reader)
            await server.close()

            assert asyncio.all_tasks() == {asyncio.current_task()}
            with pytest.raises(ConnectionError):
                await next_message_or_reset(reader)
            writer.close()

        run(test())

    def test_zones_may_change_while_it_runs(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones) as server:
                assert (await ask(server, "sip.contoso.test")).rcode().name == "REFUSED"
                await asyncio.to_thread(zones.add_zone, Zone("contoso.test").a("sip", "127.0.0.2"))
                assert (await ask(server, "sip.contoso.test")).answer

        run(test())

    def test_an_error_of_the_udp_socket_does_not_end_the_service(self, zones: ZoneSet) -> None:
        """What the Proactor loop of Windows reports when an asker has gone: its reading has then ended for good."""

        async def test() -> None:
            async with DnsServer(zones) as server:
                before = server._udp
                if not isinstance(before, Endpoint):
                    assert loops[-1] is not WithoutReaders
                    return
                before.error_received(ConnectionResetError())
                before.error_received(ConnectionResetError())
                async with asyncio.timeout(5):
                    while server._udp is before:
                        await asyncio.sleep(0)
                assert (await ask(server)).answer
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run(test())

    def test_it_can_be_closed_while_it_opens_a_new_udp_socket(self, zones: ZoneSet) -> None:
        async def test() -> None:
            for turns in range(5):
                async with DnsServer(zones) as server:
                    if isinstance(server._udp, Endpoint):
                        server._udp.error_received(ConnectionResetError())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                assert asyncio.all_tasks() == {asyncio.current_task()}

        run(test())


async def next_message_or_reset(reader: asyncio.StreamReader) -> None:
    """Read one message; the end of the connection is a ConnectionError, whether it came with a FIN or a RST."""
    try:
        await next_message(reader)
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("closed") from error


def on_connection(
    zones: ZoneSet,
    test: Callable[[DnsServer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    **arguments: Any,
) -> None:
    """Run a test with one TCP connection to a server."""

    async def whole() -> None:
        async with DnsServer(zones, **arguments) as server:
            reader, writer = await asyncio.open_connection(server.address, server.port)
            await test(server, reader, writer)
            writer.close()

    run(whole())


class TestConnections:
    """RFC 7766."""

    def test_queries_sent_at_once_are_answered_in_their_order(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"".join(framed(id_=number) for number in range(50)))
            assert [(await next_message(reader)).id for _ in range(50)] == list(range(50))

        on_connection(zones, test)

    def test_a_query_may_come_in_pieces(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for octet in framed(id_=7) + framed(id_=8):
                writer.write(bytes([octet]))
                await writer.drain()
            assert [(await next_message(reader)).id for _ in range(2)] == [7, 8]

        on_connection(zones, test)

    def test_an_unreadable_query_is_answered_and_the_connection_goes_on(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"\0\x0c" + b"\0\x09" + bytes(10) + framed(id_=3))
            assert (await next_message(reader)).rcode().name == "FORMERR"
            assert (await next_message(reader)).id == 3
            assert [(query.name, query.type, query.rcode) for query in server.history] == [
                ("", "", "FORMERR"),
                ("sip.fabrikam.test", "A", "NOERROR"),
            ]

        on_connection(zones, test)

    @pytest.mark.parametrize("junk", [b"\0\0", b"\0\x04junk", b"GET / HTTP/1.1\r\n" + bytes(20_000)])
    def test_junk_ends_the_connection_after_the_answers_before_it(self, zones: ZoneSet, junk: bytes) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framed(id_=1) + junk + (b"" if junk.startswith(b"GET") else framed(id_=2)))
            assert (await next_message(reader)).id == 1
            if not junk.startswith(b"GET"):
                assert await reader.read() == b""
            assert (await ask(server, transport="tcp")).answer

        on_connection(zones, test)

    def test_an_idle_connection_is_closed(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with pytest.raises(ConnectionError):
                await next_message_or_reset(reader)

        on_connection(zones, test, idle_timeout=0.01)

    def test_bytes_that_make_no_query_do_not_keep_a_connection_alive(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with pytest.raises(ConnectionError):
                for _ in range(60_000):  # less than the 65,535 that the first two announce
                    writer.write(b"\xff")
                    await writer.drain()
                    await asyncio.sleep(0)

        on_connection(zones, test, idle_timeout=0.01)

    def test_each_query_gives_the_asker_the_idle_time_again(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends = []
            for _ in range(3):
                writer.write(framed())
                await next_message(reader)
                ends += [peer._idle.when() for peer in server._tcp.connections if peer._idle is not None]
            assert len(ends) == 3
            assert ends == sorted(set(ends))

        on_connection(zones, test)

    def test_connections_beyond_the_cap_are_closed_and_the_others_go_on(self, zones: ZoneSet) -> None:
        async def test(server: DnsServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(framed())
            await next_message(reader)
            late, late_writer = await asyncio.open_connection(server.address, server.port)
            with pytest.raises(ConnectionError):
                await next_message_or_reset(late)
            late_writer.close()
            writer.write(framed(id_=9))
            assert (await next_message(reader)).id == 9

        on_connection(zones, test, max_connections=1)

    def test_the_place_of_a_closed_connection_is_free_again(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones, max_connections=1) as server:
                for _ in range(3):
                    reader, writer = await asyncio.open_connection(server.address, server.port)
                    writer.write(framed())
                    await next_message(reader)
                    writer.write_eof()
                    assert await reader.read() == b""
                    writer.close()

        run(test())

    def test_an_asker_that_does_not_read_is_not_answered_further(self) -> None:
        """Otherwise 40 bytes of query after the other would fill the memory with 60 kB of answer each."""
        zone = Zone("fabrikam.test").a("sip", *(f"127.{host // 250}.1.{host % 250}" for host in range(3500)))
        zones = ZoneSet([zone])
        count = 400

        async def test() -> None:
            async with DnsServer(zones) as server:
                with socket.socket() as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    sock.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(sock, (server.address, server.port))
                    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
                    writer.write(framed() * count)
                    await writer.drain()
                    await ask(server, "fence.fabrikam.test")
                    assert len(server.history) < count
                    assert [peer._stream.is_reading() for peer in server._tcp.connections] == [False]
                    sizes = [sum(map(len, (await next_message(reader)).answer)) for _ in range(3)]
                    for _ in range(count - 3):
                        await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                    assert sizes == [3500] * 3
                    assert len(server.history) == count + 1
                    writer.close()

        run(test())


class TestHistory:
    def test_each_query_is_remembered_with_its_answer(self, zones: ZoneSet) -> None:
        async def test() -> None:
            now = 41.0

            def clock() -> float:
                nonlocal now
                now += 1
                return now

            async with DnsServer(zones, clock=clock) as server:
                await ask(server, "WWW.fabrikam.test")
                await ask(server, "nobody.fabrikam.test", "tcp")
                first, second = server.history

            assert (first.at, first.transport, first.name, first.asked) == (
                42.0,
                "udp",
                "www.fabrikam.test",
                "WWW.fabrikam.test",
            )
            assert (first.type, first.rcode) == ("A", "NOERROR")
            assert first.answers == (
                "WWW.fabrikam.test. 60 IN CNAME sip.fabrikam.test.",
                "sip.fabrikam.test. 60 IN A 127.1.2.3",
            )
            assert first.client.startswith("127.0.0.1:")
            assert (second.at, second.transport, second.rcode, second.answers) == (43.0, "tcp", "NXDOMAIN", ())
            assert str(second) == f"{second.client} asked nobody.fabrikam.test A over tcp: NXDOMAIN"

        run(test())

    def test_it_is_bounded_and_can_be_cleared(self, zones: ZoneSet) -> None:
        async def test() -> None:
            async with DnsServer(zones, history=2) as server:
                for name in ("a.test", "b.test", "c.test"):
                    await ask(server, name)
                assert [query.name for query in server.history] == ["b.test", "c.test"]
                server.clear_history()
                assert server.history == []

        run(test())

    def test_a_truncated_answer_is_remembered_as_such(self) -> None:
        async def test() -> None:
            zone = Zone("big.test").a("sip", *(f"127.0.1.{host}" for host in range(100)))
            async with DnsServer(ZoneSet([zone])) as server:
                await ask(server, "sip.big.test")
                assert server.history[0].reply.truncated
                assert str(server.history[0]).endswith(": truncated")

        run(test())

    def test_a_hook_is_told_each_query(self, zones: ZoneSet) -> None:
        async def test() -> None:
            told: list[Query] = []
            async with DnsServer(zones, on_query=told.append) as server:
                await ask(server)
                await ask(server, transport="tcp")
                assert told == server.history
                assert len(told) == 2

        run(test())

    def test_a_hook_has_the_query_before_the_asker_has_the_answer(self, zones: ZoneSet) -> None:
        """Whoever reads the evidence after an answer finds the question there."""
        told: list[Query] = []
        with running(zones, on_query=told.append) as server:
            for count in range(1, 200):
                message = dns.message.make_query("sip.fabrikam.test", "A")
                dns.query.udp(message, server.address, port=server.port, timeout=DEADLINE)
                assert len(told) == count

    def test_an_error_of_the_hook_is_reported_and_the_answer_goes_out(self, zones: ZoneSet) -> None:
        async def test() -> list[BaseException | None]:
            seen: list[BaseException | None] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context.get("exception")))

            def hook(_: Query) -> None:
                raise ValueError("the hook is broken")

            async with DnsServer(zones, on_query=hook) as server:
                assert (await ask(server)).answer
                assert (await ask(server, transport="tcp")).answer
            return seen

        assert [str(error) for error in run(test())] == ["the hook is broken"] * 2


class TestRunning:
    """The server without a loop of one's own."""

    def test_it_runs_on_its_own_thread_and_ends_with_the_block(self, zones: ZoneSet, ask: Ask) -> None:
        before = threading.enumerate()
        with running(zones) as server:
            port = server.port
            assert ask(server, "sip.fabrikam.test", "A").answer
            assert len(threading.enumerate()) == len(before) + 1
        assert threading.enumerate() == before
        with running(zones, port=port) as again:
            assert ask(again, "sip.fabrikam.test", "A", "tcp").answer
        assert len(server.history) == 1

    def test_what_keeps_it_from_starting_is_raised_here(self, zones: ZoneSet, taken: dict[str, int]) -> None:
        with pytest.raises(FakeError, match="in use"), running(zones, port=taken["udp"]):
            pass  # pragma: no cover

    def test_an_error_of_the_hook_is_raised_at_the_end(self, zones: ZoneSet, ask: Ask) -> None:
        def hook(query: Query) -> None:
            raise ValueError(f"nobody expected {query.name}")

        with (
            pytest.raises(FakeError, match=r"nobody expected sip\.fabrikam\.test"),
            running(zones, on_query=hook) as server,
        ):
            assert ask(server, "sip.fabrikam.test", "A").answer

    def test_an_error_of_the_block_comes_first(self, zones: ZoneSet, ask: Ask) -> None:
        def hook(_: Query) -> None:
            raise ValueError("later")

        with pytest.raises(KeyError, match="mine"), running(zones, on_query=hook) as server:
            ask(server, "sip.fabrikam.test", "A")
            raise KeyError("mine")
