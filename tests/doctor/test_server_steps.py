"""TCP, TLS, our certificate and SIP, with a server for each fault."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from simulator import tls
from simulator.discovery import Attempt, Target
from simulator.doctor import Result
from simulator.doctor.server import Visitor
from simulator.doctor.steps import CERTIFICATE_STEPS
from simulator.federation import Federation
from simulator.names import Fqdn, SipDomain
from simulator.sip import Request
from tests.doctor.conftest import Doctor, Servers


def ok(request: Request) -> bytes:
    return bytes(request.respond(200))


def silence(_request: Request) -> bytes:
    return b""


# -- TCP --------------------------------------------------------------------------------------------------------


@pytest.mark.cites("R30", "R46")
def test_a_closed_port_is_the_last_thing_that_is_checked(doctor: Doctor, servers: Servers) -> None:
    with servers.closed() as server:
        found = doctor(server.domain)

    assert found.failed == ["tcp"]
    assert f"listen on port {server.port}" in found.change("tcp")
    assert found.skipped == ["tls", "tls-versions", *CERTIFICATE_STEPS, "own-certificate", "sip"]


def test_a_server_that_never_says_anything_is_given_up(doctor: Doctor, servers: Servers) -> None:
    with servers.deaf() as (server, _listener):
        found = doctor(server.domain, limit=0.3)

    assert found.failed == ["tls"]
    assert "silent for 0.3 s" in found.seen("tls")
    assert found.result("tcp") is Result.OK
    assert found.skipped == ["tls-versions", *CERTIFICATE_STEPS, "own-certificate", "sip"]


@pytest.mark.cites("R18", "R30")
def test_a_packet_filter_is_what_keeps_silent_about_tcp(doctor: Doctor) -> None:
    """With no time at all every port is like that."""
    checkup = replace(doctor.checkup, limit=0.0)
    target = Target(Fqdn.parse("sip.acme.test"), 5061, "sip.acme.test", "srv")

    visit = asyncio.run(Visitor(checkup).visit(Attempt(target, "127.0.0.1", 5061)))

    assert visit.before[0].result is Result.FAILED
    assert "did not answer" in visit.before[0].seen[0]
    assert "firewall" in visit.before[0].change


# -- TLS --------------------------------------------------------------------------------------------------------


class _PlainText(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"SIP/2.0 400 Bad Request\r\n\r\n")


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.close()


def test_a_port_without_tls_is_told_from_a_bad_handshake(doctor: Doctor, servers: Servers) -> None:
    with servers.protocol(_PlainText) as server:
        found = doctor(server.domain)

    assert found.failed == ["tls"]
    assert "no TLS" in found.seen("tls")
    assert found.change("tls").startswith("Switch TLS on for this port")


def test_a_server_that_hangs_up_has_no_certificate_to_show(doctor: Doctor, servers: Servers) -> None:
    with servers.protocol(_HangUp) as server:
        found = doctor(server.domain)

    assert found.failed == ["tls"]
    assert "private key that it may read" in found.change("tls")


def test_a_tls_server_without_a_certificate_is_told_to_get_one(doctor: Doctor, servers: Servers) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with servers.protocol(asyncio.Protocol, ssl=bare) as server:
        found = doctor(server.domain)

    assert found.failed == ["tls"]
    assert "closed the connection" in found.seen("tls")
    assert found.change("tls").startswith("Give the server a certificate")


class _Alert(asyncio.Protocol):
    """Answers the ClientHello by a fatal alert."""

    def __init__(self, number: int) -> None:
        self._number = number

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(bytes([21, 3, 3, 0, 2, 2, self._number]))
        self._transport.close()


@pytest.mark.parametrize(
    ("number", "name", "advice"),
    [
        (40, "handshake_failure", "Allow usual ciphers"),
        (70, "protocol_version", "Switch TLS 1.2 on"),
        (80, "internal_error", "Look in the server's log"),
    ],
)
def test_an_alert_before_any_certificate_has_its_own_advice(
    doctor: Doctor, servers: Servers, number: int, name: str, advice: str
) -> None:
    with servers.protocol(lambda: _Alert(number)) as server:
        found = doctor(server.domain)

    assert found.failed == ["tls"]
    assert name in found.seen("tls")
    assert found.change("tls").startswith(advice)


@pytest.mark.parametrize(
    ("oldest", "newest", "result", "words"),
    [
        ("TLSv1.2", "TLSv1.3", Result.OK, ""),
        ("TLSv1.2", "TLSv1.2", Result.OK, ""),
        ("TLSv1.3", "TLSv1.3", Result.WARNING, "Offer TLS 1.2 as well."),
        ("TLSv1", "TLSv1.3", Result.WARNING, "Switch TLSv1.1 and TLSv1 off."),
        ("TLSv1", "TLSv1.1", Result.FAILED, "Switch TLS 1.2 on"),
    ],
)
def test_the_versions_that_a_server_offers(
    doctor: Doctor, servers: Servers, oldest: tls.Version, newest: tls.Version, result: Result, words: str
) -> None:
    order = ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1")
    offered = order[order.index(newest) : order.index(oldest) + 1]
    with servers.edge(ok, oldest=oldest, newest=newest) as server:
        found = doctor(server.domain)

    assert found.result("tls-versions") is result
    assert found.step("tls-versions").data == {
        "offered": list(offered),
        "refused": [version for version in order if version not in offered],
    }
    assert words in found.change("tls-versions")
    assert found.result("tls") is (Result.FAILED if result is Result.FAILED else Result.OK)
    assert found.step("tls").data["version"] == newest


def test_versions_are_told_without_a_certificate_of_ours(doctor: Doctor, servers: Servers) -> None:
    """TLS 1.2 ends in the handshake then, TLS 1.3 after it."""
    with servers.edge(ok) as server:
        found = doctor(server.domain, identity=None)

    assert found.step("tls-versions").data == {"offered": ["TLSv1.3", "TLSv1.2"], "refused": ["TLSv1.1", "TLSv1"]}


# -- our certificate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_without_a_certificate_of_ours_theirs_is_still_judged(
    doctor: Doctor, servers: Servers, version: tls.Version
) -> None:
    with servers.edge(ok, oldest=version, newest=version) as server:
        found = doctor(server.domain, identity=None)

    assert found.failed == []
    assert found.result("chain") is found.result("names") is found.result("tls") is Result.OK
    assert found.skipped == ["own-certificate", "sip"]
    assert "--certificate" in found.change("sip")
    assert found.report.verdict == "incomplete"
    assert found.report.exit_code == 0


def test_a_real_partner_shows_its_certificate_to_nobody_in_particular(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()

    found = doctor(partner.domain, identity=None, sender=None)

    assert found.failed == []
    assert found.skipped == ["own-certificate", "sip"]
    assert found.report.sender == "sipfed.invalid"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ("unknown_ca", "from a CA that the partner trusts"),
        ("unsupported_certificate", "for client authentication"),
        ("certificate_expired", "Renew our certificate"),
        ("bad_certificate", "what the partner demands"),
    ],
)
def test_a_refusal_of_our_certificate_is_read_from_its_alert(
    doctor: Doctor, servers: Servers, version: tls.Version, alert: str, words: str
) -> None:
    with servers.edge(ok, refusing=alert, oldest=version, newest=version) as server:
        found = doctor(server.domain)

    assert found.failed == ["own-certificate"]
    assert alert in found.seen("own-certificate")
    assert words in found.change("own-certificate")
    assert found.step("own-certificate").data == {"alert": alert}
    assert found.skipped == ["sip"]


def test_an_alert_that_tls13_loses_is_read_from_tls12(doctor: Doctor, servers: Servers) -> None:
    """A server that closes at once, with our request unread, takes its alert back by a TCP reset."""
    with servers.edge(ok, refusing="unknown_ca", mute=True) as server:
        found = doctor(server.domain)

    assert found.failed == ["own-certificate"]
    assert found.step("own-certificate").data == {"alert": "unknown_ca"}


def test_a_server_that_only_hangs_up_is_told_from_one_that_says_why(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(ok, refusing="unknown_ca", mute=True, oldest="TLSv1.3") as server:
        found = doctor(server.domain)

    assert found.failed == ["own-certificate"]
    assert found.step("own-certificate").data == {"alert": None}
    assert "what the partner demands" in found.change("own-certificate")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_that_stops_after_its_certificate(doctor: Doctor, servers: Servers, version: tls.Version) -> None:
    with servers.edge(ok, stalling=True, oldest=version, newest=version) as server:
        found = doctor(server.domain, limit=0.5)

    assert found.result("names") is Result.OK
    assert found.failed == (["tls"] if version == "TLSv1.2" else ["sip"])
    assert "own-certificate" in found.skipped


@pytest.mark.cites("R36", "R44")
def test_a_server_that_wants_no_certificate_is_no_mutual_tls(
    doctor: Doctor, servers: Servers, federation: Federation, tmp_path: Path
) -> None:
    domain = federation.fresh_domain("lax")
    issued = federation.authority.issue(f"sip.{domain}")
    certificate, key = federation.authority.write(issued)
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lax.load_cert_chain(certificate, key)
    with servers.protocol(_PlainAnswer, domain=domain, ssl=lax) as server:
        found = doctor(server.domain, identity=None)

    assert found.result("own-certificate") is Result.WARNING
    assert "no mutual TLS" in found.seen("own-certificate")
    assert found.result("sip") is Result.OK


class _PlainAnswer(asyncio.Protocol):
    """SIP over somebody else's TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        head = data.decode().split("\r\n")
        kept = [line for line in head if line.partition(":")[0] in ("VIA", "FROM", "CALL-ID", "CSEQ")]
        to = next(line for line in head if line.startswith("TO:"))
        lines = ["SIP/2.0 200 OK", *kept, f"{to};tag=1", "Content-Length: 0", "", ""]
        self._transport.write("\r\n".join(lines).encode())


