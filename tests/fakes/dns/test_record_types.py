"""Every record type over real sockets, ALIAS above all, and what comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from fakes import FakeError
from fakes.dns import Transport, Zone, ZoneSet, running

if TYPE_CHECKING:
    from tests.fakes.dns.conftest import Ask, Serve

both_transports = pytest.mark.parametrize("over", ["udp", "tcp"])


@both_transports
@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("x.test", "TXT", ['x.test. 5 IN TXT "v=spf1 -all"', 'x.test. 5 IN TXT "a \\"quoted\\" text"']),
        ("long.x.test", "TXT", [f'long.x.test. 5 IN TXT "{"l" * 255}" "{"l" * 45}"']),
        (
            "x.test",
            "CAA",
            ['x.test. 5 IN CAA 0 issue "letsencrypt.org"', 'x.test. 5 IN CAA 128 iodef "mailto:a@x.test"'],
        ),
        ("9.1.x.test", "PTR", ["9.1.x.test. 5 IN PTR sip.x.test."]),
        ("sip.x.test", "A", ["sip.x.test. 0 IN A 127.0.0.1"]),
        ("x.test", "MX", ["x.test. 60 IN MX 10 mail.x.test."]),
        ("x.test", "TYPE65280", ["x.test. 60 IN TYPE65280 \\# 3 010203"]),
    ],
)
def test_each_type_comes_back_as_it_was_written(
    serve: Serve, ask: Ask, name: str, type_: str, expected: list[str], over: Transport
) -> None:
    zone = Zone.from_text("@ 60 MX 10 mail\n@ 60 TYPE65280 \\# 3 010203\n", "x.test")
    zone.txt("@", "v=spf1 -all", 'a "quoted" text').txt("long", "l" * 300).ptr("9.1", "sip.x.test")
    zone.caa("@", 0, "issue", "letsencrypt.org").caa("@", 128, "iodef", "mailto:a@x.test").a("sip", "127.0.0.1", ttl=0)
    reply = ask(serve(zone), name, type_, over)

    assert [line for rrset in reply.answer for line in rrset.to_text().splitlines()] == expected


class TestAlias:
    """F1.20: what providers call ALIAS is never seen; A and AAAA come in its place."""

    @pytest.fixture
    def zone(self) -> Zone:
        return Zone("acme.test").alias("@", "lb.provider.test", ttl=30).txt("@", "mine").alias("*", "lb.provider.test")

    @pytest.fixture
    def provider(self) -> Zone:
        return Zone("provider.test", ttl=60).cname("lb", "node.provider.test", ttl=20).a("node", "127.0.0.7")

    def test_it_is_answered_with_the_addresses_behind_it(
        self, serve: Serve, ask: Ask, zone: Zone, provider: Zone
    ) -> None:
        """The TTL is the lowest on the way."""
        reply = ask(serve(zone, provider), "ACME.test", "A")

        assert [rrset.to_text() for rrset in reply.answer] == ["ACME.test. 20 IN A 127.0.0.7"]
        assert reply.flags & dns.flags.AA

    def test_it_works_for_a_wildcard(self, serve: Serve, ask: Ask, zone: Zone, provider: Zone) -> None:
        reply = ask(serve(zone, provider), "any.acme.test", "A")

        assert [rrset.to_text() for rrset in reply.answer] == ["any.acme.test. 5 IN A 127.0.0.7"]

    def test_an_address_that_the_target_does_not_have_is_nodata(
        self, serve: Serve, ask: Ask, zone: Zone, provider: Zone
    ) -> None:
        server = serve(zone, provider)
        for name, type_ in (("acme.test", "AAAA"), ("acme.test", "SRV")):
            reply = ask(server, name, type_)
            assert (reply.rcode(), reply.answer, len(reply.authority)) == (dns.rcode.NOERROR, [], 1)

    def test_other_records_of_the_name_are_answered_too(
        self, serve: Serve, ask: Ask, zone: Zone, provider: Zone
    ) -> None:
        server = serve(zone, provider)

        assert [rrset.to_text() for rrset in ask(server, "acme.test", "TXT").answer] == ['acme.test. 5 IN TXT "mine"']
        everything = {rrset.to_text().split()[3] for rrset in ask(server, "acme.test", "ANY").answer}
        assert everything == {"SOA", "NS", "TXT", "A"}

    def test_a_target_that_does_not_exist_is_nodata(self, serve: Serve, ask: Ask, zone: Zone) -> None:
        reply = ask(serve(zone, Zone("provider.test")), "acme.test", "A")

        assert (reply.rcode(), reply.answer, len(reply.authority)) == (dns.rcode.NOERROR, [], 1)

    def test_a_target_that_nobody_here_knows_is_a_server_failure(self, serve: Serve, ask: Ask, zone: Zone) -> None:
        reply = ask(serve(zone), "acme.test", "A")

        assert (reply.rcode(), reply.answer) == (dns.rcode.SERVFAIL, [])

    def test_aliases_in_a_circle_are_a_server_failure(self, serve: Serve, ask: Ask) -> None:
        zone = (
            Zone("x.test").alias("a", "b.x.test").alias("b", "a.x.test").cname("c", "d.x.test").cname("d", "c.x.test")
        )
        zone.alias("e", "c.x.test")
        server = serve(zone)

        for name in ("a.x.test", "e.x.test"):
            assert ask(server, name, "A").rcode() == dns.rcode.SERVFAIL

    def test_a_cname_may_lead_to_one(self, serve: Serve, ask: Ask, zone: Zone, provider: Zone) -> None:
        reply = ask(serve(zone.cname("www.x", "acme.test"), provider), "www.x.acme.test", "A")

        assert [rrset.to_text() for rrset in reply.answer] == [
            "www.x.acme.test. 5 IN CNAME acme.test.",
            "acme.test. 20 IN A 127.0.0.7",
        ]


@pytest.mark.usefixtures("many_addresses")
class TestViews:
    """The seed's split view: the public sees one address, the company's own resolver another."""

    def test_the_client_address_decides(self) -> None:
        public = ZoneSet([Zone("acme.test").a("connect", "127.0.0.63")])
        inner = ZoneSet([Zone("acme.test").a("connect", "127.0.1.100")])
        innermost = ZoneSet()
        with running(public, views={"127.0.9.0/24": inner, "127.0.9.9": innermost}) as server:
            seen = {}
            for source in ("127.0.0.1", "127.0.9.1", "127.0.9.9"):
                for over in ("udp", "tcp"):
                    reply = asked_from(server.port, source, over)
                    seen[source, over] = reply
            assert seen == {
                ("127.0.0.1", "udp"): "127.0.0.63",
                ("127.0.0.1", "tcp"): "127.0.0.63",
                ("127.0.9.1", "udp"): "127.0.1.100",
                ("127.0.9.1", "tcp"): "127.0.1.100",
                ("127.0.9.9", "udp"): "REFUSED",
                ("127.0.9.9", "tcp"): "REFUSED",
            }

    def test_views_come_and_go_while_it_runs(self) -> None:
        with running(ZoneSet([Zone("acme.test").a("connect", "127.0.0.63")])) as server:
            assert asked_from(server.port, "127.0.9.1", "udp") == "127.0.0.63"
            server.set_view("127.0.9.0/24", ZoneSet([Zone("acme.test").a("connect", "127.0.1.100")]))
            assert asked_from(server.port, "127.0.9.1", "udp") == "127.0.1.100"
            server.set_view("127.0.9.0/24", None)
            assert asked_from(server.port, "127.0.9.1", "udp") == "127.0.0.63"
            with pytest.raises(FakeError, match="A view is for an IP network"):
                server.set_view("inside", ZoneSet())

    def test_a_fault_meets_what_the_client_sees(self) -> None:
        inner = ZoneSet([Zone("acme.test").srv("_s._tcp", 0, 0, 1, "sip.acme.test").a("sip", "127.0.0.1")])
        with running(ZoneSet(), views={"127.0.9.0/24": inner}) as server:
            server.fault("_s._tcp.acme.test", "srv-target-cname")
            assert asked_from(server.port, "127.0.9.1", "udp", "sip.acme.test") == "127.0.0.1"
            assert server.history[-1].answers[0] == "sip.acme.test. 5 IN CNAME host.sip.acme.test."


def asked_from(port: int, source: str, over: str, name: str = "connect.acme.test") -> str:
    """The address that a client sees, or the code that it is refused with."""
    query = dns.message.make_query(name, "A")
    send = dns.query.udp if over == "udp" else dns.query.tcp
    reply = send(query, "127.0.0.1", port=port, source=source, timeout=5)
    found = [rdata.address for rrset in reply.answer if rrset.rdtype == dns.rdatatype.A for rdata in rrset]
    return found[0] if found else dns.rcode.to_text(reply.rcode())


class TestUdpSize:
    @pytest.mark.parametrize(("edns_size", "fits"), [(1232, False), (4096, True)])
    def test_the_limit_of_udp_answers_can_be_set(self, ask: Ask, edns_size: int, fits: bool) -> None:
        zone = Zone("big.test").a("sip", *(f"127.0.1.{host}" for host in range(100)))
        with running(ZoneSet([zone], edns_size=edns_size)) as server:
            reply = ask(server, "sip.big.test", "A", payload=4096)

            assert bool(reply.flags & dns.flags.TC) is not fits
            assert reply.payload == edns_size

    @pytest.mark.parametrize("size", [511, 65536])
    def test_a_limit_that_cannot_be_is_a_sentence(self, size: int) -> None:
        with pytest.raises(FakeError, match=f"512 to 65535 octets, not {size}"):
            ZoneSet(edns_size=size)
