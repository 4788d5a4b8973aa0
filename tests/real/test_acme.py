"""A certificate from an ACME CA, validated through the fake DNS: Pebble and lego play the example (R66-R75)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from fakes.ca import PROFILES, Issued
from fakes.dns import Zone
from simulator.federation import Engine, Federation
from simulator.scenarios.steps import must_chat_both_ways
from tests.real.acme import Lego, Pebble, dns_provider, pebble, webroot

CHALLENGES = "/.well-known/acme-challenge/"


@pytest.fixture(scope="module")
def ca(
    program: Callable[[str], Path], sipfed_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pebble]:
    """A CA that partners trust, as they do those of the public web."""
    dns, folder = sipfed_engine.dns, tmp_path_factory.mktemp("pebble")
    with pebble(program("pebble"), sipfed_engine.authority, (dns.address, dns.port), folder) as ca:
        sipfed_engine.roots.append(ca.root)
        yield ca
        sipfed_engine.roots.remove(ca.root)


@pytest.fixture
def lego(program: Callable[[str], Path], sipfed_engine: Engine, ca: Pebble, tmp_path: Path) -> Lego:
    return Lego(program("lego"), ca, sipfed_engine.authority.write_root(), tmp_path / "lego")


def publish(federation: Federation, fqdn: str, address: str | None) -> None:
    """Let the DNS say where the host is, and nothing else of it."""
    zone = Zone(fqdn, ttl=0, negative_ttl=0)
    if address is not None:
        zone.a("@", address)
    federation.zones.add_zone(zone)


def must_federate_with(federation: Federation, lego: Lego) -> None:
    """The server takes the new certificate into its store, shows it once it is chosen, and partners accept it."""
    certificate, key = (path.read_bytes() for path in lego.files(str(federation.sut.fqdn)))
    leaf = x509.load_pem_x509_certificate(certificate)
    issued = Issued(str(federation.sut.fqdn), PROFILES["dual"], leaf, certificate, key)
    federation.sut.activate_certificate(federation.sut.add_certificate(issued).fingerprint)

    partner = federation.partner()
    must_chat_both_ways(federation, partner)
    assert partner.edge.seen_certificates[-1] == leaf.fingerprint(SHA256()).hex()


@pytest.mark.cites("R67", "R69", "R70", "R72", "R75")
def test_a_certificate_validated_by_the_web_root_federates(federation: Federation, lego: Lego, tmp_path: Path) -> None:
    """With the name in the DNS and a way in from outside, a file below wwwroot proves who the server is (R70)."""
    root = tmp_path / "wwwroot"
    root.mkdir()
    sut = federation.sut

    with webroot(root, sut.address, lego.ca.web) as asked:
        order = lego.order(str(sut.fqdn), "--http", "--http.webroot", str(root))

    assert order.returncode == 0, order.stderr
    assert [path.startswith(CHALLENGES) for path in asked] == [True] * len(asked) != []
    federation.dns.must_have_been_asked(str(sut.fqdn), "A")
    must_federate_with(federation, lego)


@pytest.mark.cites("R71", "R72", "R75")
def test_a_certificate_validated_by_the_dns_federates(federation: Federation, lego: Lego) -> None:
    """A TXT record proves it as well, and nobody need reach the server over HTTP (R71)."""
    sut = federation.sut
    challenge = f"_acme-challenge.{sut.fqdn}"

    def change(verb: str, name: str, value: str) -> None:
        assert name.rstrip(".") == challenge
        with federation.zones.edit(str(sut.domain)) as zone:
            if verb == "present":
                zone.txt(f"{name.rstrip('.')}.", value, ttl=0)
            else:
                zone.remove(f"{name.rstrip('.')}.", "TXT")

    resolver = f"{federation.dns.address}:{federation.dns.port}"
    with dns_provider(change) as url:
        how = ("--dns", "httpreq", "--dns.disable-cp", "--dns.resolvers", resolver)
        order = lego.order(str(sut.fqdn), *how, HTTPREQ_ENDPOINT=url)

    assert order.returncode == 0, order.stderr
    federation.dns.must_have_been_asked(challenge, "TXT")
    must_federate_with(federation, lego)


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        pytest.param(None, "could not resolve", id="no-address"),
        pytest.param("127.0.0.1", "connection refused", id="no-way-in"),
    ],
)
def test_without_dns_or_a_way_in_nothing_is_issued(
    federation: Federation, lego: Lego, tmp_path: Path, address: str | None, detail: str
) -> None:
    """The name has to resolve, and what answers there has to be the web server of the server's machine (R70)."""
    fqdn = str(federation.fresh_domain("acme").child("connect"))
    publish(federation, fqdn, address)

    order = lego.order(fqdn, "--http", "--http.webroot", str(tmp_path))

    assert order.returncode != 0
    assert "urn:ietf:params:acme:error:connection" in order.stderr
    assert detail in order.stderr, order.stderr
    assert not lego.files(fqdn)[0].exists()
