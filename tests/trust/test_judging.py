"""`trust`: every reason to refuse a certificate, the alert that says so, and the sentence for the administrator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from simulator import trust
from simulator.names import Fqdn
from simulator.tls import REFUSAL_ALERTS, UNREADABLE, PresentedChain, Role
from simulator.trust import CONNECT_SERVER, OPENSSL, RFC5922, S4B, Expected, ReasonKind, Rules, Verdict, path

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOST = Fqdn.parse("sip.fabrikam.test")
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
SERVER_ONLY = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENT_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)
ANY_USAGE = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
SIP_DOMAIN = (*BOTH, ObjectIdentifier("1.3.6.1.5.5.7.3.20"))

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Holder:
    """A certificate with its key, able to issue others."""

    certificate: x509.Certificate
    key: Key

    def issue(
        self,
        common_name: str = "",
        *extensions: x509.ExtensionType,
        key: Key | None = None,
        start: datetime = NOW - DAY,
        end: datetime = NOW + 30 * DAY,
    ) -> Holder:
        return make(common_name, *extensions, key=key, start=start, end=end, issuer=self)


def make(
    common_name: str,
    *extensions: x509.ExtensionType,
    issuer: Holder | None = None,
    key: Key | None = None,
    start: datetime = NOW - DAY,
    end: datetime = NOW + 30 * DAY,
) -> Holder:
    """A certificate with these extensions, critical where they limit it; signed by itself without an issuer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.NameConstraints | x509.UnrecognizedExtension)
        builder = builder.add_extension(extension, critical)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def san(*names: str) -> x509.SubjectAlternativeName:
    def entry(name: str) -> x509.GeneralName:
        if name.startswith("sip:"):
            return x509.UniformResourceIdentifier(name)
        return x509.DNSName(name) if name.rstrip(".")[-1].isalpha() else x509.IPAddress(ip_address(name))

    return x509.SubjectAlternativeName([entry(name) for name in names])


