"""SRV record, name rule and addresses: what the doctor finds, and where it says that a missing record went."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fakes.dns import Zone
from simulator.doctor import HostPort, Result
from simulator.doctor.checkup import read_host_port
from simulator.doctor.lookup import MAX_ATTEMPTS, Lookup
from simulator.doctor.steps import SERVER_STEPS, TITLES
from simulator.federation import Federation
from simulator.io.resolver import Resolver
from simulator.names import Fqdn, SipDomain
from tests.doctor.conftest import Doctor, Servers


def test_a_healthy_partner_has_nothing_to_change(doctor: Doctor, federation: Federation) -> None:
    """All steps run, in their order, and only the missing revocation list of the throwaway CA is worth a word."""
    partner = federation.partner()

    found = doctor(partner.domain)

    assert [step.id for step in found.report.steps] == list(TITLES)
    assert found.failed == found.skipped == []
    assert found.warned == ["revocation"]
    assert found.report.verdict == "good"
    assert found.report.exit_code == 0
    assert f"SRV 0 0 5061 sip.{partner.domain}" in found.seen("srv")
    assert found.step("addresses").data == {"addresses": {f"sip.{partner.domain}": [partner.edge.address]}}
    assert found.step("tcp").where == f"sip.{partner.domain}:5061 at {partner.edge.address}"
    assert all(step.seconds > 0 for step in found.report.steps if step.id not in ("name-rule", "own-certificate"))
    assert "dial back" in found.report.notes[0]


def test_without_an_srv_record_the_missing_line_is_given_and_nothing_else_runs(
    doctor: Doctor, federation: Federation
) -> None:
    partner = federation.partner(srv=False)

    found = doctor(partner.domain)

    assert found.failed == ["srv"]
    assert "NXDOMAIN" in found.seen("srv") or "no data" in found.seen("srv")
    assert found.change("srv") == (
        f"Publish in the zone of {partner.domain}: "
        f"_sipfederationtls._tcp.{partner.domain}. SRV 0 0 5061 sip.{partner.domain}."
    )
    assert found.skipped == ["name-rule", "addresses", *SERVER_STEPS]
    assert all("no SRV record leads to a server" in "".join(step.seen) for step in found.report.steps[1:])
    assert found.report.exit_code == 1
    partner.edge.must_not_have_been_dialled()


class TestTheExampleOfTheHelpPage:
    """Domain acme.de, server connect.acme.com: C2, C3, R20-R24."""

    @pytest.fixture
    def names(self, federation: Federation) -> tuple[SipDomain, Fqdn]:
        domain, other = federation.fresh_domain("acme-de"), federation.fresh_domain("acme-com")
        return domain, other.child("connect")

    def test_it_is_fine_for_static_routes(
        self, doctor: Doctor, federation: Federation, names: tuple[SipDomain, Fqdn]
    ) -> None:
        domain, fqdn = names
        partner = federation.partner(domain=domain, fqdn=fqdn, srv=False)

        found = doctor(domain, static=HostPort(fqdn, partner.edge.port), our_side=True)

        assert found.failed == []
        assert found.result("name-rule") is Result.OK
        assert "does not matter to static routes" in found.seen("name-rule")
        assert "1009" in found.seen("name-rule")
        assert "needs no SRV record" in found.seen("srv")
        assert f"do not find {domain}" in found.seen("srv")
        assert found.report.mode == "static"

    def test_skype_for_business_with_open_federation_refuses_it(
        self, doctor: Doctor, federation: Federation, names: tuple[SipDomain, Fqdn]
    ) -> None:
        domain, fqdn = names
        federation.partner(domain=domain, fqdn=fqdn)

        found = doctor(domain, our_side=True)

        assert found.failed == ["name-rule"]
        assert "1009" in found.seen("name-rule")
        assert f"such as sip.{domain}" in found.change("name-rule")
        assert found.result("sip") is Result.OK, "the steps behind it run all the same"

    def test_a_partner_like_that_is_only_worth_a_warning(
        self, doctor: Doctor, federation: Federation, names: tuple[SipDomain, Fqdn]
    ) -> None:
        """One's own server must not apply the rule (fact 3 of the discovery facts)."""
        domain, fqdn = names
        federation.partner(domain=domain, fqdn=fqdn)

        found = doctor(domain)

        assert found.failed == []
        assert "name-rule" in found.warned
        assert found.change("name-rule").startswith(f"If {domain} is to federate with Skype for Business")

    def test_the_record_stands_under_another_domain_by_mistake(
        self, doctor: Doctor, federation: Federation, names: tuple[SipDomain, Fqdn]
    ) -> None:
        """For acme.de it is missing; the server that was meant is examined all the same."""
        domain, fqdn = names
        partner = federation.partner(domain=domain, fqdn=fqdn, srv=False)
        ergos = federation.fresh_domain("ergos")
        federation.zones.add_zone(Zone(str(ergos)).srv("_sipfederationtls._tcp", 0, 0, 5061, str(fqdn)))

        found = doctor(domain, expected=HostPort(fqdn, partner.edge.port), our_side=True)

        assert found.failed == ["srv", "name-rule"]
        assert found.change("srv").endswith(f"{domain}. SRV 0 0 {partner.edge.port} {fqdn}.")
        assert found.result("sip") is Result.OK
        assert found.skipped == []
        elsewhere = doctor(ergos, expected=HostPort(fqdn, partner.edge.port))
        assert elsewhere.result("srv") is Result.OK
        assert "does not lie in" in elsewhere.seen("name-rule")

    def test_a_record_under_the_domain_of_the_server_is_found(
        self, doctor: Doctor, federation: Federation, names: tuple[SipDomain, Fqdn]
    ) -> None:
        domain, fqdn = names
        partner = federation.partner(domain=domain, fqdn=fqdn, srv=False)
        above = ".".join(fqdn.labels[1:])
        with federation.zones.edit(above) as zone:
            zone.srv("_sipfederationtls._tcp", 0, 0, 5061, str(fqdn))
        server = HostPort(fqdn, partner.edge.port)
        hint = (
            f"There is a record _sipfederationtls._tcp.{above} SRV 0 0 5061 {fqdn}: that one is for the domain {above}"
        )

        assert hint in doctor(domain, expected=server).seen("srv")
        assert hint in doctor(domain, static=server).seen("srv")


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("_sipfederationtls._tcp.{domain}.{domain}", "a trailing dot is missing"),
        ("_sipfederationtls._tls", "the second label must be _tcp"),
        ("_sip._tls", "for clients"),
    ],
)
def test_the_usual_slips_are_named(doctor: Doctor, federation: Federation, owner: str, words: str) -> None:
    domain = federation.fresh_domain()
    zone = Zone(str(domain)).srv(owner.format(domain=domain), 0, 0, 5061, f"sip.{domain}")
    federation.zones.add_zone(zone)

    found = doctor(domain)

    assert words in found.seen("srv")
    assert f"SRV 0 0 5061 sip.{domain}" in found.seen("srv")


