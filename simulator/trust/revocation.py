"""Is a certificate revoked? Judged by CRLs and OCSP answers that were fetched before (RFC 5280 §6.3, RFC 6960 §3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier, SignatureAlgorithmOID

from simulator.trust.lifetime import is_short_lived
from simulator.trust.path import is_issued_by, text
from simulator.trust.rules import Rules
from simulator.trust.sources import Found, Lookup, RevocationData, crl_lookups, ocsp_lookups
from simulator.trust.verdict import Reason, ReasonKind, TrustWarning, WarningKind

_NO_REVOCATION_AVAILABLE: Final = ObjectIdentifier("2.5.29.56")  # RFC 9608 §2
_REASON_TEXT: Final[dict[x509.ReasonFlags, str]] = {
    x509.ReasonFlags.key_compromise: "key compromise",
    x509.ReasonFlags.ca_compromise: "CA compromise",
    x509.ReasonFlags.affiliation_changed: "affiliation changed",
    x509.ReasonFlags.superseded: "superseded",
    x509.ReasonFlags.cessation_of_operation: "cessation of operation",
    x509.ReasonFlags.certificate_hold: "on hold",
    x509.ReasonFlags.privilege_withdrawn: "privilege withdrawn",
    x509.ReasonFlags.aa_compromise: "AA compromise",
}
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, Warning)


@dataclass
class Findings:
    """All that revocation adds to a verdict."""

    reasons: list[Reason] = field(default_factory=list)
    "Reasons to refuse."
    warnings: list[TrustWarning] = field(default_factory=list)
    "What was not found out, where that is no reason to refuse."
    pending: list[Lookup] = field(default_factory=list)
    "What must be fetched first."


class _Useless(Exception):
    """A CRL or OCSP answer that says nothing about the certificate; the text is a clause after its place."""


class _Stale(Exception):
    """It has ended since it was fetched: there is a newer one to fetch."""


def check(path: Sequence[x509.Certificate], *, rules: Rules, data: RevocationData | None, at: datetime) -> Findings:
    """Judge every certificate of a path but its root, which comes last and can't be revoked (RFC 5280 §6.3)."""
    findings = Findings()
    if rules.revocation == "off" or (rules.revocation == "soft" and data is None):
        return findings
    for place, (certificate, issuer) in enumerate(pairwise(path)):
        subject = f"the intermediate {text(certificate.subject)}" if place else "it"
        _check_one(_Case(certificate, issuer, subject, place == 0), rules, data, at, findings)
    return findings


@dataclass(frozen=True)
class _Case:
    certificate: x509.Certificate
    issuer: x509.Certificate
    subject: str
    is_leaf: bool


def _check_one(case: _Case, rules: Rules, data: RevocationData | None, at: datetime, findings: Findings) -> None:
    lookups = [*ocsp_lookups(case.certificate, case.issuer), *crl_lookups(case.certificate)]
    if not lookups:
        _nowhere(case, rules, findings)
        return
    troubles = []
    for lookup in lookups:
        found = None if data is None else data.get(lookup, at)
        try:
            if found is None and data is not None:
                raise _Stale
            revocation = _read(lookup, found, case, at)
        except _Stale:
            findings.pending.append(lookup)
            return
        except _Useless as trouble:
            troubles.append(f"{lookup} {trouble}")
        else:
            if revocation:
                findings.reasons.append(Reason(ReasonKind.REVOKED, f"{case.subject} {revocation}, says {lookup}"))
            return
    detail = f"whether {case.subject} is revoked is not known ({'; '.join(troubles)})"
    if rules.revocation == "hard":
        findings.reasons.append(Reason(ReasonKind.REVOCATION_UNKNOWN, detail))
    else:
        findings.warnings.append(TrustWarning(WarningKind.REVOCATION_UNKNOWN, detail))


def _nowhere(case: _Case, rules: Rules, findings: Findings) -> None:
    if case.is_leaf and rules.short_lived_exempt and (is_short_lived(case.certificate) or _needs_none(case)):
        return
    detail = f"{case.subject} does not say where its revocation could be found (CRL or OCSP by HTTP)"
    if rules.revocation == "hard":
        findings.reasons.append(Reason(ReasonKind.REVOCATION_UNKNOWN, detail))
    else:
        findings.warnings.append(TrustWarning(WarningKind.NO_REVOCATION_POINT, detail))


def _needs_none(case: _Case) -> bool:
    return any(extension.oid == _NO_REVOCATION_AVAILABLE for extension in case.certificate.extensions)


def _read(lookup: Lookup, found: Found | None, case: _Case, at: datetime) -> str:
    """When and why it was revoked; empty when it was not. Raises _Useless or _Stale."""
    if found is None:
        raise _Useless("was not asked")
    if found.failure:
        raise _Useless(f"was of no help: {found.failure}")
    try:
        return _read_crl(lookup, found, case, at) if lookup.kind == "crl" else _read_ocsp(lookup, found, case, at)
    except _UNREADABLE as error:
        kind = "CRL" if lookup.kind == "crl" else "OCSP answer"
        raise _Useless(f"did not give a readable {kind}") from error