def eku(*usages: ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(usages)


CA = x509.BasicConstraints(ca=True, path_length=None)
ROOT = make("Root", CA, start=NOW - 3000 * DAY, end=NOW + 3000 * DAY)
INTERMEDIATE = ROOT.issue("Intermediate", CA, start=NOW - 1000 * DAY, end=NOW + 1000 * DAY)
STRANGER = make("Stranger", CA)


def good(*names: str, issuer: Holder = INTERMEDIATE, usages: Sequence[ObjectIdentifier] = BOTH) -> Holder:
    return issuer.issue(str(HOST), san(*(names or (str(HOST),))), eku(*usages))


def judge(
    leaf: Holder,
    *others: Holder,
    role: Role = "server",
    rules: Rules = CONNECT_SERVER,
    expected: Expected | None = HOST,
    roots: Sequence[Holder] = (ROOT,),
    at: datetime = NOW,
) -> Verdict:
    presented = PresentedChain((leaf.certificate, *(other.certificate for other in others)), role, None)
    certificates = [root.certificate for root in roots]
    return trust.judge(presented, roots=certificates, at=at, rules=rules, expected=expected)


def kinds(verdict: Verdict) -> list[str]:
    return [reason.kind.value for reason in verdict.reasons]


def test_a_faultless_chain_is_accepted() -> None:
    verdict = judge(good(), INTERMEDIATE)
    assert verdict.accepted
    assert verdict.alert == ""
    assert str(verdict) == "The certificate for sip.fabrikam.test is accepted as sip.fabrikam.test."


def test_any_order_and_strangers_in_the_chain_do_no_harm() -> None:
    assert judge(good(), STRANGER, ROOT, INTERMEDIATE).accepted


class TestChain:
    def test_a_self_signed_certificate_is_refused(self) -> None:
        verdict = judge(make(str(HOST), san(str(HOST)), eku(*BOTH)))
        assert kinds(verdict) == ["self-signed"]
        assert verdict.alert == "unknown_ca"

    def test_a_self_signed_certificate_that_is_itself_a_root_is_accepted(self) -> None:
        leaf = make(str(HOST), san(str(HOST)), eku(*BOTH))
        assert judge(leaf, roots=[ROOT, leaf]).accepted

    def test_a_missing_intermediate_is_told_from_an_unknown_ca(self) -> None:
        verdict = judge(good())
        assert kinds(verdict) == ["missing-intermediate"]
        assert verdict.alert == "unknown_ca"
        assert "the peer sent no certificate of its issuer “Intermediate”" in str(verdict)

    def test_the_wrong_intermediate_is_as_good_as_none(self) -> None:
        verdict = judge(good(), STRANGER)
        assert kinds(verdict) == ["missing-intermediate"]
        assert "none of the other certificates sent along is its issuer" in str(verdict)

    @pytest.mark.parametrize("with_root", [False, True], ids=["without its root", "with its root"])
    def test_a_complete_chain_to_another_root_is_untrusted(self, with_root: bool) -> None:
        below = STRANGER.issue("Below", CA)
        verdict = judge(good(issuer=below), below, *([STRANGER] if with_root else []))
        assert kinds(verdict) == ["untrusted"]
        assert verdict.alert == "unknown_ca"
        assert "“Stranger”, which is not trusted here" in str(verdict)

    def test_a_root_of_the_same_name_with_another_key_is_untrusted(self) -> None:
        impostor = make("Root", CA)
        verdict = judge(good(issuer=impostor))
        assert kinds(verdict) == ["untrusted"]
        assert "another key" in str(verdict)

    def test_without_roots_nothing_is_trusted(self) -> None:
        assert kinds(judge(good(), INTERMEDIATE, roots=[])) == ["untrusted"]

    @pytest.mark.parametrize(
        "extensions",
        [
            (),
            (x509.BasicConstraints(ca=False, path_length=None),),
            (CA, x509.KeyUsage(True, *[False] * 8)),
        ],
        ids=["no constraints", "no CA", "no keyCertSign"],
    )
    def test_what_is_no_ca_issues_nothing(self, extensions: tuple[x509.ExtensionType, ...]) -> None:
        fake = ROOT.issue("Fake", *extensions)
        verdict = judge(good(issuer=fake), fake)
        assert kinds(verdict) == ["invalid-chain"]
        assert verdict.alert == "bad_certificate"

    def test_a_path_longer_than_its_ca_allows_is_invalid(self) -> None:
        short = ROOT.issue("Short", x509.BasicConstraints(ca=True, path_length=0))
        below = short.issue("Below", CA)
        assert kinds(judge(good(issuer=below), below, short)) == ["invalid-chain"]

    def test_an_unknown_critical_extension_is_invalid(self) -> None:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        leaf = INTERMEDIATE.issue("", san(str(HOST)), unknown)
        assert kinds(judge(leaf, INTERMEDIATE)) == ["invalid-chain"]

    def test_name_constraints_of_the_ca_bind(self) -> None:
        only_test = x509.NameConstraints([x509.DNSName("contoso.test")], None)
        limited = ROOT.issue("Limited", CA, only_test)
        verdict = judge(good(issuer=limited), limited)
        assert kinds(verdict) == ["name-constraints"]
        assert verdict.alert == "certificate_unknown"
        assert judge(good("a.contoso.test", issuer=limited), limited, expected=Fqdn.parse("a.contoso.test")).accepted

    def test_an_endless_list_of_certificates_is_not_worked_through(self) -> None:
        assert kinds(judge(good(), *[INTERMEDIATE] * 200)) == ["invalid-chain"]


class TestValidity:
    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (NOW - DAY - timedelta(seconds=1), ["not-yet-valid"]),
            (NOW - DAY, []),
            (NOW + 30 * DAY, []),
            (NOW + 30 * DAY + timedelta(seconds=1), ["expired"]),
        ],
    )
    def test_both_ends_of_the_validity_are_inside(self, at: datetime, expected: list[str]) -> None:
        verdict = judge(good(), INTERMEDIATE, at=at)
        assert kinds(verdict) == expected
        assert verdict.alert == ("certificate_expired" if expected else "")

    def test_the_sentence_names_the_day(self) -> None:
        assert "it expired on 2026-12-22 12:00 UTC" in str(judge(good(), INTERMEDIATE, at=NOW + 31 * DAY))
        assert "it is not valid before 2026-11-21 12:00 UTC" in str(judge(good(), INTERMEDIATE, at=NOW - 2 * DAY))

    def test_an_expired_intermediate_is_named(self) -> None:
        old = ROOT.issue("Old", CA, start=NOW - 20 * DAY, end=NOW - timedelta(hours=1))
        verdict = judge(good(issuer=old), old)
        assert kinds(verdict) == ["expired"]
        assert "the certificate of its issuer “Old” expired" in str(verdict)

    def test_validities_that_never_overlap_are_only_a_matter_of_time(self) -> None:
        old = ROOT.issue("Old", CA, start=NOW - 20 * DAY, end=NOW - 10 * DAY)
        assert kinds(judge(good(issuer=old), old)) == ["expired"]

    def test_an_expired_root_counts(self) -> None:
        root = make("Dead root", CA, start=NOW - 20 * DAY, end=NOW - 10 * DAY)
        assert kinds(judge(good(issuer=root), roots=[root])) == ["expired"]

    def test_a_renewed_intermediate_replaces_the_expired_one(self) -> None:
        old = ROOT.issue("Same", CA, start=NOW - 20 * DAY, end=NOW - 10 * DAY)
        new = ROOT.issue("Same", CA, key=old.key)
        assert judge(good(issuer=new), old, new).accepted


