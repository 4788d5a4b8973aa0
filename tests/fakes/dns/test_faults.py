"""Every fault, as an asker meets it; dnspython reads what comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from fakes import FakeError
from fakes.dns import DnsServer, FaultKind, Transport, Zone, ZoneSet, running

SRV_NAME = "_sipfederationtls._tcp.x.test"
SIP = "sip.x.test"
both_transports = pytest.mark.parametrize("over", ["udp", "tcp"])


@pytest.fixture
def server() -> Iterator[DnsServer]:
    zone = (
        Zone("x.test")
        .srv("_sipfederationtls._tcp", 0, 0, 5061, SIP, ttl=60)
        .a("sip", "127.0.0.1", ttl=60)
        .aaaa("sip", "::1")
        .a("other", "127.0.0.2")
        .txt("@", "true")
    )
    with running(ZoneSet([zone])) as server:
        yield server


def ask(server: DnsServer, name: str, type_: str = "A", over: Transport = "udp") -> dns.message.Message:
    send = dns.query.udp if over == "udp" else dns.query.tcp
    return send(dns.message.make_query(name, type_, use_edns=0), server.address, port=server.port, timeout=5)


def lines(reply: dns.message.Message) -> list[str]:
    return [line for rrset in reply.answer for line in rrset.to_text().splitlines()]


class Asker:
    """A UDP socket that shows what really comes, right or wrong."""

    def __init__(self, server: DnsServer) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect((server.address, server.port))

    def send(self, name: str, type_: str = "A", id_: int = 7) -> None:
        self._socket.send(dns.message.make_query(name, type_, id=id_).to_wire())

    def next(self) -> bytes:
        return self._socket.recv(65535)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def asker(server: DnsServer) -> Iterator[Asker]:
    asker = Asker(server)
    yield asker
    asker.close()


def test_every_kind_says_what_it_does_in_one_line() -> None:
    for kind in FaultKind:
        assert kind.about.endswith(".")
        assert "\n" not in kind.about
        assert FaultKind(kind.value) is kind  # type: ignore[call-arg] # mypy takes this for a new member
    assert len(FaultKind) == 18


def test_nothing_goes_wrong_unless_asked(server: DnsServer) -> None:
    assert server.faults == ()
    assert lines(ask(server, SIP)) == [f"{SIP}. 60 IN A 127.0.0.1"]
    assert server.history[-1].fault == ""


class TestSilence:
    """The next question is the fence: its answer comes first, so there was none to the one before."""

    def test_no_answer_comes_over_udp(self, server: DnsServer, asker: Asker) -> None:
        server.fault(SIP, "no-answer")
        asker.send(SIP, id_=1)
        asker.send("other.x.test", id_=2)

        assert asker.next()[:2] == b"\0\2"
        first = server.history[0]
        assert (first.name, first.answered, first.rcode, first.fault) == (SIP, False, "", "no-answer")
        assert str(first).endswith(f"asked {SIP} A over udp: no answer (fault no-answer)")

    def test_no_answer_comes_over_tcp_and_the_connection_stays(self, server: DnsServer) -> None:
        server.fault(SIP, FaultKind.NO_ANSWER)
        with socket.create_connection((server.address, server.port), timeout=5) as connection:
            for id_, name in enumerate((SIP, "other.x.test")):
                dns.query.send_tcp(connection, dns.message.make_query(name, "A", id=id_))
            assert dns.query.receive_tcp(connection)[0].id == 1

    def test_a_late_answer_comes_after_that_to_a_later_question(self, server: DnsServer, asker: Asker) -> None:
        server.fault(SIP, "late", delay=0.02)
        asker.send(SIP, id_=1)
        asker.send("other.x.test", id_=2)

        assert [asker.next()[:2], asker.next()[:2]] == [b"\0\2", b"\0\1"]

    def test_a_late_answer_comes_over_tcp_too(self, server: DnsServer) -> None:
        server.fault(SIP, "late", delay=0.02)
        with socket.create_connection((server.address, server.port), timeout=5) as connection:
            for id_, name in enumerate((SIP, "other.x.test")):
                dns.query.send_tcp(connection, dns.message.make_query(name, "A", id=id_))
            assert [dns.query.receive_tcp(connection)[0].id for _ in range(2)] == [1, 0]

    def test_a_late_answer_comes_when_the_clock_of_the_test_says_so(self) -> None:
        """No time passes: whoever owns the clock plans the answer."""

        async def test() -> None:
            planned: list[tuple[float, Callable[[], None]]] = []

            def call_later(delay: float, callback: Callable[[], None]) -> asyncio.Handle:
                planned.append((delay, callback))
                return asyncio.get_running_loop().call_soon(lambda: None)

            zones = ZoneSet([Zone("x.test").a("sip", "127.0.0.1").a("other", "127.0.0.2")])
            async with DnsServer(zones, call_later=call_later) as server:
                server.fault(SIP, "late", delay=3600)
                loop = asyncio.get_running_loop()
                with socket.socket(type=socket.SOCK_DGRAM) as sock:
                    sock.setblocking(False)
                    sock.connect((server.address, server.port))
                    await loop.sock_sendall(sock, dns.message.make_query(SIP, "A", id=1).to_wire())
                    await loop.sock_sendall(sock, dns.message.make_query("other.x.test", "A", id=2).to_wire())
                    assert (await loop.sock_recv(sock, 500))[:2] == b"\0\2"
                    assert [delay for delay, _ in planned] == [3600]
                    planned[0][1]()
                    assert (await loop.sock_recv(sock, 500))[:2] == b"\0\1"

        asyncio.run(asyncio.wait_for(test(), 30))

    @pytest.mark.parametrize("over", ["udp", "tcp"])
    def test_a_late_answer_is_forgotten_with_the_server(self, over: Transport) -> None:
        async def test() -> None:
            async with DnsServer(ZoneSet([Zone("x.test").a("sip", "127.0.0.1")])) as server:
                server.fault(SIP, "late", delay=3600)
                query = asyncio.create_task(asyncio.to_thread(ask_briefly, server, over))
                await server.wait_for_query(SIP)
                (planned,) = server._late
                assert isinstance(planned, asyncio.TimerHandle)
            assert planned.cancelled()
            await query

        def ask_briefly(server: DnsServer, over: Transport) -> None:
            message = dns.message.make_query(SIP, "A")
            send = dns.query.udp if over == "udp" else dns.query.tcp
            with pytest.raises((dns.exception.Timeout, EOFError, ConnectionError)):
                send(message, server.address, port=server.port, timeout=0.2)

        asyncio.run(asyncio.wait_for(test(), 30))


class TestRefusals:
    @both_transports
    @pytest.mark.parametrize(
        ("kind", "rcode"), [("servfail", "SERVFAIL"), ("refused", "REFUSED"), ("formerr", "FORMERR")]
    )
    def test_the_code_is_all_that_comes(self, server: DnsServer, kind: str, rcode: str, over: Transport) -> None:
        server.fault(SIP, kind)
        reply = ask(server, "SIP.x.test", over=over)

        assert (dns.rcode.to_text(reply.rcode()), reply.answer, reply.authority) == (rcode, [], [])
        assert (server.history[-1].rcode, server.history[-1].fault) == (rcode, kind)

    def test_a_flapping_name_does_not_exist_every_other_time(self, server: DnsServer) -> None:
        server.fault(SIP, "nxdomain-flapping")
        seen = [(ask(server, SIP, type_).rcode().name, type_) for type_ in ("A", "AAAA") * 4]

        assert [code for code, type_ in seen if type_ == "A"] == ["NXDOMAIN", "NOERROR"] * 2
        assert [code for code, type_ in seen if type_ == "AAAA"] == ["NXDOMAIN", "NOERROR"] * 2

    def test_a_flapping_name_is_missing_with_the_soa_for_the_cache(self, server: DnsServer) -> None:
        server.fault(SIP, "nxdomain-flapping")

        assert ask(server, SIP).authority[0].rdtype == dns.rdatatype.SOA


class TestTcp:
    def test_tc_without_tcp_sends_the_asker_where_nobody_answers(self, server: DnsServer) -> None:
        server.fault(SIP, "tc-without-tcp")
        reply = ask(server, SIP)
        assert reply.flags & dns.flags.TC
        assert reply.answer == []

        with socket.create_connection((server.address, server.port), timeout=5) as connection:
            for id_, name in enumerate((SIP, "other.x.test")):
                dns.query.send_tcp(connection, dns.message.make_query(name, "A", id=id_))
            assert dns.query.receive_tcp(connection)[0].id == 1

    def test_a_reset_ends_the_connection_hard(self, server: DnsServer) -> None:
        server.fault(SIP, "tcp-reset")
        assert ask(server, SIP).flags & dns.flags.TC

        with socket.create_connection((server.address, server.port), timeout=5) as connection:
            dns.query.send_tcp(connection, dns.message.make_query(SIP, "A"))
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        assert server.history[-1].transport == "tcp"
        assert lines(ask(server, "other.x.test", over="tcp"))


class TestForgeries:
    """RFC 5452: what an asker must not believe."""

    def test_a_wrong_id_belongs_to_another_query(self, server: DnsServer, asker: Asker) -> None:
        server.fault(SIP, "wrong-id")
        ids = set()
        for _ in range(20):
            asker.send(SIP, id_=7)
            reply = dns.message.from_wire(asker.next())
            ids.add(reply.id)
            assert [rrset.to_text() for rrset in reply.answer] == [f"{SIP}. 60 IN A 127.0.0.1"]
        assert 7 not in ids
        assert len(ids) > 5

    def test_a_wrong_question_was_not_asked(self, server: DnsServer, asker: Asker) -> None:
        server.fault(SIP, "wrong-question")
        asker.send(SIP)
        reply = dns.message.from_wire(asker.next())

        assert reply.id == 7
        assert reply.question[0].name.to_text() == "six.x.test."
        assert server.history[-1].name == SIP

    def test_a_wrong_name_owns_the_records(self, server: DnsServer, asker: Asker) -> None:
        server.fault(SIP, "wrong-name")
        asker.send(SIP)
        reply = dns.message.from_wire(asker.next())

        assert reply.question[0].name.to_text() == f"{SIP}."
        assert [rrset.to_text() for rrset in reply.answer] == ["six.x.test. 60 IN A 127.0.0.1"]

    def test_mangled_octets_differ_every_time_and_never_in_the_header(self, server: DnsServer, asker: Asker) -> None:
        asker.send(SIP)
        right = asker.next()
        server.fault(SIP, "mangled")
        seen = set()
        for _ in range(50):
            asker.send(SIP)
            seen.add(asker.next())
        assert right not in seen
        assert len(seen) > 25
        assert {wire[:12] for wire in seen} == {right[:12]}
        assert any(len(wire) < len(right) for wire in seen)


class TestWrongData:
    @both_transports
    def test_a_cname_loop_goes_round(self, server: DnsServer, over: Transport) -> None:
        server.fault(SIP, "cname-loop")

        assert lines(ask(server, "SIP.x.test", over=over)) == [
            f"SIP.x.test. 0 IN CNAME loop.{SIP}.",
            f"loop.{SIP}. 0 IN CNAME SIP.x.test.",
        ]
        assert lines(ask(server, f"loop.{SIP}", "AAAA", over)) == [
            f"loop.{SIP}. 0 IN CNAME {SIP}.",
            f"{SIP}. 0 IN CNAME loop.{SIP}.",
        ]

    def test_an_srv_target_becomes_an_alias_whichever_way_it_is_asked(self, server: DnsServer) -> None:
        """F1.20: the SRV record stays, its target is a CNAME, and the address is behind that."""
        server.fault(SRV_NAME, "srv-target-cname")
        srv = ask(server, SRV_NAME, "SRV")

        assert lines(srv) == [f"{SRV_NAME}. 60 IN SRV 0 0 5061 {SIP}."]
        assert srv.additional == []
        assert lines(ask(server, "Sip.x.test")) == [
            f"Sip.x.test. 60 IN CNAME host.{SIP}.",
            f"host.{SIP}. 60 IN A 127.0.0.1",
        ]
        assert lines(ask(server, SIP, "CNAME")) == [f"{SIP}. 0 IN CNAME host.{SIP}."]
        assert lines(ask(server, SIP, "TXT")) == [f"{SIP}. 0 IN CNAME host.{SIP}."]
        assert lines(ask(server, f"host.{SIP}")) == [f"host.{SIP}. 60 IN A 127.0.0.1"]
        assert lines(ask(server, "other.x.test")) == ["other.x.test. 5 IN A 127.0.0.2"]
        assert ask(server, SRV_NAME).rcode() == dns.rcode.NOERROR

    def test_an_srv_target_that_is_not_ours_stays_refused(self, server: DnsServer) -> None:
        with server.zones.edit("x.test") as zone:
            zone.srv("_s._tcp", 0, 0, 1, "sip.elsewhere.test")
        server.fault("_s._tcp.x.test", "srv-target-cname")

        assert ask(server, "sip.elsewhere.test").rcode() == dns.rcode.REFUSED

    def test_an_srv_target_can_be_the_root(self, server: DnsServer) -> None:
        server.fault(SRV_NAME, "srv-target-root")

        assert lines(ask(server, SRV_NAME, "SRV")) == [f"{SRV_NAME}. 60 IN SRV 0 0 0 ."]
        assert ask(server, SRV_NAME, "TXT").answer == []

    @pytest.mark.parametrize(("name", "type_"), [(SIP, "A"), (SIP, "AAAA"), (SRV_NAME, "SRV"), ("x.test", "TXT")])
    def test_a_huge_rrset_needs_tcp_and_holds_the_true_records_too(
        self, server: DnsServer, name: str, type_: str
    ) -> None:
        right = lines(ask(server, name, type_))
        server.fault(name, "huge-rrset", count=500)

        assert ask(server, name, type_).flags & dns.flags.TC
        whole = lines(ask(server, name, type_, "tcp"))
        assert len(set(whole)) == 501
        assert whole[0] == right[0]

    def test_the_first_answer_may_be_kept_for_no_time_and_the_later_ones_differ(self, server: DnsServer) -> None:
        server.fault(SIP, "changed-after-ttl-0", "A", value="127.0.0.77")

        assert lines(ask(server, SIP)) == [f"{SIP}. 0 IN A 127.0.0.1"]
        assert lines(ask(server, SIP)) == [f"{SIP}. 0 IN A 127.0.0.77"]
        assert lines(ask(server, SIP)) == [f"{SIP}. 0 IN A 127.0.0.77"]
        assert lines(ask(server, SIP, "AAAA")) == [f"{SIP}. 5 IN AAAA ::1"]

    def test_each_type_has_a_first_answer_and_a_changed_one(self, server: DnsServer) -> None:
        server.fault(SIP, "changed-after-ttl-0")
        server.fault(SRV_NAME, "changed-after-ttl-0")
        for name, type_, changed in (
            (SIP, "A", "127.254.255.254"),
            (SIP, "AAAA", "2001:db8:ffff::fffe"),
            (SRV_NAME, "SRV", "0 0 1 changed.invalid."),
        ):
            assert changed not in lines(ask(server, name, type_))[0]
            assert lines(ask(server, name, type_)) == [f"{name}. 0 IN {type_} {changed}"]

    def test_a_wildcard_address_stands_where_the_srv_record_should(self, server: DnsServer) -> None:
        """F1.21, as with duckdns: every name has an address, and the SRV record is NODATA in place of NXDOMAIN."""
        server.fault(SRV_NAME, "srv-nodata-wildcard-a", value="127.0.0.9")

        for name in (SRV_NAME, "nobody.x.test"):
            srv = ask(server, name, "SRV")
            assert (srv.rcode(), srv.answer, len(srv.authority)) == (dns.rcode.NOERROR, [], 1)
            assert lines(ask(server, name)) == [f"{name}. 0 IN A 127.0.0.9"]
        assert lines(ask(server, SIP)) == [f"{SIP}. 60 IN A 127.0.0.1"]
        assert ask(server, "sip.y.test").rcode() == dns.rcode.REFUSED


class TestAiming:
    def test_only_the_type_asked_for_is_hit(self, server: DnsServer) -> None:
        server.fault(SIP, "servfail", "AAAA")

        assert ask(server, SIP, "AAAA").rcode() == dns.rcode.SERVFAIL
        assert ask(server, SIP, "A").rcode() == dns.rcode.NOERROR

    def test_only_the_name_asked_for_is_hit(self, server: DnsServer) -> None:
        server.fault(SIP, "servfail")

        assert ask(server, "other.x.test").rcode() == dns.rcode.NOERROR
        assert ask(server, f"deep.{SIP}").rcode() == dns.rcode.NXDOMAIN

    def test_a_star_stands_for_all_names_below(self, server: DnsServer) -> None:
        server.fault("*.x.test", "servfail")

        codes = [ask(server, name).rcode().name for name in (SIP, f"deep.{SIP}", "x.test")]
        assert codes == ["SERVFAIL", "SERVFAIL", "NOERROR"]

    def test_the_newest_fault_counts(self, server: DnsServer) -> None:
        server.fault(SIP, "servfail")
        newest = server.fault(SIP, "refused")
        assert ask(server, SIP).rcode() == dns.rcode.REFUSED
        newest.remove()
        newest.remove()
        assert ask(server, SIP).rcode() == dns.rcode.SERVFAIL

    def test_a_fault_may_happen_a_number_of_times(self, server: DnsServer) -> None:
        fault = server.fault(SIP, "servfail", times=2)

        assert [ask(server, SIP).rcode().name for _ in range(4)] == ["SERVFAIL", "SERVFAIL", "NOERROR", "NOERROR"]
        assert fault.happened == 2

    def test_a_share_of_the_questions_is_hit_the_same_for_the_same_seed(self, server: DnsServer) -> None:
        def outcomes(seed: int) -> list[str]:
            with server.fault(SIP, "servfail", rate=0.5, seed=seed):
                return [ask(server, SIP).rcode().name for _ in range(40)]

        first = outcomes(1)
        assert first == outcomes(1)
        assert first != outcomes(2)
        assert 8 < first.count("SERVFAIL") < 32

    def test_a_block_ends_the_fault(self, server: DnsServer) -> None:
        with server.fault(SIP, "servfail") as fault:
            assert server.faults == (fault,)
            assert str(fault) == f"servfail for all types of {SIP}."
            assert ask(server, SIP).rcode() == dns.rcode.SERVFAIL
        assert ask(server, SIP).rcode() == dns.rcode.NOERROR

    def test_faults_can_be_cleared_by_name_or_all(self, server: DnsServer) -> None:
        for name in (SIP, "other.x.test", "x.test"):
            server.fault(name, "servfail")
        server.clear_faults("SIP.x.test")
        assert [ask(server, name).rcode().name for name in (SIP, "other.x.test")] == ["NOERROR", "SERVFAIL"]
        server.clear_faults()
        assert server.faults == ()

    @pytest.mark.parametrize(
        ("arguments", "options", "sentence"),
        [
            ((SIP, "broken"), {}, "'broken' is no kind of fault; there are no-answer, late, servfail"),
            ((SIP, "late", "MX"), {}, "'MX' is no type that a fault can be for; there are A, AAAA"),
            ((SIP, "late", "ALIAS"), {}, "'ALIAS' is no type that a fault can be for"),
            ((SIP, "srv-target-root", "A"), {}, "srv-target-root is about SRV and not A"),
            ((SIP, "cname-loop", "A"), {}, "cname-loop is about all types of the name: leave the type out"),
            (("*.x.test", "cname-loop"), {}, "needs the name of one host or service, without a wildcard"),
            ((SIP, "huge-rrset", "CAA"), {}, "huge-rrset is for A, AAAA, SRV, TXT and not CAA"),
            ((SIP, "changed-after-ttl-0", "CAA"), {}, "is for A, AAAA, CNAME, SRV, TXT and not CAA"),
            ((SIP, "late"), {"delay": -1}, "A delay is 0 seconds or more, not -1"),
            ((SIP, "huge-rrset"), {"count": 0}, "huge-rrset adds 1 to 4000 records, not 0"),
            ((SIP, "late"), {"rate": 0}, "A rate is above 0 and at most 1, not 0"),
            ((SIP, "late"), {"times": 0}, "happens 1 time or more, not 0; leave `times` out"),
            ((SIP, "late"), {"value": "127.0.0.1"}, "late takes no value"),
            ((SIP, "changed-after-ttl-0"), {"value": "127.0.0.1"}, "takes no value, at least not without a type"),
            ((SIP, "changed-after-ttl-0", "A"), {"value": "::1"}, "An A record needs an IPv4 address"),
            ((SIP, "srv-nodata-wildcard-a"), {"value": "x"}, "An A record needs an IPv4 address"),
            ((".".join(["x" * 62] * 4), "cname-loop"), {}, "it takes more than 255 octets"),
            (("a..b", "late"), {}, "each label has 1 to 63 characters"),
        ],
    )
    def test_what_cannot_be_is_a_sentence(
        self, server: DnsServer, arguments: tuple[str, ...], options: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(FakeError, match=sentence):
            server.fault(*arguments, **options)
        assert server.faults == ()
