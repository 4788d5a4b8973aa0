"""The request as `Test-CsFederatedPartner` writes it."""

from __future__ import annotations

import re

import pytest

from simulator.federation import Federation
from simulator.io.probe import PROBES, build
from simulator.names import SipDomain
from simulator.sip import Request
from tests.doctor.conftest import Doctor, Servers

TRACE = r"""OPTIONS sip:Options_User@{domain} SIP/2\.0
FROM: <sip:Options_User@acme\.test>;tag=\w+
TO: <sip:Options_User@{domain}>
CSEQ: 1 OPTIONS
CALL-ID: [0-9a-f]{{32}}
MAX-FORWARDS: 70
VIA: SIP/2\.0/TLS 127\.0\.0\.1:\d+;branch=z9hG4bK\w+
CONTACT: <sip:connect\.acme\.test;transport=Tls>
CONTENT-LENGTH: 0
USER-AGENT: RTCC/4\.0\.0\.0

"""
ROUTE = r"ROUTE: <sip:sip\.{domain};transport=tls;lr>;ms-edge-route"


def on_the_wire(doctor: Doctor, servers: Servers, probe: str) -> tuple[str, str]:
    heard: list[bytes] = []

    def answer(request: Request) -> bytes:
        heard.append(bytes(request))
        return bytes(request.respond(200))

    with servers.edge(answer) as server:
        assert doctor(server.domain, probe=PROBES[probe]).report.verdict == "good"
    (message,) = heard
    return message.decode().replace("\r\n", "\n"), str(server.domain)


def test_every_byte_has_its_place(doctor: Doctor, servers: Servers) -> None:
    """In the order of Microsoft's trace, names in capitals (dialect facts §1.3)."""
    message, domain = on_the_wire(doctor, servers, "s4b")

    assert re.fullmatch(TRACE.format(domain=re.escape(domain)), message)


def test_the_route_of_proxyfqdn_is_a_switch(doctor: Doctor, servers: Servers) -> None:
    message, domain = on_the_wire(doctor, servers, "s4b-route")
    expected = TRACE.replace("CONTACT:", f"{ROUTE}\nCONTACT:").format(domain=re.escape(domain))

    assert re.fullmatch(expected, message)


def test_the_plain_shape_has_usual_names_and_our_own_agent(doctor: Doctor, servers: Servers) -> None:
    message, _ = on_the_wire(doctor, servers, "plain")

    assert "\nMax-Forwards: 70\n" in message
    assert "User-Agent: sipfed\n" in message
    assert "MAX-FORWARDS" not in message


@pytest.mark.parametrize("probe", PROBES)
def test_a_real_partner_answers_every_shape(doctor: Doctor, federation: Federation, probe: str) -> None:
    partner = federation.partner()

    assert doctor(partner.domain, probe=PROBES[probe]).step("sip").data["status"] == 200


def test_an_ipv6_address_is_bracketed_in_the_via() -> None:
    domain = SipDomain.parse("acme.test")
    request = build(
        PROBES["s4b"], domain, domain, server="sip.acme.test", own_host="sip.acme.test", local=("2001:db8::1", 40000)
    )

    assert request.top_via.raw.startswith("SIP/2.0/TLS [2001:db8::1]:40000;branch=")