class TestRemembered:
    """What was found before is told again only where it still holds."""

    def test_a_path_is_not_believed_before_and_after_its_time(self) -> None:
        leaf = good("sip.fabrikam.test")
        for _ in range(2):
            assert judge(leaf, INTERMEDIATE).accepted
            assert kinds(judge(leaf, INTERMEDIATE, at=NOW + 31 * DAY))[:1] == ["expired"]
            assert kinds(judge(leaf, INTERMEDIATE, at=NOW - 2 * DAY))[:1] == ["not-yet-valid"]

    def test_a_path_leads_to_the_roots_that_are_trusted_now(self) -> None:
        leaf = good("sip.fabrikam.test")
        assert judge(leaf, INTERMEDIATE).accepted
        assert kinds(judge(leaf, INTERMEDIATE, roots=[STRANGER])) == ["untrusted"]
        assert kinds(judge(leaf)) == ["missing-intermediate"]

    def test_keys_and_usages_are_judged_by_the_rules_of_now(self) -> None:
        leaf = good("sip.fabrikam.test", usages=SERVER_ONLY)
        assert judge(leaf, INTERMEDIATE, role="server").accepted
        assert kinds(judge(leaf, INTERMEDIATE, role="client")) == ["key-usage"]
        assert kinds(judge(leaf, INTERMEDIATE, role="server", rules=Rules(min_ec_bits=384))).count("weak-key") == 2

    def test_no_more_is_kept_than_the_last_ones(self) -> None:
        leaf = good("sip.fabrikam.test")
        for number in range(300):
            assert judge(leaf, INTERMEDIATE, roots=[ROOT, *[STRANGER] * number]).accepted
        assert len(path._verified) <= path._REMEMBERED


class TestKeyUsage:
    """F2.3 and the matrix F2.17."""

    @pytest.mark.parametrize(
        ("usages", "as_server", "as_client", "s4b"),
        [
            (BOTH, True, True, True),
            (SERVER_ONLY, True, False, True),
            (CLIENT_ONLY, False, True, False),
            (ANY_USAGE, False, False, False),
            (SIP_DOMAIN, True, True, True),
        ],
        ids=["both", "server only", "client only", "any", "with sipDomain"],
    )
    def test_what_each_role_needs(
        self, usages: Sequence[ObjectIdentifier], as_server: bool, as_client: bool, s4b: bool
    ) -> None:
        leaf = good(usages=usages)
        assert judge(leaf, INTERMEDIATE, role="server").accepted is as_server
        assert judge(leaf, INTERMEDIATE, role="client").accepted is as_client
        assert judge(leaf, INTERMEDIATE, role="server", rules=S4B).accepted is s4b
        assert judge(leaf, INTERMEDIATE, role="client", rules=S4B).accepted is s4b
        assert judge(leaf, INTERMEDIATE, role="client", rules=Rules(require_eku="none")).accepted

    @pytest.mark.parametrize("role", ["client", "server"])
    def test_a_certificate_without_the_extension_serves_every_use(self, role: Role) -> None:
        assert judge(INTERMEDIATE.issue("", san(str(HOST))), INTERMEDIATE, role=role).accepted

    def test_the_refusal_says_what_is_missing(self) -> None:
        verdict = judge(good(usages=SERVER_ONLY), INTERMEDIATE, role="client")
        assert kinds(verdict) == ["key-usage"]
        assert verdict.alert == "unsupported_certificate"
        assert "it is not made for client authentication (extended key usage)" in str(verdict)

    def test_an_intermediate_limits_what_is_below_it(self) -> None:
        limited = ROOT.issue("Generation Y", CA, eku(*SERVER_ONLY))
        leaf = good(issuer=limited)
        assert judge(leaf, limited, role="server").accepted
        verdict = judge(leaf, limited, role="client")
        assert kinds(verdict) == ["key-usage"]
        assert "the intermediate “Generation Y” is not made for client authentication" in str(verdict)

    def test_a_root_limits_nothing(self) -> None:
        """A trust anchor is a name and a key (RFC 5280 §6.1.1)."""
        root = make("Limited root", CA, eku(*SERVER_ONLY))
        assert judge(good(issuer=root), root, roots=[root], role="client").accepted

    def test_an_unrelated_certificate_sent_along_limits_nothing(self) -> None:
        unrelated = STRANGER.issue("Unrelated", CA, eku(*SERVER_ONLY))
        assert judge(good(), INTERMEDIATE, unrelated, role="client").accepted


