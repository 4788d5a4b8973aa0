"""`trust` and revocation: what is asked for, what becomes of each answer, softly and hard, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from fakes.ca import PROFILES, Authority, Issued, Profile
from fakes.ca.certificates import Issuer, Window, constraints, make_intermediate
from fakes.ca.revocation import Page, Publications, make_crl
from simulator import trust
from simulator.names import Fqdn
from simulator.tls import PresentedChain
from simulator.trust import Lookup, ReasonKind, RevocationData, Rules, Verdict

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
BASE = "http://ca.example"
DEAD = "http://dead.example"
FQDN = "sip.fabrikam.test"
HOST = Fqdn.parse(FQDN)
SOFT = Rules(revocation="soft")
HARD = Rules(revocation="hard")


@dataclass
class Site:
    """A CA that publishes, and what a peer has fetched from it, without a network."""

    authority: Authority
    data: RevocationData = field(default_factory=RevocationData)
    fetched: list[Lookup] = field(default_factory=list)

    def judge(self, issued: Issued, rules: Rules, *, at: datetime = AT, data: RevocationData | None = None) -> Verdict:
        chain = tuple(x509.load_pem_x509_certificates(issued.chain_pem))
        return trust.judge(
            PresentedChain(chain, "server", None),
            roots=[self.authority.root],
            at=at,
            rules=rules,
            expected=HOST,
            revocation=data,
        )

    def settle(self, issued: Issued, rules: Rules, *, at: datetime = AT) -> Verdict:
        """Judge, fetch what is missing, and judge again until nothing is."""
        publications = Publications(self.authority)
        while (verdict := self.judge(issued, rules, at=at, data=self.data)).pending:
            for lookup in verdict.pending:
                self.fetched.append(lookup)
                self._fetch(publications, lookup, at)
        return verdict

    def _fetch(self, publications: Publications, lookup: Lookup, at: datetime) -> None:
        path = urlsplit(lookup.url).path
        page = publications.respond("POST" if lookup.request else "GET", path, lookup.request)
        if lookup.url.startswith(DEAD) or page is None:
            self.data.fail(lookup, "nobody answered", at)
        elif page.status != 200:
            self.data.fail(lookup, f"it answered {page.status}", at)
        else:
            self.data.put(lookup, page.body, at)

    def say(self, issued: Issued, rules: Rules, body: bytes) -> Verdict:
        """Judge as if the leaf's lookup had given `body`; the intermediate's is the CA's own."""
        for lookup in self.judge(issued, rules, data=self.data).pending:
            if f"{BASE}/root/" in lookup.url:
                self._fetch(Publications(self.authority), lookup, AT)
            else:
                self.data.put(lookup, body, AT)
        return self.judge(issued, rules, data=self.data)


@pytest.fixture
def site() -> Site:
    authority = Authority(at=AT)
    authority.publish(BASE, dead=DEAD)
    return Site(authority)


def kinds(verdict: Verdict) -> list[str]:
    return [reason.kind.value for reason in verdict.reasons]


def warnings(verdict: Verdict) -> list[str]:
    return [warning.kind.value for warning in verdict.warnings]


