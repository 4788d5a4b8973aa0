"""Which of several name servers answers, and what becomes of datagrams that are lost, wrong or too short."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from fakes.dns import DnsServer, Zone, ZoneSet
from simulator.discovery import Answer, Question
from simulator.io import name_servers
from simulator.io.dns_messages import CannotAsk
from simulator.io.resolver import Resolver

QUESTION = Question("sip.fabrikam.test", "A")
Reply = Callable[[dns.message.Message, int], list[bytes]]
"From a query and its number to the datagrams that answer it."


def right(query: dns.message.Message, _number: int = 1) -> list[bytes]:
    reply = dns.message.make_response(query)
    reply.answer = [dns.rrset.from_text(QUESTION.name + ".", 5, "IN", "A", "127.1.2.3")]
    return [reply.to_wire()]


def refusing(query: dns.message.Message, _number: int) -> list[bytes]:
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.REFUSED)
    return [reply.to_wire()]


def silent_at_first(query: dns.message.Message, number: int) -> list[bytes]:
    return right(query) if number > 1 else []


def after_nonsense(query: dns.message.Message, _number: int) -> list[bytes]:
    other = dns.message.make_query(QUESTION.name, "A", id=query.id ^ 1)
    elsewhere = dns.message.make_query("elsewhere.test", "A", id=query.id)
    return [
        b"",
        b"no DNS",
        query.to_wire(),
        *right(other),
        dns.message.make_response(elsewhere).to_wire(),
        *right(query),
    ]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment] # asyncio promises it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._asked += 1
        for datagram in self._reply(dns.message.from_wire(data), self._asked):
            self._transport.sendto(datagram, addr)


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[name_servers.Server]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Server(reply), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")
    finally:
        transport.close()


@contextmanager
def nobody() -> Iterator[name_servers.Server]:
    """A port where nobody reads: it is bound, so that nobody else takes it, by a socket that takes no datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.2", 9))
        address = sock.getsockname()
        yield address[0], address[1]


def ask(reply: Reply, *more: Reply) -> list[str]:
    """The addresses in the reply that counts, or the status where it has none."""

    async def use() -> Answer:
        async with serving(reply) as first, serving(more[0] if more else reply) as second:
            servers = [first, second] if more else [first]
            return await name_servers.answer_to(QUESTION, servers, None)

    got = asyncio.run(use())
    return [str(record) for record in got.records] or [got.status]


def test_a_server_that_was_silent_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_servers, "PATIENCE", 0.01)
    assert ask(silent_at_first) == ["127.1.2.3"]


def test_a_server_that_knows_is_heard_after_one_that_refuses() -> None:
    assert ask(refusing, right) == ["127.1.2.3"]
    assert ask(right, refusing) == ["127.1.2.3"]


def test_a_server_that_knows_is_heard_while_another_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_servers, "PATIENCE", 0.01)
    assert ask(lambda _query, _number: [], right) == ["127.1.2.3"]


def test_when_nobody_knows_the_reason_is_kept() -> None:
    assert ask(refusing, refusing) == ["refused"]


def test_what_does_not_belong_to_the_question_is_passed_over() -> None:
    assert ask(after_nonsense) == ["127.1.2.3"]


def test_an_answer_that_does_not_fit_into_a_datagram_is_fetched_by_tcp() -> None:
    async def use() -> tuple[Answer, list[str]]:
        zone = Zone("fabrikam.test").a("sip", *(f"127.1.2.{number}" for number in range(100)))
        async with DnsServer(ZoneSet([zone])) as server:
            answer = await Resolver((server.address, server.port)).ask(QUESTION)
            return answer, [query.transport for query in server.history]

    answer, transports = asyncio.run(use())
    assert len(answer.records) == 100
    assert transports == ["udp", "tcp"]


def test_questions_come_from_the_source_address() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("this platform has only one loopback address")

    async def use() -> list[str]:
        async with DnsServer(ZoneSet([Zone("fabrikam.test")])) as server:
            await Resolver((server.address, server.port), source="127.0.0.2").ask(QUESTION)
            return [query.client.rpartition(":")[0] for query in server.history]

    assert asyncio.run(use()) == ["127.0.0.2"]


def test_a_server_that_is_not_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.io.resolver.LIFETIME", 0.5)
    with nobody() as server:
        assert asyncio.run(Resolver(server).ask(QUESTION)) == Answer("timeout")


def test_the_system_has_servers_or_says_that_it_has_none() -> None:
    try:
        servers = name_servers.of_the_system()
    except CannotAsk:
        return
    assert all(address and port for address, port in servers)