class TestKeys:
    def test_a_short_rsa_key_is_weak(self) -> None:
        key = rsa.generate_private_key(65537, 1024)
        leaf = INTERMEDIATE.issue("", san(str(HOST)), key=key)
        verdict = judge(leaf, INTERMEDIATE)
        assert kinds(verdict) == ["weak-key"]
        assert verdict.alert == "bad_certificate"
        assert "an RSA key of 1024 bits, fewer than 2048" in str(verdict)
        assert judge(leaf, INTERMEDIATE, rules=S4B).accepted


class TestNames:
    @pytest.mark.parametrize(
        ("names", "connect", "openssl"),
        [
            (["sip.fabrikam.test"], [], []),
            (["SIP.Fabrikam.TEST"], [], []),
            (["sip.fabrikam.test."], [], []),
            (["web.fabrikam.test", "sip.fabrikam.test"], [], []),
            (["*.fabrikam.test", "sip.fabrikam.test"], [], []),
            (["*.fabrikam.test"], ["wildcard"], []),
            (["*.test"], ["wrong-name"], ["wrong-name"]),
            (["s*.fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["*.sip.fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["*.contoso.test", "web.fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["a.sip.fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["xsip.fabrikam.test"], ["wrong-name"], ["wrong-name"]),
            (["192.0.2.1"], ["wrong-name"], ["wrong-name"]),
        ],
        ids=lambda value: "+".join(value),
    )
    def test_the_whole_name_must_be_there(self, names: list[str], connect: list[str], openssl: list[str]) -> None:
        leaf = good(*names)
        assert kinds(judge(leaf, INTERMEDIATE)) == connect
        assert kinds(judge(leaf, INTERMEDIATE, rules=S4B)) == connect
        assert kinds(judge(leaf, INTERMEDIATE, rules=OPENSSL)) == openssl

    @pytest.mark.parametrize("role", ["client", "server"])
    def test_without_an_expected_name_a_wildcard_alone_is_no_name(self, role: Role) -> None:
        verdict = judge(good("*.fabrikam.test"), INTERMEDIATE, role=role, expected=None)
        assert kinds(verdict) == ["wildcard"]
        assert verdict.alert == "bad_certificate"
        assert judge(good("*.fabrikam.test", "b.test"), INTERMEDIATE, role=role, expected=None).accepted
        assert judge(good("*.fabrikam.test"), INTERMEDIATE, role=role, expected=None, rules=OPENSSL).accepted

    def test_the_common_name_counts_only_without_a_san_and_only_where_the_rules_say_so(self) -> None:
        bare = INTERMEDIATE.issue(str(HOST))
        assert kinds(judge(bare, INTERMEDIATE)) == ["no-name"]
        assert "has no subjectAltName" in str(judge(bare, INTERMEDIATE))
        assert judge(bare, INTERMEDIATE, rules=S4B).accepted
        assert judge(bare, INTERMEDIATE, rules=S4B, expected=None).accepted
        assert kinds(judge(good("web.fabrikam.test"), INTERMEDIATE, rules=S4B)) == ["wrong-name"]
        assert kinds(judge(INTERMEDIATE.issue("*.fabrikam.test"), INTERMEDIATE, rules=S4B)) == ["wildcard"]

    def test_a_certificate_without_any_name(self) -> None:
        for expected in (None, HOST):
            verdict = judge(INTERMEDIATE.issue(""), INTERMEDIATE, rules=S4B, expected=expected)
            assert kinds(verdict) == ["no-name"]
            assert str(verdict).startswith("The certificate, which holds no name, was refused")

    def test_an_address_is_expected_among_the_addresses(self) -> None:
        """R34: a static route with an address meets a certificate that holds a domain."""
        leaf = good("192.0.2.1", "2001:db8::1")
        assert judge(leaf, INTERMEDIATE, expected=ip_address("192.0.2.1")).accepted
        assert judge(leaf, INTERMEDIATE, expected=ip_address("2001:0db8:0::1")).accepted
        verdict = judge(good(), INTERMEDIATE, expected=ip_address("192.0.2.1"))
        assert kinds(verdict) == ["wrong-name"]
        assert "it is made out to sip.fabrikam.test, not to 192.0.2.1" in str(verdict)

    def test_rfc_5922_prefers_sip_uris(self) -> None:
        domain = Fqdn.parse("fabrikam.test")
        assert judge(good("sip:fabrikam.test", "web.test"), INTERMEDIATE, rules=RFC5922, expected=domain).accepted
        beside = good("sip:contoso.test", "fabrikam.test")
        assert kinds(judge(beside, INTERMEDIATE, rules=RFC5922, expected=domain)) == ["wrong-name"]
        assert judge(beside, INTERMEDIATE, rules=S4B, expected=domain).accepted
        user = good("sip:bob@contoso.test", "fabrikam.test")
        assert judge(user, INTERMEDIATE, rules=RFC5922, expected=domain).accepted
        assert kinds(judge(good("*.fabrikam.test"), INTERMEDIATE, rules=RFC5922)) == ["wildcard"]

    def test_the_name_rules_can_be_asked_alone(self) -> None:
        """F0.2: whether a client speaks for a domain is known only once its first request names the domain."""
        expired = INTERMEDIATE.issue("", san("*.fabrikam.test"), start=NOW - 9 * DAY, end=NOW - DAY).certificate
        (reason,) = trust.name_reasons(expired, HOST, S4B)
        assert reason.kind is ReasonKind.WILDCARD
        assert trust.name_reasons(expired, HOST, OPENSSL) == ()

    def test_names_of_lists_what_the_certificate_holds(self) -> None:
        assert trust.names_of(good("*.A.test", "192.0.2.1", "sip:a.test").certificate) == (
            "*.a.test",
            "192.0.2.1",
            "sip:a.test",
        )
        assert trust.names_of(make("Only.CN.test").certificate) == ("only.cn.test",)
        assert trust.names_of(make("").certificate) == ()


class TestAllReasons:
    def test_an_expired_wildcard_from_an_unknown_ca_has_three_reasons(self) -> None:
        leaf = STRANGER.issue("", san("*.fabrikam.test"), start=NOW - 9 * DAY, end=NOW - DAY)
        verdict = judge(leaf, STRANGER)
        assert kinds(verdict) == ["untrusted", "expired", "wildcard"]
        assert verdict.alert == "unknown_ca"
        assert verdict.because(ReasonKind.WILDCARD)
        assert not verdict.because(ReasonKind.WRONG_NAME)
        assert str(verdict) == (
            "The certificate for *.fabrikam.test was refused (expected: sip.fabrikam.test) because its chain ends at "
            "“Stranger”, which is not trusted here; it expired on 2026-11-21 12:00 UTC; and only the wildcard "
            "*.fabrikam.test would fit, and wildcards do not count in SIP."
        )

    def test_an_invalid_chain_does_not_hide_behind_an_expired_leaf(self) -> None:
        fake = ROOT.issue("Fake", start=NOW - 9 * DAY)
        leaf = fake.issue("", san(str(HOST)), start=NOW - 9 * DAY, end=NOW - DAY)
        assert kinds(judge(leaf, fake)) == ["invalid-chain", "expired"]

    def test_usage_and_name_are_told_together(self) -> None:
        verdict = judge(good("web.test", usages=SERVER_ONLY), INTERMEDIATE, role="client")
        assert kinds(verdict) == ["key-usage", "wrong-name"]

    def test_every_kind_has_an_alert_that_tls_can_send(self) -> None:
        assert {kind.alert for kind in ReasonKind} <= REFUSAL_ALERTS


def test_certificates_that_cannot_be_read_are_refused() -> None:
    twice = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x03\x82\x01\xff")
    verdict = judge(INTERMEDIATE.issue("", twice), INTERMEDIATE)
    assert kinds(verdict) == ["unreadable"]
    assert verdict.alert == "bad_certificate"


@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
def test_no_damaged_certificate_makes_the_judge_raise(seed: int, count: int) -> None:
    random_ = random.Random(seed)
    damaged = bytearray(GOOD.certificate.public_bytes(Encoding.DER))
    for _ in range(count):
        damaged[random_.randrange(len(damaged))] = random_.randrange(256)
    try:
        certificate = x509.load_der_x509_certificate(bytes(damaged))
    except UNREADABLE:
        return
    if certificate == GOOD.certificate:
        return
    for chain in ((certificate, INTERMEDIATE.certificate), (GOOD.certificate, certificate)):
        verdict = trust.judge(PresentedChain(chain, "client", None), roots=[ROOT.certificate], at=NOW, rules=S4B)
        assert not verdict.accepted
        assert verdict.alert in REFUSAL_ALERTS
        assert str(verdict).startswith("The certificate")


GOOD = good()