def test_a_record_that_leads_elsewhere_than_expected_is_wrong(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()
    meant = partner.domain.child("other")

    found = doctor(partner.domain, expected=HostPort(meant))

    assert found.failed == ["srv"]
    assert f"None of them leads to {meant}:5061." in found.seen("srv")
    assert found.change("srv") == f"Let the record be {partner.domain.srv_name} SRV 0 0 5061 {meant}."
    right = doctor(partner.domain, expected=HostPort(partner.edge.fqdn, partner.edge.port))
    assert right.failed == []
    other_port = doctor(partner.domain, expected=HostPort(partner.edge.fqdn, 5062))
    assert other_port.failed == ["srv"]


@pytest.mark.cites("R76", "R79", "C9")
def test_microsoft_365_is_exempt_from_the_name_rule(doctor: Doctor, federation: Federation) -> None:
    """Every tenant has a target outside its domain, and Skype for Business knows it by name (F3.1)."""
    domain = federation.fresh_domain("tenant")
    federation.zones.add_zone(Zone(str(domain)).srv("_sipfederationtls._tcp", 100, 1, 5061, "sipfed.online.lync.com"))

    found = doctor(domain, our_side=True)

    assert found.result("name-rule") is Result.OK
    assert "Microsoft 365" in found.seen("name-rule")
    assert found.failed == ["addresses"], "the fake DNS knows nothing of that name"


@pytest.mark.parametrize("word", ["two.labels", "{up}"])
@pytest.mark.cites("R9", "R12", "R13", "C16")
def test_a_target_that_is_too_deep_or_above_is_refused_on_our_side(
    doctor: Doctor, federation: Federation, word: str
) -> None:
    up = federation.fresh_domain("up")
    domain = SipDomain.parse(f"x.{up}")
    target = word.format(up=up) if "{" in word else f"{word}.{domain}"
    federation.partner(domain=domain, fqdn=target)

    assert doctor(domain, our_side=True).failed == ["name-rule"]


def test_one_matching_target_is_enough(doctor: Doctor, federation: Federation) -> None:
    """F1.13: Skype for Business uses the one that passes."""
    partner = federation.partner()
    stranger = federation.partner(srv=False)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 5, 0, 5061, str(stranger.edge.fqdn))

    found = doctor(partner.domain, our_side=True)

    assert found.failed == []
    assert "does not lie in" in found.seen("name-rule")
    assert found.step("name-rule").data == {
        "targets": [
            {"target": str(partner.edge.fqdn), "allowed": True, "reason": "direct-subdomain"},
            {"target": str(stranger.edge.fqdn), "allowed": False, "reason": "other-domain"},
        ]
    }
    assert "do not fail over" in found.seen("srv")


