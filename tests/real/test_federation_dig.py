"""dig (ISC BIND) asks the DNS of a running federation, and hears what partners and server say of themselves."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.federation import Engine, Federation
from simulator.names import SipDomain

Dig = Callable[..., "Heard"]

over_both = pytest.mark.parametrize("over", ["+notcp", "+tcp"])


@dataclass(frozen=True)
class Heard:
    """What dig made of one answer."""

    status: str
    flags: str
    records: list[str]
    "The answer section, blanks as one."
    more: list[str]
    "The additional section likewise."

    @classmethod
    def read(cls, output: str) -> Heard:
        head = re.search(r"status: (\w+),.*\n;; flags: ([a-z ]+);", output)
        assert head is not None, output
        return cls(head[1], head[2], _section("ANSWER", output), _section("ADDITIONAL", output))


def _section(name: str, output: str) -> list[str]:
    found = re.search(rf";; {name} SECTION:\n(.*?)\n\n", output, re.DOTALL)
    return [" ".join(line.split()) for line in found[1].splitlines()] if found else []


@pytest.fixture
def dig(program: Callable[[str], Path], federation: Federation) -> Dig:
    """Return a callable that asks the federation's DNS with these arguments."""
    path, dns = program("dig"), federation.dns

    def ask(*arguments: str) -> Heard:
        command = [str(path), f"@{dns.address}", "-p", str(dns.port), "+tries=1", "+time=5", *arguments]
        # Without HOME, nobody's .digrc has a say.
        return Heard.read(
            subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env={}).stdout
        )

    return ask


def must_lead_to(dig: Dig, over: str, domain: SipDomain, fqdn: str, address: str, port: int) -> None:
    """The one SRV record of the domain names this host and port, and the host has this one address."""
    srv, a = dig(domain.srv_name, "SRV", over), dig(fqdn, "A", over)

    assert srv.records == [f"{domain.srv_name}. 0 IN SRV 0 0 {port} {fqdn}."]
    assert a.records == srv.more == [f"{fqdn}. 0 IN A {address}"]
    assert (srv.status, a.status) == ("NOERROR", "NOERROR")
    assert "aa" in srv.flags.split()
    assert "ra" not in srv.flags.split()


@over_both
@pytest.mark.parametrize("fqdn", [None, "sipfed", "edge.of"])
def test_dig_is_led_to_a_partner(federation: Federation, dig: Dig, over: str, fqdn: str | None) -> None:
    domain = federation.fresh_domain()
    partner = federation.partner(domain=domain, fqdn=fqdn and f"{fqdn}.{domain}")
    edge = partner.edge

    must_lead_to(dig, over, partner.domain, str(edge.fqdn), edge.address, edge.port)


@over_both
def test_dig_is_led_to_the_server(federation: Federation, dig: Dig, over: str) -> None:
    sut = federation.sut

    must_lead_to(dig, over, sut.domain, str(sut.fqdn), sut.address, sut.port)


@over_both
def test_dig_tells_two_partners_apart(federation: Federation, dig: Dig, over: str) -> None:
    one, other = federation.partner(), federation.partner()

    assert one.edge.address != other.edge.address or one.edge.port != other.edge.port
    for partner in (one, other):
        edge = partner.edge
        must_lead_to(dig, over, partner.domain, str(edge.fqdn), edge.address, edge.port)


@over_both
def test_what_was_not_published_is_not_there(federation: Federation, dig: Dig, over: str) -> None:
    without_srv, without_a = federation.partner(srv=False), federation.partner(a=False)

    assert dig(without_srv.domain.srv_name, "SRV", over).status == "NXDOMAIN"
    assert dig(str(without_srv.edge.fqdn), "A", over).records
    assert len(dig(without_a.domain.srv_name, "SRV", over).records) == 1
    assert dig(str(without_a.edge.fqdn), "A", over).status == "NXDOMAIN"


@over_both
def test_an_unknown_name_and_a_foreign_zone_are_told_apart(federation: Federation, dig: Dig, over: str) -> None:
    partner = federation.partner()

    unknown = dig(f"nobody.{partner.domain}", "A", over)
    no_such_type = dig(str(partner.edge.fqdn), "AAAA", over)
    foreign = dig("sip.example.com", "A", over)

    assert (unknown.status, unknown.records) == ("NXDOMAIN", [])
    assert (no_such_type.status, no_such_type.records) == ("NOERROR", [])
    assert (foreign.status, foreign.records) == ("REFUSED", [])
    assert "aa" not in foreign.flags.split()


@over_both
def test_a_partner_is_gone_with_its_test(sipfed_engine: Engine, federation: Federation, dig: Dig, over: str) -> None:
    short_lived = Federation(sipfed_engine)
    domain = short_lived.partner().domain
    assert dig(domain.srv_name, "SRV", over).status == "NOERROR"

    assert short_lived.close() == []

    assert dig(domain.srv_name, "SRV", over).status == "REFUSED"


@over_both
def test_the_evidence_says_what_dig_heard(federation: Federation, dig: Dig, over: str) -> None:
    partner = federation.partner()
    questions = [(partner.domain.srv_name, "SRV"), (str(partner.edge.fqdn), "A"), (f"x.{partner.domain}", "A")]

    heard = [dig("-b", partner.edge.address, name, type_, over) for name, type_ in questions]

    records = [record for record in federation.records if record.layer == "dns"]
    asked, answered = records[::2], records[1::2]
    assert [(record.who, record.data["name"], record.data["type"]) for record in asked] == [
        (str(partner.domain), name, type_) for name, type_ in questions
    ]
    assert {record.data["transport"] for record in asked} == {"tcp" if over == "+tcp" else "udp"}
    assert [(record.data["rcode"], record.data["answers"]) for record in answered] == [
        (answer.status, answer.records) for answer in heard
    ]