class TestWhatIsAsked:
    def test_nothing_when_revocation_is_off(self, site: Site) -> None:
        verdict = site.judge(site.authority.issue(FQDN, "revoked"), Rules(), data=site.data)
        assert verdict.accepted
        assert verdict.pending == ()

    def test_the_crls_of_leaf_and_intermediate(self, site: Site) -> None:
        verdict = site.judge(site.authority.issue(FQDN), SOFT, data=site.data)
        assert verdict.accepted
        assert [str(lookup) for lookup in verdict.pending] == [
            f"the CRL at {BASE}/ours/fresh.crl",
            f"the CRL at {BASE}/root/fresh.crl",
        ]

    def test_ocsp_first_and_the_crl_only_when_that_fails(self, site: Site) -> None:
        both = Profile("both", "OCSP and CRL.", ocsp="direct")
        assert site.settle(site.authority.issue(FQDN, both), HARD).accepted
        assert [lookup.kind for lookup in site.fetched if "/ours/" in lookup.url] == ["ocsp"]
        assert site.settle(site.authority.issue(FQDN, "ocsp-down-crl-good"), HARD).accepted
        assert [lookup.kind for lookup in site.fetched if "/ours/" in lookup.url] == ["ocsp", "ocsp", "crl"]

    def test_each_thing_once_for_many_certificates(self, site: Site) -> None:
        for _ in range(3):
            assert site.settle(site.authority.issue(FQDN), HARD).accepted
        assert len(site.fetched) == 2

    @pytest.mark.parametrize("profile", ["untrusted", "self-signed", "constrained"])
    def test_nothing_that_an_untrusted_certificate_says(self, site: Site, profile: str) -> None:
        """A URL in it may point anywhere: at a service inside the network, say."""
        verdict = site.judge(site.authority.issue(FQDN, profile), HARD, data=site.data)
        assert not verdict.accepted
        assert verdict.pending == ()

    def test_only_http_and_only_a_few(self, site: Site) -> None:
        names = [f"ldap://ca.example/{n}" for n in range(9)] + ["https://a.test", "file:///etc/passwd"]
        names += [f"http://ca.example/{'x' * 3000}"] + [f"HTTP://ca.example/{n}" for n in range(9)]
        leaf = _leaf_with(site, x509.CRLDistributionPoints([_point(name) for name in names]))
        verdict = site.judge(leaf, HARD, data=site.data)
        assert [lookup.url for lookup in verdict.pending if "/root/" not in lookup.url] == ["HTTP://ca.example/0"]
        for n in range(9):
            site.data.fail(Lookup("crl", f"HTTP://ca.example/{n}"), "it is not there", AT)
        assert site.settle(leaf, HARD).reasons[0].detail.count("it is not there") == 4

    @pytest.mark.parametrize(
        ("reasons", "issuer"),
        [
            (frozenset({x509.ReasonFlags.key_compromise}), None),
            (None, [x509.DNSName("other-ca.test")]),
        ],
        ids=["some reasons", "another issuer"],
    )
    def test_no_list_for_some_reasons_only_or_of_another_issuer(
        self, site: Site, reasons: frozenset[x509.ReasonFlags] | None, issuer: list[x509.GeneralName] | None
    ) -> None:
        url = x509.UniformResourceIdentifier(f"{BASE}/some.crl")
        leaf = _leaf_with(site, x509.CRLDistributionPoints([x509.DistributionPoint([url], None, reasons, issuer)]))
        assert kinds(site.settle(leaf, HARD)) == ["revocation-unknown"]
        assert all("/root/" in lookup.url for lookup in site.fetched)