def test_the_domain_without_federation_says_so(doctor: Doctor, federation: Federation) -> None:
    domain = federation.fresh_domain()
    federation.zones.add_zone(Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, 5061, "."))

    assert "offers no federation" in doctor(domain).seen("srv")


@pytest.mark.cites("R46")
def test_another_port_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    """Nobody says whether Skype for Business follows it (F1.16)."""
    domain = federation.fresh_domain()
    zone = Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, 5062, f"sip.{domain}")
    federation.zones.add_zone(zone)

    found = doctor(domain)

    assert found.result("srv") is Result.WARNING
    assert "5062" in found.seen("srv")
    assert "5061" in found.change("srv")


@pytest.mark.cites("R41", "R51", "R77")
def test_a_target_without_an_address_is_wrong(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(a=False)

    found = doctor(partner.domain)

    assert found.failed == ["addresses"]
    assert found.change("addresses").startswith(f"Publish an A record for sip.{partner.domain}")
    assert found.skipped == list(SERVER_STEPS)
    assert all("no address was found" in step.seen[0] for step in found.report.steps[3:])


def test_a_second_target_without_an_address_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 0, 0, 5061, f"gone.{partner.domain}")

    found = doctor(partner.domain)

    assert found.result("addresses") is Result.WARNING
    assert f"gone.{partner.domain} has no address." in found.seen("addresses")
    assert found.result("sip") is Result.OK


@pytest.mark.cites("R8", "C13")
def test_a_target_that_is_an_alias_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    """RFC 2782 forbids it, what Skype for Business does is not known (F1.20); the name to hold is still the SRV's."""
    partner = federation.partner(a=False)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.cname("sip", f"host.{partner.domain}").a("host", partner.edge.address)

    found = doctor(partner.domain)

    assert found.result("addresses") is Result.WARNING
    assert f"alias (CNAME) of host.{partner.domain}" in found.seen("addresses")
    assert found.result("names") is Result.OK


