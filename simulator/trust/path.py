"""The path from a leaf to a trusted root, and all that is wrong with it (RFC 5280 §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from simulator.trust.verdict import Reason, ReasonKind

_MAX_PRESENTED: Final = 16
_OUT_OF_TIME: Final = "not valid at validation time"
_FORBIDDEN_SIGNATURE: Final = "Forbidden signature algorithm"
_WEAK_ISSUER: Final = "RSA key is too weak"
"How `cryptography` puts it."


def follow(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> tuple[Sequence[x509.Certificate], list[Reason]]:
    """The path from the leaf as far up as it goes, and what is wrong with it."""
    if len(others) >= _MAX_PRESENTED:
        detail = f"it came with {len(others)} others, more than any real chain has"
        return [leaf], [Reason(ReasonKind.INVALID_CHAIN, detail)]
    found = _verify_again(leaf, others, roots, at)
    if not isinstance(found, str):
        return found, []
    path, anchored = _walk(leaf, others, roots)
    outside = [reason for certificate in path if (reason := _validity_reason(certificate, certificate is leaf, at))]
    if not anchored:
        return path, [*outside, _unanchored(path, others, roots)]
    if outside:
        # Nothing else is wrong if there is an instant at which the path holds, or if no instant lies in all validities.
        tries = [_verify(leaf, others, roots, certificate.not_valid_before_utc) for certificate in path]
        problems = [tried for tried in tries if isinstance(tried, str) and _OUT_OF_TIME not in tried]
        if not problems or not all(isinstance(tried, str) for tried in tries):
            return path, outside
        found = problems[0]
    return path, [*outside, _unsound(found)]


def _unsound(problem: str) -> Reason:
    if "name constraint" in problem:
        detail = "its CA may not issue certificates for this name (name constraints)"
        return Reason(ReasonKind.NAME_CONSTRAINTS, detail)
    if _FORBIDDEN_SIGNATURE in problem:
        return Reason(ReasonKind.WEAK_SIGNATURE, "a signature in its chain is of a kind that proves nothing")
    if _WEAK_ISSUER in problem:
        return Reason(ReasonKind.WEAK_KEY, "an issuer in its chain has an RSA key that is too short")
    return Reason(ReasonKind.INVALID_CHAIN, f"its chain is not valid ({problem})")


def _unanchored(
    path: Sequence[x509.Certificate], others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> Reason:
    top = path[-1]
    issuer = text(top.issuer)
    if any(top.issuer == root.subject for root in roots):
        detail = f"its chain ends at {issuer}, which has the name of a root trusted here, but another key"
        return Reason(ReasonKind.UNTRUSTED, detail)
    if top.issuer == top.subject and len(path) == 1:
        return Reason(ReasonKind.SELF_SIGNED, "it is self-signed, issued by no certification authority")
    if len(path) > 1:
        return Reason(ReasonKind.UNTRUSTED, f"its chain ends at {issuer}, which is not trusted here")
    sent = "none of the other certificates sent along is" if others else "the peer sent no certificate of"
    detail = f"{sent} its issuer {issuer}, which is no trusted root either: the intermediate certificate is missing"
    return Reason(ReasonKind.MISSING_INTERMEDIATE, detail)


def _validity_reason(certificate: x509.Certificate, is_leaf: bool, at: datetime) -> Reason | None:
    subject = "it" if is_leaf else f"the certificate of its issuer {text(certificate.subject)}"
    if at > certificate.not_valid_after_utc:
        return Reason(ReasonKind.EXPIRED, f"{subject} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if at < certificate.not_valid_before_utc:
        start = certificate.not_valid_before_utc
        return Reason(ReasonKind.NOT_YET_VALID, f"{subject} is not valid before {start:%Y-%m-%d %H:%M} UTC")
    return None


def _walk(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[list[x509.Certificate], bool]:
    """Follow the signatures up from the leaf, whatever else is wrong; True when they reach a root."""
    path = [leaf]
    while len(path) <= _MAX_PRESENTED:
        if path[-1] in roots:
            return path, True
        if (anchor := next((root for root in roots if is_issued_by(path[-1], root)), None)) is not None:
            return [*path, anchor], True
        above = next((other for other in others if other not in path and is_issued_by(path[-1], other)), None)
        if above is None:
            break
        path.append(above)
    return path, False


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` bears the right name and its key signed `certificate`."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return _is_issued_with_sha_1(certificate, issuer)
    return True


def _is_issued_with_sha_1(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """The same for SHA-1, which `cryptography` refuses to verify: it links to its issuer, though it proves nothing."""
    key = issuer.public_key()
    if certificate.signature_algorithm_oid != SignatureAlgorithmOID.RSA_WITH_SHA1 or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, PKCS1v15(), SHA1())
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _require_cert_sign(_: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError(f"the key usage of {text(certificate.subject)} does not let it issue certificates")


# Key usage and names of the leaf are judged by the rules above: the library's own policy wants a SAN and serverAuth.
_CA_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _require_cert_sign)
)
_LEAF_POLICY: Final = verification.ExtensionPolicy.permit_all()


_Shown = tuple[x509.Certificate, tuple[x509.Certificate, ...], tuple[x509.Certificate, ...]]
_verified: Final[dict[_Shown, list[x509.Certificate]]] = {}
"""The paths found last, by all that they were made of but the time. Two signatures to check take half as long as the
whole handshake, and the same peers come again and again."""
_REMEMBERED: Final = 256
"Paths."


def _verify_again(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> list[x509.Certificate] | str:
    """`_verify`, or the path that it found before: a valid one stays valid as long as all certificates on it are.

    Only what is valid is remembered, and nothing of names, keys, usages or revocation is part of it.
    """
    shown = leaf, tuple(others), tuple(roots)
    path = _verified.get(shown)
    if path is not None and all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in path):
        return path
    found = _verify(leaf, others, roots, at)
    if not isinstance(found, str):
        if len(_verified) >= _REMEMBERED:
            _verified.pop(next(iter(_verified)), None)
        _verified[shown] = found
    return found


def _verify(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> list[x509.Certificate] | str:
    """A valid path from leaf to root, or the library's objection."""
    if not roots:
        return "no roots"
    builder = verification.PolicyBuilder().store(verification.Store(list(roots))).time(at)
    verifier = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY).build_client_verifier()
    try:
        return verifier.verify(leaf, list(others)).chain
    except (verification.VerificationError, UnsupportedAlgorithm, ValueError) as error:
        return str(error)


def text(name: x509.Name) -> str:
    """The common name in quotation marks, or whatever there is."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"“{common[0].value!s}”" if common else f"“{name.rfc4514_string() or '(no name)'}”"