class TestRevoked:
    @pytest.mark.parametrize("rules", [SOFT, HARD, trust.S4B, trust.S4B_STRICT], ids=["soft", "hard", "S4B", "strict"])
    def test_a_leaf_on_the_crl_is_refused(self, site: Site, rules: Rules) -> None:
        verdict = site.settle(site.authority.issue(FQDN, "revoked"), rules)
        assert kinds(verdict) == ["revoked"]
        assert verdict.alert == "certificate_revoked"
        assert str(verdict) == (
            f"The certificate for {FQDN} was refused (expected: {FQDN}) because it was revoked on 2026-11-22 12:00 UTC "
            f"(key compromise), says the CRL at {BASE}/ours/fresh.crl."
        )

    @pytest.mark.parametrize("rules", [SOFT, HARD], ids=["soft", "hard"])
    def test_a_leaf_that_ocsp_says_is_revoked_is_refused(self, site: Site, rules: Rules) -> None:
        verdict = site.settle(site.authority.issue(FQDN, "ocsp-revoked"), rules)
        assert kinds(verdict) == ["revoked"]
        assert f"(key compromise), says the OCSP responder at {BASE}/ours/direct/ocsp" in str(verdict)

    def test_a_revoked_intermediate_is_named(self, site: Site) -> None:
        issued = site.authority.issue(FQDN)
        site.authority.revoke(site.authority.intermediate, reason=x509.ReasonFlags.ca_compromise)
        verdict = site.settle(issued, SOFT)
        assert kinds(verdict) == ["revoked"]
        assert "the intermediate “sipfed intermediate" in str(verdict)
        assert "(CA compromise)" in str(verdict)

    @pytest.mark.parametrize(
        ("profile", "wrong"), [("wildcard", ["wildcard"]), ("expired", ["expired"]), ("revoked", ["revoked"])]
    )
    def test_a_revoked_intermediate_is_found_whatever_is_wrong_with_the_leaf(
        self, site: Site, profile: str, wrong: list[str]
    ) -> None:
        issued = site.authority.issue(FQDN, profile)
        site.authority.revoke(site.authority.intermediate)
        verdict = site.settle(issued, SOFT)
        assert sorted(kinds(verdict)) == sorted(["revoked", *wrong])
        assert "the intermediate “sipfed intermediate" in str(verdict)

    def test_another_leaf_of_the_same_issuer_is_not(self, site: Site) -> None:
        good = site.authority.issue(FQDN)
        site.authority.issue(FQDN, "revoked")
        assert site.settle(good, HARD).accepted

    def test_it_is_noticed_once_the_list_is_fetched_anew(self, site: Site) -> None:
        issued = site.authority.issue(FQDN)
        assert site.settle(issued, HARD).accepted
        site.authority.revoke(issued)
        assert site.settle(issued, HARD).accepted
        assert kinds(site.settle(issued, HARD, at=AT + timedelta(hours=1))) == ["revoked"]

    def test_a_certificate_on_hold_is_refused(self, site: Site) -> None:
        issued = site.authority.issue(FQDN)
        site.authority.revoke(issued, reason=x509.ReasonFlags.certificate_hold)
        assert "(on hold)" in str(site.settle(issued, SOFT))

    def test_expired_and_revoked_are_both_told(self, site: Site) -> None:
        site.settle(site.authority.issue(FQDN), HARD)
        site.data.clear()
        issued = site.authority.issue(FQDN, "expired")
        site.authority.revoke(issued)
        site.settle(site.authority.issue(FQDN), HARD)
        assert kinds(site.judge(issued, HARD, data=site.data)) == ["revoked", "expired"]


UNKNOWN = {
    "crl-expired": "says only what held until 2026-11-21 12:00 UTC",
    "crl-forged": "is not signed by the issuer, “sipfed intermediate",
    "crl-garbage": "did not give a readable CRL",
    "crl-missing": "was of no help: it answered 404",
    "crl-silent": "was of no help: nobody answered",
    "crl-unreachable": "was of no help: nobody answered",
    "ocsp-unknown": "does not know it",
    "ocsp-undelegated": "answered without a signature of the issuer",
    "ocsp-forged": "answered without a signature of the issuer",
    "ocsp-expired": "says only what held until 2026-11-21 12:00 UTC",
    "ocsp-busy": "answered “try later”",
    "ocsp-garbage": "did not give a readable OCSP answer",
    "ocsp-missing": "was of no help: it answered 404",
    "ocsp-unreachable": "was of no help: nobody answered",
    "no-crl": "does not say where its revocation could be found",
}
"What each profile that leaves the question open is told to be."
LASTS = 30.0