def _check_time(begins: datetime, ends: datetime | None, found: Found, at: datetime) -> None:
    if begins > at:
        raise _Useless(f"says only what will hold from {begins:%Y-%m-%d %H:%M} UTC on")
    if ends is not None and ends < at:
        if found.at <= ends:
            raise _Stale
        raise _Useless(f"says only what held until {ends:%Y-%m-%d %H:%M} UTC")


def _revoked_text(date: datetime, reason: x509.ReasonFlags | None) -> str:
    why = "" if reason is None else _REASON_TEXT.get(reason, "")
    return f"was revoked on {date:%Y-%m-%d %H:%M} UTC" + (f" ({why})" if why else "")


def _read_crl(lookup: Lookup, found: Found, case: _Case, at: datetime) -> str:
    crl = found.crl
    if crl is None:
        pem = found.body.lstrip().startswith(b"-----BEGIN")
        crl = x509.load_pem_x509_crl(found.body) if pem else x509.load_der_x509_crl(found.body)
        found.crl = crl
    if crl.issuer != case.issuer.subject:
        raise _Useless(f"is of another issuer, {text(crl.issuer)}")
    if not _may_sign_crls(case.issuer) or not _is_signed(crl, case.issuer):
        raise _Useless(f"is not signed by the issuer, {text(case.issuer.subject)}")
    _check_scope(crl, lookup, case)
    _check_time(crl.last_update_utc, crl.next_update_utc, found, at)
    entry = crl.get_revoked_certificate_by_serial_number(case.certificate.serial_number)
    if entry is None:
        return ""
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        reason = None
    return _revoked_text(entry.revocation_date_utc, reason)


def _may_sign_crls(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _is_signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(
        key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
    ):
        return False
    return crl.is_signature_valid(key)


_KNOWN_IN_CRLS: Final = frozenset({x509.IssuingDistributionPoint.oid, x509.AuthorityKeyIdentifier.oid})


def _check_scope(crl: x509.CertificateRevocationList, lookup: Lookup, case: _Case) -> None:
    """Whether the list would hold the certificate if it were revoked (RFC 5280 §5.2, §6.3.3)."""
    for extension in crl.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            raise _Useless("holds only what has changed since another one")
        if extension.critical and extension.oid not in _KNOWN_IN_CRLS:
            raise _Useless(f"has an unknown critical extension ({extension.oid.dotted_string})")
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return
    if scope.indirect_crl or scope.only_some_reasons or scope.only_contains_attribute_certs or scope.relative_name:
        raise _Useless("covers other certificates or not every reason")
    if scope.only_contains_ca_certs if case.is_leaf else scope.only_contains_user_certs:
        raise _Useless("does not cover certificates of this kind")
    places = [name.value for name in scope.full_name or () if isinstance(name, x509.UniformResourceIdentifier)]
    if places and lookup.url not in places:
        raise _Useless(f"is that of another place, {places[0]}")


def _read_ocsp(lookup: Lookup, found: Found, case: _Case, at: datetime) -> str:
    answer = ocsp.load_der_ocsp_response(found.body)
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise _Useless(f"answered “{answer.response_status.name.lower().replace('_', ' ')}”")
    asked = ocsp.load_der_ocsp_request(lookup.request)
    single = next((each for each in answer.responses if _is_about(each, asked)), None)
    if single is None:
        raise _Useless("answered about another certificate")
    if not any(_verifies(answer, signer) for signer in _signers(answer, case.issuer, at)):
        raise _Useless(f"answered without a signature of the issuer, {text(case.issuer.subject)}, or its delegate")
    _check_time(single.this_update_utc, single.next_update_utc, found, at)
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise _Useless("does not know it")
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD or single.revocation_time_utc is None:
        return ""
    return _revoked_text(single.revocation_time_utc, single.revocation_reason)


def _is_about(single: ocsp.OCSPSingleResponse, asked: ocsp.OCSPRequest) -> bool:
    return (
        single.serial_number == asked.serial_number
        and single.hash_algorithm.name == asked.hash_algorithm.name
        and single.issuer_key_hash == asked.issuer_key_hash
        and single.issuer_name_hash == asked.issuer_name_hash
    )


def _signers(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> Iterator[x509.Certificate]:
    """Who may have signed it: the issuer, or a delegate that it certified for that (RFC 6960 §4.2.2.2).

    Whether a delegate was revoked is not asked, as if it had id-pkix-ocsp-nocheck.
    """
    delegates = [each for each in answer.certificates if _is_delegate(each, issuer, at)]
    for signer in (issuer, *delegates):
        digest = x509.SubjectKeyIdentifier.from_public_key(signer.public_key()).digest
        if answer.responder_key_hash == digest or answer.responder_name == signer.subject:
            yield signer


def _is_delegate(certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return False
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usages and is_issued_by(certificate, issuer)


def _verifies(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, hash_ = signer.public_key(), answer.signature_hash_algorithm
    signature, content = answer.signature, answer.tbs_response_bytes
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, content)
        elif hash_ is None or hash_.digest_size < 32:
            return False
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(hash_))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, _rsa_padding(answer, hash_), hash_)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _rsa_padding(answer: ocsp.OCSPResponse, hash_: HashAlgorithm) -> padding.PKCS1v15 | padding.PSS:
    if answer.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
        return padding.PSS(padding.MGF1(hash_), padding.PSS.AUTO)
    return padding.PKCS1v15()
