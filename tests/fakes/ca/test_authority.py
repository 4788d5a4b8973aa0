"""The CA's certificates, judged by the path validation of the cryptography package."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import verification
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, SignatureAlgorithmOID

from fakes.ca import PROFILES, Authority, Issued, Profile
from fakes.ca.certificates import Issuer, Window, constraints, make_intermediate, make_leaf, make_root
from fakes.errors import FakeError

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FQDN = "sip.fabrikam.test"


BASE = "http://ca.example:8080"
DEAD = "http://ca.example:8081"
KEYS: dict[str, type] = {
    "p-256": ec.EllipticCurvePrivateKey,
    "p-384": ec.EllipticCurvePrivateKey,
    "ed25519": ed25519.Ed25519PrivateKey,
    "rsa-1024": rsa.RSAPrivateKey,
    "rsa-2048": rsa.RSAPrivateKey,
}


@pytest.fixture
def authority() -> Authority:
    return Authority(at=AT)


@pytest.fixture
def publishing() -> Authority:
    """An authority whose certificates say where their revocation is published."""
    authority = Authority(at=AT)
    authority.publish(BASE + "/", dead=DEAD)
    return authority


def _policy(authority: Authority, at: datetime) -> verification.PolicyBuilder:
    return verification.PolicyBuilder().store(verification.Store([authority.root])).time(at)


def _verify_as_server(authority: Authority, issued: Issued, name: str = FQDN, at: datetime = AT) -> None:
    """What a TLS client that trusts only our root does with the chain."""
    leaf, *others = x509.load_pem_x509_certificates(issued.chain_pem)
    subject: x509.DNSName | x509.IPAddress = x509.DNSName(name)
    if name[0].isdigit():
        subject = x509.IPAddress(ipaddress.ip_address(name))
    _policy(authority, at).build_server_verifier(subject).verify(leaf, others)


def _verify_as_client(authority: Authority, issued: Issued, at: datetime = AT) -> list[x509.GeneralName]:
    """What a TLS server that trusts only our root does with the chain; the names that it learns."""
    leaf, *others = x509.load_pem_x509_certificates(issued.chain_pem)
    names = _policy(authority, at).build_client_verifier().verify(leaf, others).subjects
    assert names is not None
    return list(names)


def _names(certificate: x509.Certificate) -> list[str]:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def _usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_dual_certificate_is_accepted_in_both_roles(authority: Authority) -> None:
    issued = authority.issue(FQDN)

    _verify_as_server(authority, issued)
    assert _verify_as_client(authority, issued) == [x509.DNSName(FQDN)]
    assert _usages(issued.leaf) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_a_server_only_certificate_is_refused_as_a_client(authority: Authority) -> None:
    issued = authority.issue(FQDN, "server-only")

    _verify_as_server(authority, issued)
    with pytest.raises(verification.VerificationError, match="EKU"):
        _verify_as_client(authority, issued)


def test_a_client_only_certificate_is_refused_as_a_server(authority: Authority) -> None:
    issued = authority.issue(FQDN, "client-only")

    _verify_as_client(authority, issued)
    with pytest.raises(verification.VerificationError, match="EKU"):
        _verify_as_server(authority, issued)


def test_a_wildcard_certificate_names_the_wildcard_and_nothing_else(authority: Authority) -> None:
    issued = authority.issue(FQDN, "wildcard")

    assert _names(issued.leaf) == ["*.fabrikam.test"]
    assert "sip.fabrikam.test" not in issued.leaf.subject.rfc4514_string()
    _verify_as_server(authority, issued)  # the stock check is more lenient than Skype for Business (F2.12)


def test_a_wrong_name_certificate_is_without_fault_for_another_host_of_the_domain(authority: Authority) -> None:
    issued = authority.issue(FQDN, "wrong-name")

    with pytest.raises(verification.VerificationError, match="subject"):
        _verify_as_server(authority, issued)
    _verify_as_server(authority, issued, "wrong-name.fabrikam.test")


def test_an_expired_certificate_was_valid_until_a_day_ago(authority: Authority) -> None:
    issued = authority.issue(FQDN, "expired")

    with pytest.raises(verification.VerificationError, match="not valid at"):
        _verify_as_server(authority, issued)
    _verify_as_server(authority, issued, at=AT - timedelta(days=1, minutes=1))
    assert issued.leaf.not_valid_after_utc == AT - timedelta(days=1)


def test_an_untrusted_certificate_has_a_complete_chain_under_another_root(authority: Authority) -> None:
    issued = authority.issue(FQDN, "untrusted")

    with pytest.raises(verification.VerificationError):
        _verify_as_server(authority, issued)
    leaf, intermediate = x509.load_pem_x509_certificates(issued.chain_pem)
    leaf.verify_directly_issued_by(intermediate)
    assert intermediate != authority.intermediate
    assert _shape(leaf) == _shape(authority.issue(FQDN).leaf)
    # With the stranger's root in the store there is no other fault left.
    root = authority.issuers.stranger_root.issuer.certificate
    assert root.subject == intermediate.issuer
    store = verification.Store([root])
    verifier = verification.PolicyBuilder().store(store).time(AT).build_server_verifier(x509.DNSName(FQDN))
    verifier.verify(leaf, [intermediate])


def _shape(certificate: x509.Certificate) -> list[tuple[x509.ObjectIdentifier, bool]]:
    return [(extension.oid, extension.critical) for extension in certificate.extensions]


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_has_its_own_name_and_one_line_about_it(name: str) -> None:
    profile = PROFILES[name]

    assert profile.name == name
    assert profile.about
    assert "\n" not in profile.about


@pytest.mark.parametrize("name", PROFILES)
def test_each_leaf_is_an_end_entity_that_may_only_sign(publishing: Authority, name: str) -> None:
    issued = publishing.issue(FQDN, name)
    leaf = issued.leaf
    key = load_pem_private_key(issued.key_pem, None)

    kind = PROFILES[name].key
    assert isinstance(key, KEYS[kind])
    if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        assert key.key_size == int(kind.partition("-")[2])
    assert key.public_key() == leaf.public_key()
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, False)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert x509.load_pem_x509_certificates(issued.chain_pem)[0] == leaf
    assert issued.profile is PROFILES[name]


@pytest.mark.parametrize("name", [name for name in PROFILES if name not in ("self-signed", "missing-intermediate")])
def test_key_identifiers_link_each_certificate_to_its_issuer(publishing: Authority, name: str) -> None:
    leaf, intermediate = x509.load_pem_x509_certificates(publishing.issue(FQDN, name).chain_pem)

    assert _authority_key(leaf) == _own_key(intermediate)
    assert _own_key(leaf) == x509.SubjectKeyIdentifier.from_public_key(leaf.public_key()).digest
    assert (_authority_key(intermediate) == _own_key(publishing.root)) is (PROFILES[name].signer != "stranger")


def _own_key(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def _authority_key(certificate: x509.Certificate) -> bytes | None:
    return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier


def test_root_and_intermediate_are_critical_in_all_that_limits_them(authority: Authority) -> None:
    for certificate, length in ((authority.root, 1), (authority.intermediate, 0)):
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, length)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
        assert not usage.value.digital_signature
        limits = certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert limits.critical
        assert limits.value.permitted_subtrees is not None
        assert x509.DNSName("test") in limits.value.permitted_subtrees


def test_no_two_certificates_and_no_two_runs_share_a_serial_number_key_or_root_name() -> None:
    one, other = Authority(at=AT), Authority(at=AT)
    leaves = [authority.issue(FQDN).leaf for authority in (one, one, other)]
    certificates = [*leaves, one.root, one.intermediate, other.root, other.intermediate]

    assert len({certificate.serial_number for certificate in certificates}) == 7
    assert len({_own_key(certificate) for certificate in certificates}) == 7
    assert one.root.subject != other.root.subject
    assert one.root_pem != other.root_pem


def test_a_leaf_begins_an_hour_early_and_is_valid_for_days(authority: Authority) -> None:
    leaf = authority.issue(FQDN, valid_days=2).leaf

    assert leaf.not_valid_before_utc == AT - timedelta(hours=1)
    assert leaf.not_valid_after_utc == AT + timedelta(days=2)


def test_the_time_of_issue_is_an_argument(authority: Authority) -> None:
    later = AT + timedelta(days=5)

    assert authority.issue(FQDN, at=later).leaf.not_valid_after_utc == later + timedelta(days=7)


def test_without_a_time_a_certificate_is_valid_now() -> None:
    authority = Authority()

    _verify_as_server(authority, authority.issue(FQDN), at=datetime.now(UTC))


def test_further_names_are_added_once_beside_those_of_the_profile(authority: Authority) -> None:
    issued = authority.issue(FQDN, sans=["sip.contoso.test", FQDN])

    assert _names(issued.leaf) == [FQDN, "sip.contoso.test"]
    _verify_as_server(authority, issued, "sip.contoso.test")


def test_an_address_is_named_as_an_address(authority: Authority) -> None:
    issued = authority.issue("127.0.0.20")

    assert not issued.leaf.subject.rdns
    _verify_as_server(authority, issued, "127.0.0.20")


def test_a_name_longer_than_a_common_name_stands_in_the_critical_alternative_names(authority: Authority) -> None:
    fqdn = ".".join(["x" * 40] * 3) + ".test"

    issued = authority.issue(fqdn)

    assert not issued.leaf.subject.rdns
    assert issued.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    _verify_as_server(authority, issued, fqdn)


def test_a_trailing_dot_does_not_reach_the_certificate(authority: Authority) -> None:
    assert _names(authority.issue("sip.fabrikam.test.").leaf) == [FQDN]


def test_a_name_that_the_caller_named_is_permitted_with_all_below_it() -> None:
    authority = Authority(["acme.example", "192.0.2.0/24"], at=AT)

    for name in ("acme.example", "a.b.Acme.Example", "192.0.2.7", FQDN):
        _verify_as_server(authority, authority.issue(name), name)


@pytest.mark.parametrize("name", ["sip.fabrikam.com", "test.com", "nottest", "192.0.2.7", "*.com"])
def test_a_name_outside_the_constraints_is_refused_with_a_sentence(authority: Authority, name: str) -> None:
    with pytest.raises(FakeError, match=r"outside the name constraints.*test.*name its domain"):
        authority.issue(FQDN, sans=[name])


@pytest.mark.parametrize("name", ["sip.fabrikam.com", "192.0.2.7"])
@pytest.mark.parametrize("limited", ["root", "intermediate"])
def test_a_verifier_refuses_a_name_outside_the_constraints_of_either_ca(name: str, limited: str) -> None:
    window = Window(AT - timedelta(days=1), AT + timedelta(days=1))
    narrow, wide = constraints(["test", *_ranges("127.0.0.0/8")]), constraints(["test", "com", *_ranges("0.0.0.0/0")])
    root = make_root("root", window, narrow if limited == "root" else wide)
    issuer = make_intermediate("intermediate", window, narrow if limited == "intermediate" else wide, root)
    verifier = verification.PolicyBuilder().store(verification.Store([root.certificate])).time(AT)

    def verify(name: str) -> None:
        leaf, _ = make_leaf(issuer, [name], ["client"], window)
        verifier.build_client_verifier().verify(leaf, [issuer.certificate])

    verify(FQDN)
    with pytest.raises(verification.VerificationError, match="constraint"):
        verify(name)


def _ranges(*texts: str) -> Iterable[ipaddress.IPv4Network]:
    return map(ipaddress.IPv4Network, texts)


def test_an_intermediate_cannot_have_a_ca_below_it(authority: Authority) -> None:
    window = Window(AT - timedelta(days=1), AT + timedelta(days=1))
    limits = constraints(["test"])
    root = make_root("root", window, limits)
    upper = make_intermediate("upper", window, limits, root)
    lower = make_intermediate("lower", window, limits, upper)
    leaf, _ = make_leaf(lower, [FQDN], ["server"], window)
    policy = verification.PolicyBuilder().store(verification.Store([root.certificate])).time(AT)

    with pytest.raises(verification.VerificationError):
        policy.build_server_verifier(x509.DNSName(FQDN)).verify(leaf, [lower.certificate, upper.certificate])


def test_the_crl_distribution_point_is_in_every_leaf_when_there_is_one(authority: Authority) -> None:
    url = "http://127.0.0.1:8080/sipfed.crl"

    leaf = Authority(at=AT, crl_url=url).issue(FQDN).leaf

    assert _points(leaf) == [url]
    assert _points(authority.issue(FQDN).leaf) == []
    assert _points(Authority(at=AT, crl_url=url).issue(FQDN, "no-crl").leaf) == []


def _points(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [name.value for point in points for name in point.full_name or []]


def _access(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return {}
    return {each.access_method: each.access_location.value for each in access}


def test_a_leaf_of_a_publishing_ca_says_where_its_revocation_is_found(publishing: Authority) -> None:
    ocsp, issuer = AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS
    wanted: dict[str, tuple[list[str], dict[x509.ObjectIdentifier, str]]] = {
        "dual": ([f"{BASE}/ours/fresh.crl"], {}),
        "no-crl": ([], {}),
        "self-signed": ([], {}),
        "rsa-2048": ([f"{BASE}/rsa/fresh.crl"], {}),
        "crl-expired": ([f"{BASE}/ours/expired.crl"], {}),
        "crl-unreachable": ([f"{DEAD}/ours/unreachable.crl"], {}),
        "ocsp": ([], {ocsp: f"{BASE}/ours/direct/ocsp", issuer: f"{BASE}/ours/issuer.cer"}),
        "ocsp-delegated": ([], {ocsp: f"{BASE}/ours/delegated/ocsp"}),
        "ocsp-down-crl-good": ([f"{BASE}/ours/fresh.crl"], {ocsp: f"{DEAD}/ours/unreachable/ocsp"}),
    }
    for name, found in wanted.items():
        leaf = publishing.issue(FQDN, name).leaf
        assert (_points(leaf), _access(leaf)) == found, name


def test_intermediates_keep_their_keys_when_the_ca_begins_to_publish(authority: Authority) -> None:
    before, issued = authority.intermediate, authority.issue(FQDN)
    authority.publish(BASE)

    assert _points(before) == []
    assert _points(authority.intermediate) == [f"{BASE}/root/fresh.crl"]
    assert (authority.intermediate.subject, _own_key(authority.intermediate)) == (before.subject, _own_key(before))
    issued.leaf.verify_directly_issued_by(authority.intermediate)
    authority.revoke(issued)  # it still knows what it signed before


class TestShapes:
    """What is particular about each profile, and that nothing else is."""

    def test_names(self, authority: Authority) -> None:
        def shape(name: str) -> tuple[str, list[x509.GeneralName]]:
            leaf = authority.issue(FQDN, name).leaf
            try:
                names = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
            except x509.ExtensionNotFound:
                names = []
            return leaf.subject.rfc4514_string(), names

        fqdn = x509.DNSName(FQDN)
        assert shape("dual") == (f"CN={FQDN}", [fqdn])
        assert shape("cn-only") == (f"CN={FQDN}", [])
        assert shape("no-cn") == ("", [fqdn])
        assert shape("san-second-entry") == ("CN=web.fabrikam.test", [x509.DNSName("web.fabrikam.test"), fqdn])
        assert shape("sip-uri") == (f"CN={FQDN}", [fqdn, x509.UniformResourceIdentifier("sip:fabrikam.test")])

    def test_usages(self, authority: Authority) -> None:
        server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
        assert _usages(authority.issue(FQDN, "any-eku").leaf) == {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        sip_domain = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.20")
        assert _usages(authority.issue(FQDN, "sip-domain-eku").leaf) == {server, client, sip_domain}
        with pytest.raises(x509.ExtensionNotFound):
            _usages(authority.issue(FQDN, "no-eku").leaf)
        leaf, issuer = x509.load_pem_x509_certificates(authority.issue(FQDN, "server-only-intermediate").chain_pem)
        assert (_usages(leaf), _usages(issuer)) == ({server, client}, {server})

    @pytest.mark.parametrize(
        ("name", "subject", "lifetime"),
        [
            ("lets-encrypt-2026", f"CN={FQDN}", timedelta(days=90)),
            ("lets-encrypt-tlsserver", "", timedelta(days=45)),
            ("lets-encrypt-shortlived", "", timedelta(hours=160)),
        ],
    )
    def test_lets_encrypt_certifies_servers_only(
        self, authority: Authority, name: str, subject: str, lifetime: timedelta
    ) -> None:
        issued = authority.issue(FQDN, name)
        leaf, issuer = x509.load_pem_x509_certificates(issued.chain_pem)

        assert _usages(leaf) == _usages(issuer) == {ExtendedKeyUsageOID.SERVER_AUTH}
        assert leaf.subject.rfc4514_string() == subject
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc + timedelta(seconds=1) == lifetime
        assert _names(leaf) == [FQDN]
        _verify_as_server(authority, issued)

    @pytest.mark.parametrize("name", ["ip-address", "lets-encrypt-shortlived"])
    def test_an_address_is_named_beside_the_host(self, authority: Authority, name: str) -> None:
        assert PROFILES[name].names_address
        issued = authority.issue(FQDN, name, sans=["127.0.0.9"])

        _verify_as_server(authority, issued)
        _verify_as_server(authority, issued, "127.0.0.9")
        with pytest.raises(verification.VerificationError):
            _verify_as_server(authority, issued, "127.0.0.8")

    def test_two_hours_are_over_after_two_hours(self, authority: Authority) -> None:
        issued = authority.issue(FQDN, "two-hours")

        both_ends = issued.leaf.not_valid_after_utc - issued.leaf.not_valid_before_utc + timedelta(seconds=1)
        assert both_ends == timedelta(hours=2)
        _verify_as_server(authority, issued, at=AT)
        with pytest.raises(verification.VerificationError):
            _verify_as_server(authority, issued, at=AT + timedelta(hours=2))

    def test_lifetimes_are_exact(self, authority: Authority) -> None:
        days = {"short-lived": 160 / 24, "47-day": 47, "100-day": 100, "200-day": 200, "398-day": 398}
        for name, length in days.items():
            leaf = authority.issue(FQDN, name).leaf
            assert leaf.not_valid_before_utc == AT - timedelta(hours=1)
            both_ends = leaf.not_valid_after_utc - leaf.not_valid_before_utc + timedelta(seconds=1)
            assert both_ends == timedelta(days=length), name

    def test_the_longest_fits_although_the_clock_was_set_ahead_for_years(self, authority: Authority) -> None:
        later = AT + timedelta(days=5 * 365)
        _verify_as_server(authority, authority.issue(FQDN, "398-day", at=later), at=later)

    def test_what_is_not_yet_valid_begins_in_a_day(self, authority: Authority) -> None:
        leaf = authority.issue(FQDN, "not-yet-valid").leaf
        assert leaf.not_valid_before_utc == AT + timedelta(days=1)
        _verify_as_server(authority, authority.issue(FQDN, "not-yet-valid"), at=AT + timedelta(days=1))

    def test_a_self_signed_leaf_is_its_own_issuer(self, authority: Authority) -> None:
        (leaf,) = x509.load_pem_x509_certificates(authority.issue(FQDN, "self-signed").chain_pem)
        leaf.verify_directly_issued_by(leaf)

    def test_a_missing_intermediate_is_all_that_is_missing(self, authority: Authority) -> None:
        issued = authority.issue(FQDN, "missing-intermediate")
        assert x509.load_pem_x509_certificates(issued.chain_pem) == [issued.leaf]
        issued.leaf.verify_directly_issued_by(authority.intermediate)

    def test_a_constrained_ca_signs_what_it_may_not(self, authority: Authority) -> None:
        with pytest.raises(verification.VerificationError, match="constraint"):
            _verify_as_server(authority, authority.issue(FQDN, "constrained"))
        elsewhere = "sip.elsewhere.test"
        _verify_as_server(authority, authority.issue(elsewhere, "constrained"), elsewhere)

    @pytest.mark.parametrize(
        ("name", "oid"),
        [
            ("rsa-2048", SignatureAlgorithmOID.RSA_WITH_SHA256),
            ("rsa-1024", SignatureAlgorithmOID.RSA_WITH_SHA256),
            ("rsa-pss", SignatureAlgorithmOID.RSASSA_PSS),
            ("sha1", SignatureAlgorithmOID.RSA_WITH_SHA1),
            ("p-384", SignatureAlgorithmOID.ECDSA_WITH_SHA256),
            ("ed25519", SignatureAlgorithmOID.ECDSA_WITH_SHA256),
        ],
    )
    def test_signatures_are_what_they_say_and_right(
        self, authority: Authority, name: str, oid: x509.ObjectIdentifier
    ) -> None:
        leaf, issuer = x509.load_pem_x509_certificates(authority.issue(FQDN, name).chain_pem)
        assert leaf.signature_algorithm_oid == oid
        if name == "sha1":  # which cryptography no longer verifies in certificates
            key = issuer.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(leaf.signature, leaf.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA1())
        else:
            leaf.verify_directly_issued_by(issuer)
            issuer.verify_directly_issued_by(authority.root)

    def test_rsa_keys_are_made_once_and_the_issuer_has_its_own(self, authority: Authority) -> None:
        first, second = (authority.issue(FQDN, "rsa-2048") for _ in range(2))
        leaf, issuer = x509.load_pem_x509_certificates(first.chain_pem)
        assert first.key_pem == second.key_pem
        assert _own_key(leaf) != _own_key(issuer)


def test_a_profile_of_ones_own_serves_as_well(authority: Authority) -> None:
    bare = Profile("own", "No extended key usage at all.", names=("{fqdn}", "old.{parent}"), usages=())

    issued = authority.issue(FQDN, bare)

    assert _names(issued.leaf) == [FQDN, "old.fabrikam.test"]
    with pytest.raises(x509.ExtensionNotFound):
        _usages(issued.leaf)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda ca: ca.issue(FQDN, "wild-card"), "no certificate profile 'wild-card'; the profiles are dual, "),
        (lambda ca: ca.issue("localhost", "wildcard"), "'localhost' has no parent domain"),
        (lambda ca: ca.issue("127.0.0.1", "wildcard"), r"'127\.0\.0\.1' has no parent domain"),
        (lambda ca: ca.issue("straße.test"), "write the name in ASCII"),
        (lambda ca: ca.issue(""), "cannot stand in a certificate"),
        (lambda ca: ca.issue(FQDN, sans=["a\nb.test"]), "cannot stand in a certificate"),
        (lambda ca: ca.issue(FQDN, at=datetime(2026, 11, 22)), "no time zone"),
        (lambda ca: ca.issue(FQDN, valid_days=0), "number above zero"),
        (lambda ca: ca.issue(FQDN, "47-day", valid_days=7), "says how long it is valid"),
        (lambda ca: ca.issue("localhost", "sip-uri"), "'localhost' has no parent domain"),
        (lambda ca: ca.issue(FQDN, "ocsp"), "publishes nothing: start a Publisher"),
        (lambda ca: ca.issue(FQDN, "revoked"), "publishes nothing: start a Publisher"),
        (lambda ca: ca.issue(FQDN, "crl-missing"), "publishes nothing: start a Publisher"),
        (lambda ca: ca.publish(BASE) or ca.issue(FQDN, "crl-unreachable"), "needs a URL where nobody is"),
        (lambda ca: ca.revoke(Authority(at=AT).issue(FQDN)), r"did not sign the certificate \(CN=sip.fabrikam.test\)"),
        (lambda ca: ca.issue(FQDN, valid_days=3651), "make an Authority for that time"),
        (lambda ca: ca.issue(FQDN, at=AT - timedelta(days=30)), "make an Authority for that time"),
        (lambda _: Authority(["*.acme.example"]), "write `fabrikam.test`"),
        (lambda _: Authority(["10.0.0.1/8"]), "no DNS name or address range"),
    ],
)
def test_what_cannot_be_issued_gets_a_sentence(
    authority: Authority, ask: Callable[[Authority], object], sentence: str
) -> None:
    with pytest.raises(FakeError, match=sentence):
        ask(authority)


def test_keys_are_not_part_of_any_representation(authority: Authority) -> None:
    issued = authority.issue(FQDN)
    window = Window(AT, AT)

    assert "PRIVATE" not in repr(issued)
    assert "PrivateKey" not in repr(make_root("root", window, constraints(["test"])))


def test_certificates_are_signed_with_sha_256(authority: Authority) -> None:
    for certificate in (authority.root, authority.intermediate, authority.issue(FQDN).leaf):
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)


def test_an_issuer_knows_the_key_identifier_that_its_certificates_carry(authority: Authority) -> None:
    issuer = Issuer(authority.intermediate, ec.generate_private_key(ec.SECP256R1()))

    assert issuer.key_identifier.key_identifier == _own_key(authority.intermediate)