class TestUnknown:
    @pytest.mark.parametrize("profile", UNKNOWN)
    def test_soft_rules_accept_and_warn(self, site: Site, profile: str) -> None:
        verdict = site.settle(site.authority.issue(FQDN, profile, valid_days=LASTS), SOFT)
        assert verdict.accepted
        assert warnings(verdict) == ["no-revocation-point" if profile == "no-crl" else "revocation-unknown"]
        assert UNKNOWN[profile] in verdict.warnings[0].detail
        assert str(verdict) == f"The certificate for {FQDN} is accepted as {FQDN}."

    @pytest.mark.parametrize("profile", UNKNOWN)
    def test_hard_rules_refuse_and_say_why(self, site: Site, profile: str) -> None:
        verdict = site.settle(site.authority.issue(FQDN, profile, valid_days=LASTS), HARD)
        assert kinds(verdict) == ["revocation-unknown"]
        assert verdict.alert == "certificate_unknown"
        assert UNKNOWN[profile] in str(verdict)
        assert verdict.warnings == ()

    @pytest.mark.parametrize("profile", ["dual", "ocsp", "ocsp-delegated", "ocsp-down-crl-good", "rsa-2048", "rsa-pss"])
    def test_what_is_known_to_be_good_is_accepted_by_both(self, site: Site, profile: str) -> None:
        issued = site.authority.issue(FQDN, profile)
        assert (site.settle(issued, HARD).accepted, warnings(site.settle(issued, SOFT))) == (True, [])

    def test_without_data_only_hard_rules_mind(self, site: Site) -> None:
        issued = site.authority.issue(FQDN)
        assert site.judge(issued, SOFT).accepted
        assert site.judge(issued, SOFT).warnings == ()
        assert kinds(site.judge(issued, HARD)) == ["revocation-unknown", "revocation-unknown"]
        assert "was not asked" in str(site.judge(issued, HARD))

    def test_every_trouble_is_told(self, site: Site) -> None:
        both = Profile("both", "Neither works.", ocsp="busy", crl="missing")
        verdict = site.settle(site.authority.issue(FQDN, both), HARD)
        assert "answered “try later”; the CRL at" in str(verdict)

    def test_each_profile_is_good_revoked_or_listed_here(self) -> None:
        about_revocation = {name for name in PROFILES if name.startswith(("crl-", "ocsp-"))}
        known = {"ocsp-revoked", "ocsp-delegated", "ocsp-down-crl-good"}
        assert about_revocation == set(UNKNOWN) - {"no-crl"} | known


class TestDistributionPoint:
    def test_rules_may_demand_one(self, site: Site) -> None:
        strict = Rules(require_crl_point=True)
        verdict = site.judge(site.authority.issue(FQDN, "no-crl"), strict)
        assert kinds(verdict) == ["no-crl-point"]
        assert verdict.alert == "certificate_unknown"
        assert site.judge(site.authority.issue(FQDN), strict).accepted
        assert kinds(site.judge(site.authority.issue(FQDN, "ocsp"), strict)) == ["no-crl-point"]

    def test_a_short_lived_leaf_needs_no_revocation_where_the_rules_let_it(self, site: Site) -> None:
        short = replace(PROFILES["short-lived"], crl=None)
        assert site.settle(site.authority.issue(FQDN, short), HARD).accepted
        unforgiving = replace(HARD, short_lived_exempt=False)
        assert kinds(site.settle(site.authority.issue(FQDN, short), unforgiving)) == ["revocation-unknown"]
        longer = replace(short, lifetime=timedelta(days=7, seconds=1))
        assert kinds(site.settle(site.authority.issue(FQDN, longer), HARD)) == ["revocation-unknown"]

    def test_a_leaf_that_says_it_has_none_needs_none(self, site: Site) -> None:
        """RFC 9608: id-ce-noRevAvail."""
        unavailable = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\x05\x00")
        assert site.settle(_leaf_with(site, unavailable), HARD).accepted


