"""Which questions a discovery asks at the same time, over real datagrams."""

from __future__ import annotations

import asyncio

import dns.message
import dns.rrset

from fakes.dns import DnsServer, Zone, ZoneSet
from simulator.discovery import DiscoveryFailed, DiscoveryPlan, Route
from simulator.io.resolver import Resolver
from simulator.names import Fqdn, SipDomain

FABRIKAM = SipDomain.parse("fabrikam.test")
ADDRESSES = {"A": "127.1.2.3", "AAAA": "2001:db8::1"}


class _AnswersOnceBothWereAsked(asyncio.DatagramProtocol):
    """A name server that says nothing before both kinds of address were asked for."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[bytes, tuple[str, int]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment] # asyncio promises it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name, kind = query.question[0].name, query.question[0].rdtype.name
        reply = dns.message.make_response(query)
        reply.answer = [dns.rrset.from_text(name, 0, "IN", kind, ADDRESSES[kind])]
        self._asked[kind] = reply.to_wire(), addr
        if self._asked.keys() == ADDRESSES.keys():
            for answer in self._asked.values():
                self._transport.sendto(*answer)


def test_both_kinds_of_address_are_asked_for_at_the_same_time() -> None:
    async def use() -> Route | DiscoveryFailed:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_AnswersOnceBothWereAsked, local_addr=("127.0.0.1", 0))
        try:
            resolver = Resolver(transport.get_extra_info("sockname"))
            return await resolver.discover(DiscoveryPlan.static(Fqdn.parse("sip.fabrikam.test"), 5061, FABRIKAM))
        finally:
            transport.close()

    route = asyncio.run(use())
    assert isinstance(route, Route)
    assert [attempt.address for attempt in route.attempts] == ["127.1.2.3", "2001:db8::1"]


def test_addresses_are_asked_for_once_the_srv_record_has_named_the_server() -> None:
    async def use() -> tuple[Route | DiscoveryFailed, list[tuple[str, str]]]:
        zone = Zone(str(FABRIKAM)).srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test").a("sip", "127.1.2.3")
        async with DnsServer(ZoneSet([zone])) as server:
            route = await Resolver((server.address, server.port)).discover(DiscoveryPlan.open(FABRIKAM))
            return route, [(query.type, query.name) for query in server.history]

    route, asked = asyncio.run(use())
    assert isinstance(route, Route)
    assert [(attempt.address, attempt.port) for attempt in route.attempts] == [("127.1.2.3", 5061)]
    assert asked[0] == ("SRV", "_sipfederationtls._tcp.fabrikam.test")
    assert sorted(asked[1:]) == [("A", "sip.fabrikam.test"), ("AAAA", "sip.fabrikam.test")]