@pytest.mark.cites("R17", "R45")
def test_private_addresses_are_for_nobody_on_the_internet(doctor: Doctor, federation: Federation) -> None:
    """Only the DNS steps, for the address is not one to dial in a test."""
    domain = federation.fresh_domain()
    zone = Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, 5061, f"sip.{domain}")
    federation.zones.add_zone(zone.a("sip", "192.168.1.100").a("sip", "127.0.0.1"))
    checkup = replace(doctor.checkup, domain=domain)

    step = asyncio.run(Lookup(checkup, Resolver(checkup.dns)).run()).steps[-1]

    assert step.result is Result.WARNING
    assert "192.168.1.100 cannot be reached from the Internet." in step.seen
    assert step.change == f"Publish the public address of sip.{domain}; partners see the public DNS."


def test_a_server_with_ipv6_only_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    domain = federation.fresh_domain()
    zone = Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, 5061, f"sip.{domain}").aaaa("sip", "::1")
    federation.zones.add_zone(zone)

    found = doctor(domain)

    assert found.result("addresses") is Result.WARNING
    assert "no IPv4 address" in found.seen("addresses")
    with federation.zones.edit(str(domain)) as edited:
        edited.a("sip", "127.0.3.1")
    assert doctor(domain).result("addresses") is Result.OK


def test_a_name_server_that_does_not_answer_is_what_is_wrong(doctor: Doctor, servers: Servers) -> None:
    with servers.deaf() as (server, _listener):
        found = doctor(server.domain, dns=("127.0.0.1", server.port), limit=0.3)

    assert found.failed == ["srv"]
    assert "timeout" in found.seen("srv") or "servfail" in found.seen("srv")
    assert "--dns" in found.change("srv")


def test_a_name_that_the_server_does_not_serve_is_what_is_wrong(doctor: Doctor) -> None:
    found = doctor(SipDomain.parse("not-served.invalid"))

    assert found.failed == ["srv"]
    assert "refused" in found.seen("srv")
    assert "--dns" in found.change("srv")


def test_a_static_route_that_srv_contradicts_is_told(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()
    other = federation.partner(srv=False)

    found = doctor(partner.domain, static=HostPort(other.edge.fqdn, other.edge.port))

    assert "It leads elsewhere than the route" in found.seen("srv")
    assert found.step("tcp").where.endswith(other.edge.address)
    same = doctor(partner.domain, static=HostPort(partner.edge.fqdn, partner.edge.port))
    assert "It leads elsewhere" not in same.seen("srv")


@pytest.mark.cites("R33", "R34", "C12")
def test_a_static_route_to_an_address_fails_on_the_name(doctor: Doctor, federation: Federation) -> None:
    """R34: the certificate names a host."""
    partner = federation.partner(srv=False)

    found = doctor(partner.domain, static=read_host_port(f"{partner.edge.address}:{partner.edge.port}", "--host"))

    assert found.failed == ["names"]
    assert "in place of the address" in found.change("names")
    assert found.result("addresses") is Result.OK


def test_more_addresses_than_anybody_has_are_not_all_dialled(doctor: Doctor, federation: Federation) -> None:
    domain = federation.fresh_domain()
    zone = Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, 9, f"sip.{domain}")
    for number in range(1, 13):
        zone.a("sip", f"127.0.3.{number}")
    federation.zones.add_zone(zone)

    found = doctor(domain)

    assert sum(step.id == "tcp" for step in found.report.steps) == MAX_ATTEMPTS
    assert f"Of 12 addresses the first {MAX_ATTEMPTS} are examined." in found.seen("addresses")


def test_every_address_is_examined_and_the_same_certificate_judged_once(doctor: Doctor, federation: Federation) -> None:
    """One that is closed shows beside one that is fine."""
    partner = federation.partner()
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a("sip", "127.0.3.99")

    found = doctor(partner.domain)

    assert found.step("tcp", at="127.0.3.99").result is Result.FAILED
    assert found.step("sip", at="127.0.3.99").result is Result.NOT_CHECKED
    assert found.step("sip", at=partner.edge.address).result is Result.OK