# -- SIP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 404, 405, 481, 500, 503, 603])
def test_any_final_answer_but_504_proves_the_link(doctor: Doctor, servers: Servers, status: int) -> None:
    with servers.edge(lambda request: bytes(request.respond(status))) as server:
        found = doctor(server.domain)

    assert found.result("sip") is Result.OK
    assert found.step("sip").data["status"] == status


def test_a_provisional_answer_proves_nothing(doctor: Doctor, servers: Servers) -> None:
    def both(request: Request) -> bytes:
        return bytes(request.respond(183)) + bytes(request.respond(504))

    with servers.edge(both) as server:
        found = doctor(server.domain)

    assert found.failed == ["sip"]


def test_403_is_a_matter_of_policy(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(lambda request: bytes(request.respond(403))) as server:
        found = doctor(server.domain)

    assert found.result("sip") is Result.WARNING
    assert f"Have {server.domain} allow {doctor.federation.sut.domain}" in found.change("sip")


def test_a_skype_for_business_edge_that_cannot_verify_us_answers_504(doctor: Doctor, federation: Federation) -> None:
    """The real reason stays in its log (F0.2), so the advice is to look at our own side."""
    partner = federation.partner()
    unknown = SipDomain.parse(f"unknown.{partner.domain}")

    found = doctor(partner.domain, sender=unknown)

    assert found.failed == ["sip"]
    assert "504" in found.seen("sip")
    assert f"sipfed doctor {unknown} --our-side" in found.change("sip")
    assert found.result("own-certificate") is Result.OK
    nobody = doctor(partner.domain, sender=SipDomain.parse("sipfed.invalid"))
    assert nobody.change("sip") == "Name our domain by --from, so that it can be verified."


def test_what_an_edge_tells_of_itself_is_shown(doctor: Doctor, servers: Servers) -> None:
    told = ("ms-diagnostics", '1009;reason="No match for domain in DNS SRV results"')
    with servers.edge(lambda request: bytes(request.respond(504, headers=[told]))) as server:
        found = doctor(server.domain)

    assert f"{told[0]}: {told[1]}" in found.seen("sip")
    assert found.step("sip").data["headers"] == [f"{told[0]}: {told[1]}"]


def test_an_edge_that_takes_the_request_and_never_answers(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(silence) as server:
        found = doctor(server.domain, limit=0.5)

    assert found.failed == ["sip"]
    assert "no final answer in 0.5 s" in found.seen("sip")
    assert found.skipped == ["own-certificate"]


def test_an_answer_that_is_no_sip(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        found = doctor(server.domain)

    assert found.failed == ["sip"]
    assert "no SIP" in found.seen("sip")
    assert found.change("sip") == "Have the server speak SIP over TLS on this port."


def test_an_edge_that_asks_something_first_is_answered(doctor: Doctor, servers: Servers) -> None:
    """Some begin with NEGOTIATE; they must get a final answer, which is no (dialect facts §1.3)."""

    def asking(request: Request) -> bytes:
        negotiate = Request.build(
            "NEGOTIATE",
            "sip:client.invalid",
            [
                ("Via", "SIP/2.0/TLS 192.0.2.2:2616;branch=z9hG4bK1"),
                ("CSeq", "1 NEGOTIATE"),
                ("Call-ID", "8d8b20f87c9c4221a732f3a70f57e9b8"),
                ("From", "<sip:edge.contoso.test>;tag=1"),
                ("To", "<sip:client.invalid>"),
                ("Compression", "LZ77-8K"),
                ("Max-Forwards", "0"),
            ],
        )
        return bytes(negotiate) + bytes(request.respond(200))

    with servers.edge(asking) as server:
        found = doctor(server.domain)

    assert found.result("sip") is Result.OK
    assert [response.status for response in servers.responses] == [405]
