"""What the server says, over real sockets and as dnspython understands it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from fakes.dns import Transport, Zone

if TYPE_CHECKING:
    from tests.fakes.dns.conftest import Ask, Serve

SRV_NAME = "_sipfederationtls._tcp.fabrikam.test"

both_transports = pytest.mark.parametrize("over", ["udp", "tcp"])


def lines(section: list) -> list[str]:  # type: ignore[type-arg] # dnspython's own alias for it is private
    return [line for rrset in section for line in rrset.to_text().splitlines()]


@both_transports
def test_srv_is_answered_with_the_address_of_its_target(
    serve: Serve, ask: Ask, fabrikam: Zone, over: Transport
) -> None:
    """R23, RFC 2782: the record is the answer, the addresses of the target come along."""
    reply = ask(serve(fabrikam), SRV_NAME, "SRV", over)

    assert lines(reply.answer) == [f"{SRV_NAME}. 60 IN SRV 10 20 5061 sip.fabrikam.test."]
    assert lines(reply.additional) == [
        "sip.fabrikam.test. 60 IN A 127.1.2.3",
        "sip.fabrikam.test. 60 IN AAAA 2001:db8::1",
    ]
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.authority == []


def test_addresses_beside_an_srv_answer_can_be_left_out(serve: Serve, ask: Ask, fabrikam: Zone) -> None:
    assert ask(serve(fabrikam, additional=False), SRV_NAME, "SRV").additional == []


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("sip.fabrikam.test", "A", ["sip.fabrikam.test. 60 IN A 127.1.2.3"]),
        ("sip.fabrikam.test", "AAAA", ["sip.fabrikam.test. 60 IN AAAA 2001:db8::1"]),
        ("www.fabrikam.test", "CNAME", ["www.fabrikam.test. 60 IN CNAME sip.fabrikam.test."]),
        ("fabrikam.test", "NS", ["fabrikam.test. 60 IN NS ns.fabrikam.test."]),
        (
            "fabrikam.test",
            "SOA",
            ["fabrikam.test. 60 IN SOA ns.fabrikam.test. hostmaster.fabrikam.test. 6 3600 600 86400 7"],
        ),
    ],
)
@both_transports
def test_each_type_is_answered_with_its_own_records(
    serve: Serve, ask: Ask, fabrikam: Zone, name: str, type_: str, expected: list[str], over: Transport
) -> None:
    assert lines(ask(serve(fabrikam), name, type_, over).answer) == expected


def test_any_is_answered_with_all_records_of_the_name(serve: Serve, ask: Ask, fabrikam: Zone) -> None:
    reply = ask(serve(fabrikam), "sip.fabrikam.test", "ANY")

    assert lines(reply.answer) == ["sip.fabrikam.test. 60 IN A 127.1.2.3", "sip.fabrikam.test. 60 IN AAAA 2001:db8::1"]


def test_a_query_for_the_class_any_is_answered_like_one_for_the_internet(serve: Serve, fabrikam: Zone) -> None:
    server = serve(fabrikam)
    message = dns.message.make_query("sip.fabrikam.test", "A", "ANY")
    reply = dns.query.udp(message, server.address, port=server.port, timeout=5)

    assert lines(reply.answer) == ["sip.fabrikam.test. 60 IN A 127.1.2.3"]


NEGATIVE = ["fabrikam.test. 7 IN SOA ns.fabrikam.test. hostmaster.fabrikam.test. 6 3600 600 86400 7"]


@both_transports
def test_a_name_that_does_not_exist_is_nxdomain_with_the_soa_for_the_cache(
    serve: Serve, ask: Ask, fabrikam: Zone, over: Transport
) -> None:
    """RFC 2308 §3: the SOA is there, and its TTL is the time for which the answer may be kept."""
    reply = ask(serve(fabrikam), "nobody.fabrikam.test", "A", over)

    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert (reply.answer, lines(reply.authority), reply.additional) == ([], NEGATIVE, [])


@pytest.mark.parametrize("type_", ["SRV", "NS", "TXT", "HTTPS", "TYPE65280"])
def test_a_name_without_the_type_is_nodata_with_the_soa(serve: Serve, ask: Ask, fabrikam: Zone, type_: str) -> None:
    reply = ask(serve(fabrikam), "sip.fabrikam.test", type_)

    assert reply.rcode() == dns.rcode.NOERROR
    assert (reply.answer, lines(reply.authority)) == ([], NEGATIVE)


def test_a_name_that_only_has_names_below_it_is_nodata(serve: Serve, ask: Ask, fabrikam: Zone) -> None:
    """RFC 8020: resolvers that minimise names ask for `_tcp` first and would take NXDOMAIN for the end of it."""
    reply = ask(serve(fabrikam), "_tcp.fabrikam.test", "A")

    assert (reply.rcode(), reply.answer, lines(reply.authority)) == (dns.rcode.NOERROR, [], NEGATIVE)


def test_a_name_below_an_existing_one_is_nxdomain(serve: Serve, ask: Ask, fabrikam: Zone) -> None:
    assert ask(serve(fabrikam), "deep.sip.fabrikam.test", "A").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("name", ["contoso.test", "test", ".", "xfabrikam.test", "fabrikam.test.example"])
@both_transports
def test_names_outside_the_zones_are_refused(
    serve: Serve, ask: Ask, fabrikam: Zone, name: str, over: Transport
) -> None:
    reply = ask(serve(fabrikam), name, "A", over)

    assert reply.rcode() == dns.rcode.REFUSED
    assert not reply.flags & dns.flags.AA
    assert (reply.answer, reply.authority, reply.additional) == ([], [], [])


@pytest.mark.parametrize("type_", ["AXFR", "IXFR", "TSIG"])
def test_transfers_and_other_meta_types_are_refused(serve: Serve, ask: Ask, fabrikam: Zone, type_: str) -> None:
    assert ask(serve(fabrikam), "fabrikam.test", type_).rcode() == dns.rcode.REFUSED


def test_other_classes_are_refused(serve: Serve, fabrikam: Zone) -> None:
    server = serve(fabrikam)
    message = dns.message.make_query("version.bind", "TXT", "CH")

    assert dns.query.udp(message, server.address, port=server.port, timeout=5).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(
    ("name", "type_"),
    [("sip.fabrikam.test", "A"), ("nobody.fabrikam.test", "A"), ("_tcp.fabrikam.test", "A")],
)
def test_the_header_says_authoritative_and_no_recursion(
    serve: Serve, ask: Ask, fabrikam: Zone, name: str, type_: str
) -> None:
    """RFC 1035 §4.1.1: RD comes back as it was, AA is set, RA never; AD is not copied from the query."""
    server = serve(fabrikam)
    but_the_code = ~0xF

    wanted = ask(server, name, type_, flags=dns.flags.RD | dns.flags.AD | dns.flags.RA | dns.flags.TC)
    assert wanted.flags & but_the_code == dns.flags.QR | dns.flags.AA | dns.flags.RD
    unwanted = ask(server, name, type_, flags=dns.flags.CD)
    assert unwanted.flags & but_the_code == dns.flags.QR | dns.flags.AA | dns.flags.CD


@both_transports
def test_the_letter_case_of_the_question_comes_back(serve: Serve, ask: Ask, fabrikam: Zone, over: Transport) -> None:
    """Resolvers with 0x20 throw an answer away whose question differs in a letter's case."""
    reply = ask(serve(fabrikam), "_SIPfederationTLS._tCP.FabriKam.TEST", "SRV", over)

    assert reply.question[0].name.to_text() == "_SIPfederationTLS._tCP.FabriKam.TEST."
    assert reply.answer[0].name.to_text() == "_SIPfederationTLS._tCP.FabriKam.TEST."
    assert reply.answer[0][0].target.to_text() == "sip.fabrikam.test."


