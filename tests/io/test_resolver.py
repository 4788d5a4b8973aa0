"""What the resolver makes of real answers: records, aliases, times to live; what it remembers (RFC 1035, RFC 2308)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import dns.message
import pytest

from fakes.dns import DnsServer, Zone, ZoneSet, running
from simulator.discovery import (
    Answer,
    AnswerCache,
    CacheRules,
    DiscoveryFailed,
    DiscoveryFailure,
    DiscoveryPlan,
    DiscoveryRules,
    Question,
    RecordType,
    Route,
    SrvRecord,
)
from simulator.io.resolver import Resolver
from simulator.names import SipDomain

FABRIKAM = SipDomain.parse("fabrikam.test")
PLAIN: tuple[str, RecordType] = ("plain.fabrikam.test", "A")


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """A domain whose SRV target is an alias of a host in another zone."""
    fabrikam = Zone("fabrikam.test", ttl=300, negative_ttl=40)
    fabrikam.srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test", ttl=3600)
    fabrikam.cname("sip", "edge.hoster.test", ttl=60).cname("lost", "nobody.hoster.test").a("plain", "192.0.2.9", ttl=7)
    hoster = Zone("hoster.test", ttl=300, negative_ttl=30).a("edge", "192.0.2.1", "192.0.2.2", ttl=600)
    with running(ZoneSet([fabrikam, hoster])) as server:
        yield server


def ask(server: DnsServer, *questions: tuple[str, RecordType], cache: AnswerCache | None = None) -> list[Answer]:
    """The answers to the questions, asked one after the other at 0, 10, 20… seconds of the cache's clock."""
    clock = iter(range(0, 1000, 5))
    resolver = Resolver((server.address, server.port), cache=cache, now=lambda: float(next(clock)))

    async def answers() -> list[Answer]:
        return [await resolver.ask(Question(name, type_)) for name, type_ in questions]

    return asyncio.run(answers())


def test_an_answer_has_the_records_and_how_long_they_may_be_kept(server: DnsServer) -> None:
    srv, plain = ask(server, (FABRIKAM.srv_name, "SRV"), PLAIN)

    assert srv == Answer("noerror", (SrvRecord(0, 0, 5061, "sip.fabrikam.test."),), None, 3600.0)
    assert plain == Answer("noerror", ("192.0.2.9",), None, 7.0)


def test_an_alias_is_followed_and_named_and_the_shortest_time_of_the_chain_counts(server: DnsServer) -> None:
    """F1.20."""
    (answer,) = ask(server, ("SIP.fabrikam.test", "A"))

    assert sorted(str(record) for record in answer.records) == ["192.0.2.1", "192.0.2.2"]
    assert (answer.alias, answer.ttl) == ("edge.hoster.test", 60.0)


def test_a_negative_answer_may_be_kept_as_long_as_the_zone_says(server: DnsServer) -> None:
    """RFC 2308 §5."""
    no_data, no_name, alias_no_data, alias_no_name = ask(
        server,
        ("plain.fabrikam.test", "AAAA"),
        ("other.fabrikam.test", "A"),
        ("sip.fabrikam.test", "AAAA"),
        ("lost.fabrikam.test", "A"),
    )

    assert no_data == Answer("nodata", ttl=40.0)
    assert no_name == Answer("nxdomain", ttl=40.0)
    assert alias_no_data == Answer("nodata", alias="edge.hoster.test", ttl=30.0)
    assert alias_no_name == Answer("nxdomain", alias="nobody.hoster.test", ttl=30.0)


def test_what_a_server_refuses_is_worth_nothing_to_a_cache(server: DnsServer) -> None:
    """The fake answers for its own zones only."""
    assert ask(server, ("sip.contoso.test", "A")) == [Answer("refused")]


class Bare(asyncio.DatagramProtocol):
    """Answers every question with no data, and with no SOA record that says for how long."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.transport.sendto(dns.message.make_response(query).to_wire(), addr)


def test_a_negative_answer_without_a_soa_record_is_not_to_be_kept() -> None:
    """RFC 2308 §5."""

    async def answer() -> Answer:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Bare, ("127.0.0.1", 0))
        try:
            return await Resolver(transport.get_extra_info("sockname")).ask(Question("sip.fabrikam.test", "A"))
        finally:
            transport.close()

    assert asyncio.run(answer()) == Answer("nodata")


def test_without_a_cache_every_question_is_asked(server: DnsServer) -> None:
    ask(server, PLAIN, PLAIN, PLAIN)

    assert len(server.history) == 3


def test_with_a_cache_a_question_is_asked_again_when_its_answer_has_expired(server: DnsServer) -> None:
    """The clock is read before each question and after each answer: the answer of 7 seconds is gone at the third."""
    cache = AnswerCache(CacheRules())
    answers = ask(server, PLAIN, PLAIN, PLAIN, cache=cache)

    assert [answer.ttl for answer in answers] == [7.0, 2.0, 7.0]
    assert len(server.history) == 2


def test_a_changed_zone_is_not_seen_while_the_cache_remembers(server: DnsServer) -> None:
    """F1.6: that is how an edge behaves after a change of the SRV record."""
    resolver = Resolver((server.address, server.port), cache=AnswerCache(), now=lambda: 0.0)

    def failure() -> DiscoveryFailure | None:
        result = asyncio.run(resolver.discover(DiscoveryPlan.open(FABRIKAM)))
        return result.failure if isinstance(result, DiscoveryFailed) else None

    assert failure() is None
    with server.zones.edit("fabrikam.test") as zone:
        zone.remove("_sipfederationtls._tcp")
    assert failure() is None
    assert resolver.cache is not None
    resolver.cache.clear()
    assert failure() is DiscoveryFailure.NO_SRV


@pytest.mark.parametrize("follow_cname", [True, False])
def test_an_srv_target_behind_an_alias_is_followed_or_refused(server: DnsServer, follow_cname: bool) -> None:
    """F1.20, from the zone to the route."""
    plan = DiscoveryPlan.open(FABRIKAM, DiscoveryRules(follow_cname=follow_cname))
    result = asyncio.run(Resolver((server.address, server.port)).discover(plan))

    if follow_cname:
        assert isinstance(result, Route)
        assert {attempt.target.name for attempt in result.attempts} == {"sip.fabrikam.test"}
    else:
        assert isinstance(result, DiscoveryFailed)
        assert result.failure is DiscoveryFailure.ALIAS_TARGET
        assert "edge.hoster.test" in result.sentence