class TestWhatAnAnswerIsWorth:
    def test_a_list_of_another_issuer_is_none(self, site: Site) -> None:
        other = make_crl(site.authority.issuers.branch("rsa"), AT)
        verdict = site.say(site.authority.issue(FQDN), HARD, other.public_bytes(Encoding.DER))
        assert "is of another issuer, “sipfed rsa intermediate" in str(verdict)

    def test_a_list_in_pem_is_read_as_well(self, site: Site) -> None:
        crl = make_crl(site.authority.issuers.branch("ours"), AT)
        assert site.say(site.authority.issue(FQDN), HARD, crl.public_bytes(Encoding.PEM)).accepted

    def test_a_list_from_the_future_is_none(self, site: Site) -> None:
        crl = make_crl(site.authority.issuers.branch("ours"), AT + timedelta(days=2))
        verdict = site.say(site.authority.issue(FQDN), HARD, crl.public_bytes(Encoding.DER))
        assert "says only what will hold from 2026-11-24 11:00 UTC on" in str(verdict)

    @pytest.mark.parametrize(
        ("extension", "critical", "told"),
        [
            (x509.DeltaCRLIndicator(1), True, "holds only what has changed"),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True, "unknown critical ext"),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False, ""),
            (x509.IssuingDistributionPoint(None, None, False, True, None, False, False), True, "of this kind"),
            (x509.IssuingDistributionPoint(None, None, True, False, None, False, False), True, ""),
            (x509.IssuingDistributionPoint(None, None, False, False, None, True, False), True, "other certificates"),
            (x509.IssuingDistributionPoint(None, None, False, False, None, False, True), True, "other certificates"),
            (
                x509.IssuingDistributionPoint(
                    None, None, False, False, frozenset({x509.ReasonFlags.superseded}), False, False
                ),
                True,
                "other certificates",
            ),
            (
                x509.IssuingDistributionPoint(
                    [x509.UniformResourceIdentifier(f"{BASE}/shard7.crl")], None, False, False, None, False, False
                ),
                True,
                "is that of another place, http://ca.example/shard7.crl",
            ),
            (
                x509.IssuingDistributionPoint(
                    [x509.UniformResourceIdentifier(f"{BASE}/ours/fresh.crl")], None, True, False, None, False, False
                ),
                True,
                "",
            ),
        ],
    )
    def test_a_list_counts_only_for_what_it_covers(
        self, site: Site, extension: x509.ExtensionType, critical: bool, told: str
    ) -> None:
        branch = site.authority.issuers.branch("ours")
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(branch.issuer.certificate.subject)
            .last_update(AT)
            .next_update(AT + timedelta(days=1))
            .add_extension(extension, critical)
        )
        crl = builder.sign(branch.issuer.key, hashes.SHA256())
        verdict = site.say(site.authority.issue(FQDN), HARD, crl.public_bytes(Encoding.DER))
        assert verdict.accepted is (told == "")
        assert told in str(verdict)

    def test_an_issuer_that_may_not_sign_lists_signs_none(self, site: Site) -> None:
        root = site.authority.issuers.root.issuer
        key = ec.generate_private_key(ec.SECP256R1())
        window = Window(AT - timedelta(days=1), AT + timedelta(days=1))
        may = make_intermediate("may", window, constraints(["test"]), root, key=key)
        usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
        may_not = _reissued(may.certificate, root, usage)
        leaf = _leaf_with(site, x509.CRLDistributionPoints([_point(f"{BASE}/own.crl")]), issuer=Issuer(may_not, key))
        builder = x509.CertificateRevocationListBuilder().issuer_name(may_not.subject).last_update(AT)
        crl = builder.next_update(AT + timedelta(days=1)).sign(key, hashes.SHA256())
        site.data.put(Lookup("crl", f"{BASE}/own.crl"), crl.public_bytes(Encoding.DER), AT)
        assert any("is not signed by the issuer, “may”" in r.detail for r in site.settle(leaf, HARD).reasons)
        right = _leaf_with(site, x509.CRLDistributionPoints([_point(f"{BASE}/own.crl")]), issuer=may)
        assert not any("is not signed" in reason.detail for reason in site.settle(right, HARD).reasons)

    def test_an_answer_about_another_certificate_is_none(self, site: Site) -> None:
        one, other = (site.authority.issue(FQDN, "ocsp") for _ in range(2))
        (lookup, *_) = site.judge(other, HARD, data=site.data).pending
        page = Publications(site.authority).respond("POST", "/ours/direct/ocsp", lookup.request)
        assert isinstance(page, Page)
        assert "answered about another certificate" in str(site.say(one, HARD, page.body))

    @pytest.mark.parametrize(
        ("changes", "algorithm", "told"),
        [
            ({}, hashes.SHA256(), ""),
            ({"issuer_key_hash": b"x" * 20}, hashes.SHA256(), "answered about another certificate"),
            ({"issuer_name_hash": b"x" * 20}, hashes.SHA256(), "answered about another certificate"),
            ({"serial_number": 7}, hashes.SHA256(), "answered about another certificate"),
            ({}, hashes.SHA224(), "answered without a signature of the issuer"),
        ],
    )
    def test_an_answer_is_to_the_point_and_well_signed(
        self, site: Site, changes: dict[str, Any], algorithm: hashes.SHA256 | hashes.SHA224, told: str
    ) -> None:
        issued = site.authority.issue(FQDN, "ocsp")
        (lookup, *_) = site.judge(issued, HARD, data=site.data).pending
        asked = ocsp.load_der_ocsp_request(lookup.request)
        issuer = site.authority.issuers.branch("ours").issuer
        verdict = site.say(issued, HARD, _signed(asked, issuer, AT, algorithm, **changes))
        assert verdict.accepted is (told == "")
        assert told in str(verdict)

    def test_a_delegate_of_another_issuer_is_none(self, site: Site) -> None:
        issued = site.authority.issue(FQDN, "ocsp-delegated")
        other = Authority(at=AT)
        other.issuers.branch("ours").serials.add(issued.leaf.serial_number)
        (lookup, *_) = site.judge(issued, HARD, data=site.data).pending
        forged = _answer(issued, lookup, other)
        assert "answered without a signature of the issuer" in str(site.say(issued, HARD, forged))

    def test_a_delegate_that_has_expired_is_none(self, site: Site) -> None:
        issued = site.authority.issue(FQDN, "ocsp-delegated", valid_days=300)
        assert site.settle(issued, HARD).accepted
        late = AT + timedelta(days=29)
        body = _aged_answer(site, issued, late)
        for lookup in site.judge(issued, HARD, at=late, data=site.data).pending:
            if lookup.kind == "ocsp":
                site.data.put(lookup, body, late)
            else:
                site.data.fail(lookup, "it is down", late)
        assert "answered without a signature of the issuer" in str(site.judge(issued, HARD, at=late, data=site.data))

    def test_a_list_that_has_ended_since_is_fetched_anew_and_one_that_came_so_is_not(self, site: Site) -> None:
        issued = site.authority.issue(FQDN, valid_days=LASTS)
        site.data = RevocationData(keep=timedelta(days=300))
        assert site.settle(issued, HARD).accepted
        just_before = AT + timedelta(days=7)
        assert site.judge(issued, HARD, at=just_before, data=site.data).pending == ()
        assert len(site.judge(issued, HARD, at=just_before + timedelta(seconds=1), data=site.data).pending) == 2


