"""`trust`: keys, signatures and lifetimes of the certificates that the fake CA issues by profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.ca import PROFILES, Authority, Profile
from fakes.ca.certificates import Issuer
from simulator import trust
from simulator.names import Fqdn
from simulator.tls import REFUSAL_ALERTS, PresentedChain, Role
from simulator.trust import CONNECT_SERVER, OPENSSL, RFC5922, S4B, ReasonKind, Rules, Verdict, WarningKind

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FQDN = "sip.fabrikam.test"
AUTHORITY = Authority(at=AT)
AUTHORITY.publish("http://ca.example", dead="http://dead.example")


def judge(
    profile: str | Profile,
    rules: Rules = CONNECT_SERVER,
    *,
    role: Role = "server",
    expected: str | None = FQDN,
    at: datetime = AT,
    authority: Authority = AUTHORITY,
) -> Verdict:
    chain = tuple(x509.load_pem_x509_certificates(authority.issue(FQDN, profile).chain_pem))
    return trust.judge(
        PresentedChain(chain, role, None),
        roots=[authority.root],
        at=at,
        rules=rules,
        expected=None if expected is None else Fqdn.parse(expected),
    )


def kinds(verdict: Verdict) -> list[str]:
    return [reason.kind.value for reason in verdict.reasons]


PRESETS = {"connect": CONNECT_SERVER, "s4b": S4B, "rfc5922": RFC5922, "openssl": OPENSSL}
GOOD = dict.fromkeys(PRESETS, "")
TABLE: dict[str, dict[str, str]] = {
    "dual": GOOD,
    "server-only": GOOD,
    "client-only": {**dict.fromkeys(PRESETS, "key-usage"), "rfc5922": ""},
    "no-eku": GOOD,
    "any-eku": {**dict.fromkeys(PRESETS, "key-usage"), "rfc5922": ""},
    "sip-domain-eku": GOOD,
    "server-only-intermediate": GOOD,
    "wildcard": {**dict.fromkeys(PRESETS, "wildcard"), "openssl": ""},
    "wrong-name": dict.fromkeys(PRESETS, "wrong-name"),
    "cn-only": {**GOOD, "connect": "no-name"},
    "no-cn": GOOD,
    "san-second-entry": GOOD,
    "sip-uri": {**GOOD, "rfc5922": "wrong-name"},
    "constrained": dict.fromkeys(PRESETS, "name-constraints"),
    "expired": dict.fromkeys(PRESETS, "expired"),
    "not-yet-valid": dict.fromkeys(PRESETS, "not-yet-valid"),
    "lets-encrypt-2026": GOOD,
    "lets-encrypt-tlsserver": GOOD,
    "lets-encrypt-shortlived": GOOD,
    "ip-address": GOOD,
    "two-hours": GOOD,
    "short-lived": GOOD,
    "47-day": GOOD,
    "100-day": GOOD,
    "200-day": GOOD,
    "398-day": GOOD,
    "untrusted": dict.fromkeys(PRESETS, "untrusted"),
    "self-signed": dict.fromkeys(PRESETS, "self-signed"),
    "missing-intermediate": dict.fromkeys(PRESETS, "missing-intermediate"),
    "rsa-2048": GOOD,
    "rsa-1024": {**GOOD, "connect": "weak-key", "rfc5922": "weak-key"},
    "rsa-pss": {**GOOD, "s4b": "signature-type"},
    "sha1": dict.fromkeys(PRESETS, "weak-signature"),
    "p-384": GOOD,
    "ed25519": GOOD,
}
"What each product says of each shape shown by a server, when nobody asks about revocation; empty for accepted."


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("profile", TABLE)
def test_each_product_finds_exactly_the_fault_that_it_minds(profile: str, preset: str) -> None:
    wanted = TABLE[profile][preset]
    verdict = judge(profile, PRESETS[preset])
    assert kinds(verdict) == ([wanted] if wanted else [])
    assert verdict.accepted or verdict.alert in REFUSAL_ALERTS


def test_every_profile_is_in_the_table_or_about_revocation() -> None:
    about_revocation = {name for name in PROFILES if name.startswith(("crl-", "ocsp", "no-crl", "revoked"))}
    assert set(PROFILES) == set(TABLE) | about_revocation


@pytest.mark.parametrize("profile", ["server-only", "server-only-intermediate"])
def test_as_a_client_it_is_the_usage_that_products_differ_in(profile: str) -> None:
    verdicts = {name: kinds(judge(profile, rules, role="client")) for name, rules in PRESETS.items()}
    assert verdicts == {"connect": ["key-usage"], "s4b": [], "rfc5922": [], "openssl": ["key-usage"]}


def test_the_missing_usage_is_told_by_what_demands_it() -> None:
    assert "(extended key usage), but the peer is the TLS client" in str(judge("server-only", role="client"))
    assert "server authentication (extended key usage), which every peer needs here" in str(
        judge("client-only", S4B, role="client")
    )


def test_sip_uris_name_the_domain() -> None:
    assert judge("sip-uri", RFC5922, expected="fabrikam.test").accepted
    assert not judge("sip-uri", S4B, expected="fabrikam.test").accepted


class TestKeysAndSignatures:
    def test_kinds_of_keys_are_a_switch(self) -> None:
        rsa_only = replace(S4B, key_kinds=frozenset({"rsa"}))
        verdict = judge("dual", rsa_only)
        assert kinds(verdict) == ["key-type", "key-type"]
        assert verdict.alert == "unsupported_certificate"
        assert "it has an elliptic curve key (ECDSA), which is not supported here" in str(verdict)
        assert judge("rsa-2048", rsa_only).accepted
        no_ed25519 = replace(S4B, key_kinds=frozenset({"rsa", "ecdsa"}))
        assert "it has an Ed25519 key" in str(judge("ed25519", no_ed25519))
        assert judge("p-384", no_ed25519).accepted

    def test_a_short_curve_is_weak(self) -> None:
        verdict = judge("p-384", Rules(min_ec_bits=384))
        assert kinds(verdict) == ["weak-key"]
        assert "the intermediate “sipfed intermediate" in str(verdict)
        assert "an elliptic curve key of 256 bits, fewer than 384" in str(verdict)

    def test_pss_is_named(self) -> None:
        verdict = judge("rsa-pss", S4B)
        assert verdict.alert == "unsupported_certificate"
        assert "it is signed with RSASSA-PSS, which is not supported here" in str(verdict)

    def test_sha_1_is_told_apart_from_a_broken_chain(self) -> None:
        verdict = judge("sha1", S4B)
        assert verdict.alert == "bad_certificate"
        assert str(verdict).endswith("because it is signed with SHA1, which proves nothing any more.")

    def test_a_forged_sha_1_signature_is_as_good_as_none(self) -> None:
        chain = x509.load_pem_x509_certificates(AUTHORITY.issue(FQDN, "sha1").chain_pem)
        forged = chain[0].public_bytes(Encoding.DER)
        broken = x509.load_der_x509_certificate(forged[:-1] + bytes([forged[-1] ^ 1]))
        presented = PresentedChain((broken, chain[1]), "server", None)
        verdict = trust.judge(presented, roots=[AUTHORITY.root], at=AT, rules=S4B, expected=None)
        assert kinds(verdict) == ["missing-intermediate", "weak-signature"]

    def test_sha_224_is_too_weak_for_the_path(self) -> None:
        issued = AUTHORITY.issue(FQDN, "no-crl")
        issuer = AUTHORITY.issuers.branch("ours").issuer
        leaf = _signed_with_sha_224(issued.leaf, issuer)
        presented = PresentedChain((leaf, issuer.certificate), "server", None)
        verdict = trust.judge(presented, roots=[AUTHORITY.root], at=AT, rules=CONNECT_SERVER, expected=None)
        assert kinds(verdict) == ["weak-signature"]
        assert "it is signed with SHA224" in str(verdict)

    def test_every_reason_comes_at_once(self) -> None:
        worst = Profile(
            "worst", "Nothing is right.", names=("*.{parent}",), usages=("client",), key="rsa-1024", signer="rsa",
            signature="rsa-pss", ended=timedelta(days=1), crl=None,
        )  # fmt: skip
        verdict = judge(worst, replace(S4B, min_rsa_bits=2048, require_crl_point=True))
        assert kinds(verdict) == ["expired", "key-usage", "weak-key", "signature-type", "wildcard", "no-crl-point"]
        assert verdict.alert == "certificate_expired"


def _signed_with_sha_224(leaf: x509.Certificate, issuer: Issuer) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(leaf.public_key())
        .serial_number(leaf.serial_number)
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
    )
    for each in leaf.extensions:
        builder = builder.add_extension(each.value, each.critical)
    key = issuer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return builder.sign(key, hashes.SHA224())


class TestLifetime:
    """F2.19."""

    @pytest.mark.parametrize(
        ("issued", "days", "allowed"),
        [
            ("2020-08-31", 825, None),
            ("2020-09-01", 398, 398),
            ("2020-09-01", 399, 398),
            ("2026-03-14", 398, 398),
            ("2026-03-15", 200, 200),
            ("2026-03-15", 201, 200),
            ("2027-03-14", 200, 200),
            ("2027-03-15", 100, 100),
            ("2027-03-15", 101, 100),
            ("2029-03-15", 47, 47),
            ("2029-03-15", 48, 47),
        ],
    )
    def test_the_limit_is_that_of_the_day_of_issue(self, issued: str, days: int, allowed: int | None) -> None:
        at = datetime.fromisoformat(f"{issued}T12:00+00:00")
        shape = Profile("own", "As long as it says.", lifetime=timedelta(days=days))
        authority = Authority(at=at)
        if days > 398:
            issuer = authority.issuers
            issuer._window = replace(issuer._window, end=at + timedelta(days=900))
            authority._window = issuer._window
        verdict = judge(shape, at=at, authority=authority)
        assert verdict.accepted
        details = [warning.detail for warning in verdict.warnings]
        if allowed is None or days <= allowed:
            assert details == []
        else:
            (detail,) = details
            assert verdict.warnings[0].kind is WarningKind.LONG_LIFETIME
            assert f"it is valid for {days} days" in detail
            assert f"none for more than {allowed} since" in detail

    def test_a_second_more_counts_as_a_day_more(self) -> None:
        shape = replace(PROFILES["200-day"], lifetime=timedelta(days=200, seconds=1))
        assert "valid for 201 days" in judge(shape).warnings[0].detail
        assert "200 since 2026-03-15" in judge(shape).warnings[0].detail

    def test_the_limits_can_be_asked_alone(self) -> None:
        leaf = AUTHORITY.issue(FQDN, "47-day").leaf
        assert trust.lifetime(leaf) == timedelta(days=47)
        assert [limit.longest.days for limit in trust.LIFETIME_LIMITS] == [398, 200, 100, 47]
        limit = trust.limit_at(AT)
        assert limit is not None
        assert limit.longest == timedelta(days=200)
        assert trust.limit_at(datetime(2020, 8, 31, tzinfo=UTC)) is None
        first_instant = trust.LIFETIME_LIMITS[1].since
        assert trust.limit_at(first_instant) == trust.LIFETIME_LIMITS[1]
        assert trust.limit_at(first_instant - timedelta(seconds=1)) == trust.LIFETIME_LIMITS[0]

    def test_short_lived_is_a_week_now_and_was_ten_days(self) -> None:
        def is_short(at: datetime, days: float) -> bool:
            shape = Profile("own", "Short.", lifetime=timedelta(days=days))
            return trust.is_short_lived(Authority(at=at).issue(FQDN, shape).leaf)

        assert [is_short(AT, days) for days in (160 / 24, 7, 7.1, 10)] == [True, True, False, False]
        before = datetime(2026, 3, 1, tzinfo=UTC)
        assert [is_short(before, days) for days in (7, 10, 10.1)] == [True, True, False]
        assert not is_short(datetime(2020, 1, 1, tzinfo=UTC), 1)


def test_reasons_are_told_before_those_that_follow_from_less() -> None:
    order = [kind.value for kind in ReasonKind]
    assert order.index("untrusted") < order.index("revoked") < order.index("expired") < order.index("wrong-name")
    assert order[-1] == "revocation-unknown"