class TestAliases:
    def test_an_alias_is_followed_within_the_zone(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        reply = ask(serve(fabrikam.cname("web", "www.fabrikam.test")), "WEB.fabrikam.test", "A")

        assert lines(reply.answer) == [
            "WEB.fabrikam.test. 60 IN CNAME www.fabrikam.test.",
            "www.fabrikam.test. 60 IN CNAME sip.fabrikam.test.",
            "sip.fabrikam.test. 60 IN A 127.1.2.3",
        ]
        assert reply.flags & dns.flags.AA

    def test_an_alias_is_followed_into_another_zone_of_the_server(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        contoso = Zone("contoso.test").cname("sip", "sip.fabrikam.test")
        reply = ask(serve(fabrikam, contoso), "sip.contoso.test", "A")

        assert lines(reply.answer)[1:] == ["sip.fabrikam.test. 60 IN A 127.1.2.3"]

    def test_an_alias_that_leaves_the_zones_is_answered_alone(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        reply = ask(serve(fabrikam.cname("away", "sip.elsewhere.example")), "away.fabrikam.test", "A")

        assert lines(reply.answer) == ["away.fabrikam.test. 60 IN CNAME sip.elsewhere.example."]
        assert (reply.rcode(), reply.authority) == (dns.rcode.NOERROR, [])
        assert reply.flags & dns.flags.AA

    def test_an_alias_to_nowhere_is_nxdomain_and_still_shown(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        """RFC 6604: the code is about the last name of the chain."""
        reply = ask(serve(fabrikam.cname("dead", "nobody.fabrikam.test")), "dead.fabrikam.test", "A")

        assert reply.rcode() == dns.rcode.NXDOMAIN
        assert len(reply.answer) == 1
        assert len(reply.authority) == 1

    def test_an_alias_to_a_name_without_the_type_is_nodata(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        reply = ask(serve(fabrikam), "www.fabrikam.test", "SRV")

        assert (reply.rcode(), len(reply.answer), len(reply.authority)) == (dns.rcode.NOERROR, 1, 1)

    def test_aliases_in_a_circle_come_to_an_end(self, serve: Serve, ask: Ask) -> None:
        circle = Zone("circle.test").cname("a", "b.circle.test").cname("b", "a.circle.test")
        reply = ask(serve(circle), "a.circle.test", "A")

        assert [rrset.name.to_text() for rrset in reply.answer] == ["a.circle.test.", "b.circle.test."]


class TestDelegation:
    """RFC 1034 §4.3.2 step 3b: NS records below the apex hand the name over."""

    @pytest.fixture
    def parent(self) -> Zone:
        return Zone("corp.test").ns("emea", "ns.emea.corp.test").a("ns.emea", "127.0.0.9")

    @pytest.mark.parametrize("name", ["emea.corp.test", "sip.emea.corp.test", "ns.emea.corp.test"])
    def test_names_at_and_below_it_are_referred(self, serve: Serve, ask: Ask, parent: Zone, name: str) -> None:
        reply = ask(serve(parent), name, "A")

        assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
        assert not reply.flags & dns.flags.AA
        assert lines(reply.authority) == ["emea.corp.test. 5 IN NS ns.emea.corp.test."]
        assert lines(reply.additional) == ["ns.emea.corp.test. 5 IN A 127.0.0.9"]

    def test_the_child_answers_where_the_server_has_it_too(self, serve: Serve, ask: Ask, parent: Zone) -> None:
        reply = ask(serve(parent, Zone("emea.corp.test").a("sip", "127.0.0.8")), "sip.emea.corp.test", "A")

        assert lines(reply.answer) == ["sip.emea.corp.test. 5 IN A 127.0.0.8"]


class TestSizes:
    """RFC 1035 §4.2.1, RFC 6891 §6.2, RFC 2181 §9."""

    @staticmethod
    def addresses(count: int) -> list[str]:
        return [f"127.9.{number // 256}.{number % 256}" for number in range(count)]

    def test_an_answer_over_512_octets_is_cut_short_and_whole_over_tcp(self, serve: Serve, ask: Ask) -> None:
        server = serve(Zone("big.test").a("sip", *self.addresses(40)))

        short = ask(server, "sip.big.test", "A")
        assert short.flags & dns.flags.TC
        assert (short.answer, short.authority, short.additional) == ([], [], [])
        whole = ask(server, "sip.big.test", "A", "tcp")
        assert not whole.flags & dns.flags.TC
        assert {rdata.address for rdata in whole.answer[0]} == set(self.addresses(40))

    @pytest.mark.parametrize(
        ("payload", "count", "fits"),
        [
            (
                0,
                29,
                True,
            ),  # 12 header, 18 question, 29 x 16 answers, 11 OPT: 505 octets, and less than 512 does not count
            (0, 30, False),
            (600, 34, True),
            (600, 35, False),
            (1232, 74, True),
            (1232, 75, False),
            (4096, 75, False),  # 1,232 is the most that goes out, as in other servers of today
        ],
    )
    def test_the_payload_size_of_the_asker_is_respected(
        self, serve: Serve, ask: Ask, payload: int, count: int, fits: bool
    ) -> None:
        reply = ask(serve(Zone("big.test").a("sip", *self.addresses(count))), "sip.big.test", "A", payload=payload)

        assert bool(reply.flags & dns.flags.TC) is not fits
        assert sum(map(len, reply.answer)) == (count if fits else 0)
        assert reply.edns == 0

    def test_additional_addresses_go_before_the_answer_is_cut(self, serve: Serve, ask: Ask) -> None:
        zone = Zone("big.test").srv("_s._tcp", 0, 0, 1, "sip.big.test").a("sip", *self.addresses(40))
        reply = ask(serve(zone), "_s._tcp.big.test", "SRV")

        assert not reply.flags & dns.flags.TC
        assert (len(reply.answer), reply.additional) == (1, [])

    def test_glue_that_does_not_fit_counts_as_cut(self, serve: Serve, ask: Ask) -> None:
        """RFC 9471: without it the referral is of no use."""
        zone = Zone("big.test").ns("sub", "ns.sub.big.test").a("ns.sub", *self.addresses(40))
        server = serve(zone)

        assert ask(server, "x.sub.big.test", "A").flags & dns.flags.TC
        assert len(ask(server, "x.sub.big.test", "A", "tcp").additional[0]) == 40

    def test_names_beyond_16_kilobytes_are_still_right(self, serve: Serve, ask: Ask) -> None:
        """A compression pointer has 14 bits."""
        zone = Zone("big.test")
        for number in range(300):
            zone.srv("_s._tcp", 0, 0, 1, f"a-target-with-a-rather-long-name-{number}.big.test")
            zone.a(f"a-target-with-a-rather-long-name-{number}", "127.0.0.1", "127.0.0.2")
        reply = ask(serve(zone), "_s._tcp.big.test", "SRV", "tcp")

        targets = {f"a-target-with-a-rather-long-name-{number}.big.test." for number in range(300)}
        assert {rdata.target.to_text() for rdata in reply.answer[0]} == targets
        assert {rrset.name.to_text(): len(rrset) for rrset in reply.additional} == dict.fromkeys(targets, 2)

    def test_more_than_a_message_can_hold_is_cut_over_tcp_too(self, serve: Serve, ask: Ask) -> None:
        reply = ask(serve(Zone("big.test").a("sip", *self.addresses(4200))), "sip.big.test", "A", "tcp")

        assert reply.flags & dns.flags.TC
        assert reply.answer == []


class TestEdns:
    """RFC 6891."""

    def test_an_opt_record_answers_one(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        reply = ask(serve(fabrikam), "sip.fabrikam.test", "A", use_edns=0, ednsflags=dns.flags.DO)

        assert (reply.edns, reply.payload, reply.ednsflags) == (0, 1232, dns.flags.DO)
        assert reply.options == ()

    def test_without_one_there_is_none(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        assert ask(serve(fabrikam), "sip.fabrikam.test", "A").edns == -1

    @pytest.mark.parametrize("name", ["nobody.fabrikam.test", "elsewhere.test"])
    def test_negative_answers_carry_it_too(self, serve: Serve, ask: Ask, fabrikam: Zone, name: str) -> None:
        assert ask(serve(fabrikam), name, "A", use_edns=0).edns == 0

    def test_an_unknown_version_is_told_so(self, serve: Serve, ask: Ask, fabrikam: Zone) -> None:
        reply = ask(serve(fabrikam), "sip.fabrikam.test", "A", use_edns=1)

        assert reply.rcode() == dns.rcode.BADVERS
        assert (reply.edns, reply.answer) == (0, [])