def _answer(issued: Issued, lookup: Lookup, authority: Authority) -> bytes:
    """An answer about `issued` with everything right, but signed by a delegate of another authority."""
    asked = ocsp.load_der_ocsp_request(lookup.request)
    publications = Publications(authority)
    delegate = publications._delegate(authority.issuers.branch("ours"), may_sign=True)
    return _signed(asked, delegate, AT)


def _aged_answer(site: Site, issued: Issued, at: datetime) -> bytes:
    """An answer as of `at`, signed by a delegate whose certificate is as of AT."""
    (lookup, *_) = [each for each in site.fetched if each.kind == "ocsp"]
    publications = Publications(site.authority)
    delegate = publications._delegate(site.authority.issuers.branch("ours"), may_sign=True)
    assert delegate.certificate.not_valid_after_utc < at
    return _signed(ocsp.load_der_ocsp_request(lookup.request), delegate, at)


def _signed(
    asked: ocsp.OCSPRequest,
    delegate: Issuer,
    at: datetime,
    algorithm: hashes.SHA256 | hashes.SHA224 | None = None,
    **changes: Any,
) -> bytes:
    about: dict[str, Any] = {
        "issuer_name_hash": asked.issuer_name_hash,
        "issuer_key_hash": asked.issuer_key_hash,
        "serial_number": asked.serial_number,
        **changes,
    }
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        about["issuer_name_hash"],
        about["issuer_key_hash"],
        about["serial_number"],
        asked.hash_algorithm,
        ocsp.OCSPCertStatus.GOOD,
        at,
        at + timedelta(days=1),
        None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, delegate.certificate)
    answer = builder.certificates([delegate.certificate]).sign(delegate.key, algorithm or hashes.SHA256())
    return answer.public_bytes(Encoding.DER)


