"""What the UDP side does when the system is not kind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query
import pytest

from fakes.dns import DnsServer, Zone, ZoneSet
from fakes.dns.carrier import Carrier, Client
from fakes.dns.udp import DRAIN, Endpoint, Reader
from tests.fakes.dns.loops import WithoutReaders

ZONES = ZoneSet([Zone("x.test").a("sip", "127.0.0.1")])


class Unkind(socket.socket):
    """A socket of a system that has a bad day: datagrams and errors in, errors out."""

    def __init__(self, incoming: list[bytes | OSError], failure: OSError) -> None:
        super().__init__(type=socket.SOCK_DGRAM)
        self.incoming = incoming
        self.failure = failure
        self.tried = 0

    def recvfrom(self, *_: Any) -> tuple[bytes, Any]:
        if not self.incoming:
            raise BlockingIOError
        first = self.incoming.pop(0)
        if isinstance(first, OSError):
            raise first
        return first, ("127.0.0.1", 1)

    def sendto(self, *_: Any) -> int:
        self.tried += 1
        raise self.failure


def echo(wire: bytes, _client: Client, _carrier: Carrier) -> bytes:
    return wire


def in_a_loop(test: Callable[[], None]) -> None:
    async def run() -> None:
        test()

    asyncio.run(run())


@pytest.mark.parametrize("failure", [BlockingIOError(), ConnectionRefusedError(), OSError(105, "no buffer space")])
def test_an_answer_that_cannot_be_sent_is_lost_and_the_next_one_is_tried(failure: OSError) -> None:
    def test() -> None:
        with Unkind([b"one", ConnectionResetError(), b"two", b"three"], failure) as sock:
            reader = Reader(sock, echo)
            reader.readable()
            assert sock.tried == 3
            reader.send(b"late", ("127.0.0.1", 1))
            assert sock.tried == 4

    in_a_loop(test)


def test_a_flood_does_not_keep_the_loop_from_other_work() -> None:
    def test() -> None:
        with Unkind([b"flood"] * 1000, BlockingIOError()) as sock:
            Reader(sock, echo).readable()
            assert len(sock.incoming) == 1000 - DRAIN

    in_a_loop(test)


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, WithoutReaders])
def test_a_late_answer_for_a_socket_that_is_no_more_is_forgotten(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def test() -> None:
        unseen: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        planned: list[Callable[[], None]] = []

        def call_later(_: float, callback: Callable[[], None]) -> asyncio.Handle:
            planned.append(callback)
            return asyncio.get_running_loop().call_soon(lambda: None)

        async with DnsServer(ZONES, call_later=call_later) as server:
            server.fault("sip.x.test", "late")
            with socket.socket(type=socket.SOCK_DGRAM) as asker:
                asker.sendto(dns.message.make_query("sip.x.test", "A").to_wire(), (server.address, server.port))
                await server.wait_for_query("sip.x.test")
            before = server._udp
            assert before is not None
            if isinstance(before, Endpoint):
                before.error_received(ConnectionResetError())
                async with asyncio.timeout(5):
                    while server._udp is before:
                        await asyncio.sleep(0)
            else:
                await before.abort()
            planned[0]()
            await asyncio.sleep(0)
        assert unseen == []

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(test())
