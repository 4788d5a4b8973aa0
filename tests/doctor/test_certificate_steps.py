"""What is said of certificates, judged from what a partner really presents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from simulator import tls, trust
from simulator.doctor import Result
from simulator.federation import Federation
from tests.doctor.conftest import Doctor, Servers


@pytest.mark.parametrize(
    ("profile", "step", "words", "change"),
    [
        ("wildcard", "names", "only the wildcard *.", "wildcards do not count in SIP"),
        ("wrong-name", "names", "it is made out to wrong-name.", "as subject alternative name"),
        ("cn-only", "names", "no subjectAltName", "as subject alternative name"),
        ("expired", "validity", "it expired on", "select the new one"),
        ("not-yet-valid", "validity", "is not valid before", "clocks"),
        ("untrusted", "chain", "not trusted here", "--roots"),
        ("self-signed", "chain", "self-signed", "certification authority"),
        ("missing-intermediate", "chain", "the intermediate certificate is missing", "Install the intermediate"),
        ("constrained", "chain", "name constraints", "may speak for this name"),
        ("client-only", "usage", "not made for server authentication", "for server authentication"),
        ("any-eku", "usage", "not made for server authentication", "for server authentication"),
        ("rsa-1024", "key", "RSA key of 1024 bits", "2048"),
    ],
)
def test_a_fault_fails_its_step_and_no_other(
    doctor: Doctor, federation: Federation, profile: str, step: str, words: str, change: str
) -> None:
    partner = federation.partner(certificate=profile)

    found = doctor(partner.domain)

    assert found.failed == [step]
    assert words in found.seen(step)
    assert "Refused by a SIP server with strict rules" in found.seen(step)
    assert change in found.change(step)
    assert found.result("sip") is Result.OK, "the examination goes on where a real partner would stop"


@pytest.mark.parametrize(
    "profile", ["dual", "no-eku", "sip-domain-eku", "no-cn", "san-second-entry", "rsa-2048", "p-384", "short-lived"]
)
def test_a_sound_certificate_is_left_alone(doctor: Doctor, federation: Federation, profile: str) -> None:
    partner = federation.partner(certificate=profile)

    found = doctor(partner.domain)

    assert found.failed == []
    assert found.warned == ([] if profile == "short-lived" else ["revocation"]), "this CA publishes no lists"


@pytest.mark.parametrize("profile", ["server-only", "server-only-intermediate"])
@pytest.mark.parametrize("our_side", [False, True])
def test_server_authentication_alone_is_fine_for_microsoft_and_a_note_for_others(
    doctor: Doctor, federation: Federation, profile: str, our_side: bool
) -> None:
    """What public CAs issue since 2026 (F2.3, F2.13)."""
    partner = federation.partner(certificate=profile)

    found = doctor(partner.domain, our_side=our_side)

    assert found.result("usage") is Result.WARNING
    assert "Skype for Business and Teams want server authentication only" in found.seen("usage")
    assert "OpenSSL" in found.seen("usage")
    assert found.failed == []


@pytest.mark.cites("R25", "R56")
def test_our_side_is_judged_as_both_products_do(doctor: Doctor, federation: Federation) -> None:
    """A CN without subjectAltName is a name for one of them only (F2.1)."""
    partner = federation.partner(certificate="cn-only")

    found = doctor(partner.domain, our_side=True)

    assert found.failed == ["names"]
    assert "Refused by Microsoft Teams: it has no subjectAltName" in found.seen("names")
    assert "Skype for Business" not in found.seen("names")
    both = doctor(federation.partner(certificate="wildcard").domain, our_side=True)
    assert "Refused by Skype for Business and Microsoft Teams: only the wildcard" in both.seen("names")


@pytest.mark.cites("R60", "R66", "C6")
def test_a_private_root_is_enough_for_skype_for_business_but_not_for_teams(
    doctor: Doctor, federation: Federation
) -> None:
    partner = federation.partner()

    found = doctor(partner.domain, our_side=True)

    assert found.result("chain") is Result.WARNING
    assert "Refused by Microsoft Teams" in found.seen("chain")
    assert "Skype for Business" not in found.seen("chain")


def test_without_roots_the_public_ones_decide(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()

    for our_side in (False, True):
        found = doctor(partner.domain, roots=None, our_side=our_side)
        assert found.failed == ["chain"]
        assert "--roots" in found.change("chain")


def test_a_validity_beyond_the_limit_of_public_cas_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(certificate="398-day")

    found = doctor(partner.domain)

    assert found.result("validity") is Result.WARNING
    assert found.failed == []
    assert "It is valid for 398 days, and public authorities may issue none for more than" in found.seen("validity")
    assert "private CA's right" in found.seen("validity")
    limit = trust.limit_at(datetime.now(UTC))
    assert limit is not None
    assert found.step("validity").data["limit"] == limit.longest.days
    assert found.change("validity") == f"Have a certificate issued for {limit.longest.days} days at most."


@pytest.mark.cites("R67", "C8")
def test_a_certificate_near_its_end_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    """The renewed one has to be selected by hand (R68)."""
    partner = federation.partner(certificate="100-day")
    soon = datetime.now(UTC) + timedelta(days=80)

    assert doctor(partner.domain, at=soon - timedelta(days=10)).result("validity") is Result.OK
    found = doctor(partner.domain, at=soon)

    assert found.result("validity") is Result.WARNING
    assert "It ends in 20 days." in found.seen("validity")
    assert "select the new one" in found.change("validity")


@pytest.mark.parametrize(("our_side", "result"), [(True, Result.FAILED), (False, Result.WARNING)])
def test_rsassa_pss_is_for_others_than_skype_for_business(
    doctor: Doctor, federation: Federation, our_side: bool, result: Result
) -> None:
    """F2.4."""
    partner = federation.partner(certificate="rsa-pss")

    found = doctor(partner.domain, our_side=our_side)

    assert found.result("key") is result
    assert "RSASSA-PSS" in found.seen("key")


def test_a_signature_with_sha1_is_for_nobody(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(certificate="sha1")

    found = doctor(partner.domain)

    assert "key" in found.failed
    assert found.change("key") == "Have the chain issued with SHA-256."


def test_a_key_that_schannel_does_not_know_is_a_warning(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(certificate="ed25519")

    found = doctor(partner.domain)

    assert found.result("key") is Result.WARNING
    assert "The key is Ed25519" in found.seen("key")


def test_one_address_with_another_certificate_is_judged_by_itself(doctor: Doctor, federation: Federation) -> None:
    """Two machines behind one name, and only one was renewed."""
    domain = federation.fresh_domain("pool")
    good = federation.partner(domain=domain)
    bad = federation.partner(domain=federation.fresh_domain("other"), srv=False, a=False, certificate="expired")
    with federation.zones.edit(str(domain)) as zone:
        zone.a("sip", bad.edge.address)

    found = doctor(domain)

    assert found.step("validity", at=good.edge.address).result is Result.OK
    assert found.step("validity", at=bad.edge.address).result is Result.FAILED


def test_the_same_certificate_at_two_addresses_is_judged_once(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 7, 0, 5061, f"sip.{partner.domain}")
        zone.srv("_sipfederationtls._tcp", 8, 0, 5061, f"two.{partner.domain}").a("two", partner.edge.address)

    found = doctor(partner.domain)

    assert found.step("names", at="sip.").result is Result.OK
    assert found.step("names", at="two.").result is Result.FAILED, "another name is another question"
    assert sum(step.id == "tcp" for step in found.report.steps) == 2


def test_two_addresses_with_one_certificate_have_one_judgement(doctor: Doctor, federation: Federation) -> None:
    domain = federation.fresh_domain("pool")
    issued = federation.authority.issue(f"sip.{domain}")
    identity = tls.Identity(issued.chain_pem, issued.key_pem)
    one, two = federation.partner(domain=domain), federation.partner(srv=False, a=False)
    for partner in (one, two):
        partner.agent.transport.use(identity)
    with federation.zones.edit(str(domain)) as zone:
        zone.a("sip", two.edge.address)

    found = doctor(domain)

    assert sum(step.id == "sip" for step in found.report.steps) == 2
    assert sum(step.id == "names" for step in found.report.steps) == 1


def test_a_certificate_that_nobody_can_read_ends_the_judgement(doctor: Doctor, servers: Servers) -> None:
    """TLS does not mind what stands in the extensions; all that judges them does."""
    with servers.edge(lambda request: bytes(request.respond(200)), identity=_unreadable()) as server:
        found = doctor(server.domain)

    assert found.failed == ["chain"]
    assert "can't be read" in found.seen("chain")
    assert found.skipped == ["names", "usage", "validity", "revocation", "key"]


def _unreadable() -> tls.Identity:
    """A certificate whose subjectAltName is no ASN.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unreadable")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"nonsense"), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return tls.Identity(certificate.public_bytes(Encoding.PEM), private)