def _point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def _leaf_with(site: Site, extension: x509.ExtensionType, *, issuer: Issuer | None = None) -> Issued:
    """A leaf of our CA, valid for a month, with one more extension."""
    signer = issuer or site.authority.issuers.branch("ours").issuer
    issued = site.authority.issue(FQDN, "no-crl", valid_days=LASTS)
    certificate = _reissued(issued.leaf, signer, extension)
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, signer.certificate))
    return replace(issued, leaf=certificate, chain_pem=chain)


def _reissued(certificate: x509.Certificate, issuer: Issuer, extension: x509.ExtensionType) -> x509.Certificate:
    """The same certificate from `issuer`, with this extension in the place of its like."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .add_extension(extension, critical=False)
    )
    for each in certificate.extensions:
        if each.oid not in (extension.oid, x509.AuthorityKeyIdentifier.oid):
            builder = builder.add_extension(each.value, each.critical)
    return builder.sign(issuer.key, hashes.SHA256())


class TestRevocationData:
    LOOKUP = Lookup("crl", f"{BASE}/a.crl")

    def test_a_body_is_kept_for_an_hour_and_a_failure_for_a_minute(self) -> None:
        data = RevocationData()
        data.put(self.LOOKUP, b"x", AT)
        assert data.get(self.LOOKUP, AT + timedelta(minutes=59)) is not None
        assert data.get(self.LOOKUP, AT + timedelta(minutes=60)) is None
        data.fail(self.LOOKUP, "it is down", AT)
        assert data.get(self.LOOKUP, AT + timedelta(seconds=59)) is not None
        assert data.get(self.LOOKUP, AT + timedelta(seconds=60)) is None

    def test_it_is_bounded_and_forgets_the_oldest(self) -> None:
        data = RevocationData(limit=2)
        lookups = [Lookup("crl", f"{BASE}/{n}") for n in range(3)]
        for lookup in lookups:
            data.put(lookup, b"x", AT)
        assert [data.get(lookup, AT) is not None for lookup in lookups] == [False, True, True]
        assert len(data) == 2
        data.put(lookups[1], b"y", AT)
        data.put(lookups[0], b"z", AT)
        assert [data.get(lookup, AT) is not None for lookup in lookups] == [True, True, False]


BODIES = st.binary(max_size=300)


@given(body=BODIES, profile=st.sampled_from(["dual", "ocsp"]))
def test_no_body_makes_the_judge_raise(body: bytes, profile: str) -> None:
    site = Site(SHARED)
    verdict = site.say(SHARED_LEAVES[profile], HARD, body)
    assert kinds(verdict) == [ReasonKind.REVOCATION_UNKNOWN.value]


@given(data=st.data(), profile=st.sampled_from(["dual", "ocsp", "ocsp-delegated"]))
def test_no_damaged_answer_says_that_a_certificate_is_good(data: st.DataObject, profile: str) -> None:
    site = Site(SHARED)
    issued = SHARED_LEAVES[profile]
    (lookup, *_) = [each for each in site.judge(issued, HARD, data=site.data).pending if "/ours/" in each.url]
    page = Publications(SHARED).respond("POST", urlsplit(lookup.url).path, lookup.request)
    assert isinstance(page, Page)
    damaged = bytearray(page.body)
    # Lengths differ from run to run (signatures), so the place is drawn from a range that does not.
    damaged[data.draw(st.integers(0, 5000)) % len(damaged)] ^= data.draw(st.integers(1, 255))
    verdict = site.say(issued, replace(HARD, short_lived_exempt=False), bytes(damaged))
    if profile != "ocsp-delegated":  # there the delegate's certificate may be damaged where it does not matter
        assert verdict.reasons or signed_part(bytes(damaged), profile) == signed_part(page.body, profile)


def signed_part(body: bytes, profile: str) -> bytes:
    """What the signature is about; around it stands, for one, how many bits of the signature's last byte count."""
    if profile == "dual":
        return x509.load_der_x509_crl(body).tbs_certlist_bytes
    return ocsp.load_der_ocsp_response(body).tbs_response_bytes


SHARED = Authority(at=AT)
SHARED.publish(BASE, dead=DEAD)
SHARED_LEAVES = {
    name: SHARED.issue(FQDN, replace(PROFILES[name], crl="fresh" if name == "dual" else None))
    for name in ("dual", "ocsp", "ocsp-delegated")
}
