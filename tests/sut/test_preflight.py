"""Each thing that can be wrong before the first scenario is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from fakes.ca import Authority
from fakes.dns import Zone, ZoneSet
from simulator.connect_server.settings import CertificateFiles, CertificateRules, DnsServer, OpenFederation
from simulator.errors import ConfigurationError
from simulator.federation import Engine, Federation
from simulator.names import Fqdn
from simulator.preflight.check import check, check_with
from simulator.sut.settings import load
from tests.real.ports import free_port
from tests.sut.foreign import Foreign


@contextmanager
def engine_for(sut_toml: Path) -> Iterator[Engine]:
    engine = Engine(settings=load(sut_toml))
    try:
        engine.start_sut()
        yield engine
    finally:
        engine.close()


def mistake(sut_toml: Path) -> str:
    with engine_for(sut_toml) as engine, pytest.raises(ConfigurationError) as caught:
        check(engine)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize("driver", ["http", "wire-only"])
def test_a_server_that_is_set_up_well_passes(foreign: Foreign, driver: str) -> None:
    foreign.start()

    with engine_for(foreign.sut_toml(driver, "open_federation = true")) as engine:
        check(engine)


def test_nobody_listens(foreign: Foreign) -> None:
    found = mistake(foreign.sut_toml("wire-only", "open_federation = true"))

    assert found.startswith("preflight, address: nothing accepts connections at 127.")


def test_what_listens_speaks_no_tls(foreign: Foreign) -> None:
    process = foreign.start()
    port = int(process.url.rpartition(":")[2])
    foreign.settings = replace(foreign.settings, listen=replace(foreign.settings.listen, port=port))
    foreign.settings = replace(
        foreign.settings, listen=replace(foreign.settings.listen, address=ip_address("127.0.0.1"))
    )

    assert mistake(foreign.sut_toml("wire-only", "open_federation = true")).startswith("preflight, port: nobody speaks")


def test_the_server_does_not_trust_our_ca(foreign: Foreign, tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as stranger:
        foreign.start(trusted_roots=stranger.write_root())

        found = mistake(foreign.sut_toml("http"))

    assert found.startswith("preflight, trust: the server refuses our certificate")
    assert str(tmp_path / "ca" / "root.crt") in found


@pytest.mark.parametrize("profile", ["untrusted", "wrong-name", "expired"])
def test_partners_do_not_accept_the_certificate_of_the_server(foreign: Foreign, tmp_path: Path, profile: str) -> None:
    with Authority(keep=tmp_path / "ca", folder=tmp_path) as authority:
        files = CertificateFiles(*authority.write(authority.issue("connect.acme.test", profile)))
        foreign.start(certificate=files, certificate_rules=CertificateRules(unsuitable="warn"))

        found = mistake(foreign.sut_toml("http"))

    assert found.startswith("preflight, certificate: partners refuse the certificate of the server")


def test_the_server_asks_another_dns(foreign: Foreign) -> None:
    foreign.start(dns=DnsServer(ip_address("127.0.0.1"), free_port()))

    assert "forward the zone test from its resolver to 127.0.0.1 port" in mistake(foreign.sut_toml("http"))


def test_open_federation_is_off(foreign: Foreign) -> None:
    foreign.start(open_federation=OpenFederation(enabled=False))

    assert mistake(foreign.sut_toml("http")).startswith("preflight, open federation: the server looks no partner up")


def test_the_user_does_not_exist(foreign: Foreign) -> None:
    foreign.start()
    lines = ("open_federation = true", "[sut.users.alice]", 'name = "nobody"')

    found = mistake(foreign.sut_toml("wire-only", *lines))

    assert found.startswith("preflight, users: the server has no sip:nobody@acme.test (it says 404 Not Found)")


def test_the_user_may_not_federate(foreign: Foreign) -> None:
    foreign.start()

    found = mistake(foreign.sut_toml("http", "[sut.users.alice]", 'name = "carol"'))

    assert found.startswith("preflight, users: sip:anna@acme.test can be reached and sip:carol@acme.test cannot")


def test_the_name_of_the_server_is_nothing_that_partners_accept(foreign: Foreign) -> None:
    foreign.start()
    foreign.settings = replace(foreign.settings, fqdn=Fqdn.parse("connect.hoster.test"))

    assert mistake(foreign.sut_toml("wire-only", "open_federation = true")).startswith("preflight, fqdn: ")


def test_the_server_cannot_connect_to_partners(foreign: Foreign) -> None:
    """It finds them at another address, where nobody is, as if a firewall stood between."""
    foreign.start()
    with engine_for(foreign.sut_toml("http")) as engine:
        federation = Federation(engine)
        partner = federation.partner()
        elsewhere = Zone(str(partner.domain)).a("sip", "127.0.0.250")
        elsewhere.srv("_sipfederationtls._tcp", 0, 0, partner.edge.port, str(partner.edge.fqdn))
        engine.dns.set_view("127.0.0.1", ZoneSet([elsewhere]))

        with pytest.raises(ConfigurationError, match=r"preflight, firewall: the server has found .* outgoing TCP to"):
            check_with(engine, federation, partner)
        federation.close()
