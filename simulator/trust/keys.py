"""Keys, signatures and extended key usages along a path (RFC 5280 §4.2.1.12; F2.3, F2.4, F2.17)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from simulator.trust.path import text
from simulator.trust.rules import KeyKind, Rules
from simulator.trust.verdict import Reason, ReasonKind

if TYPE_CHECKING:
    from simulator.tls import Role

_EKU_OF_ROLE: Final = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
_EKU_TEXT: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "client authentication",
    ExtendedKeyUsageOID.SERVER_AUTH: "server authentication",
}
_KIND_TEXT: Final[dict[KeyKind, str]] = {
    "rsa": "an RSA key",
    "ecdsa": "an elliptic curve key (ECDSA)",
    "ed25519": "an Ed25519 key",
    "other": "an unusual kind of key",
}
_STRONG: Final = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.RSASSA_PSS,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.ED25519,
        SignatureAlgorithmOID.ED448,
    }
)


@lru_cache(maxsize=256)
def key_reasons(path: tuple[x509.Certificate, ...], role: Role, rules: Rules) -> tuple[Reason, ...]:
    """What is wrong with the keys, signatures and usages of a path without its root; told again for those seen last."""
    reasons: list[Reason] = []
    for place, certificate in enumerate(path):
        subject = f"the intermediate {text(certificate.subject)}" if place else "it"
        reasons += _strength(certificate, subject, rules)
        reasons += _signature(certificate, subject, rules)
        reasons += _usage(certificate, subject, role, rules)
    return tuple(reasons)


def _strength(certificate: x509.Certificate, subject: str, rules: Rules) -> Iterator[Reason]:
    key = certificate.public_key()
    kind: KeyKind = "other"
    if isinstance(key, RSAPublicKey):
        kind = "rsa"
        if key.key_size < rules.min_rsa_bits:
            detail = f"{subject} has an RSA key of {key.key_size} bits, fewer than {rules.min_rsa_bits}"
            yield Reason(ReasonKind.WEAK_KEY, detail)
    elif isinstance(key, EllipticCurvePublicKey):
        kind = "ecdsa"
        if key.key_size < rules.min_ec_bits:
            detail = f"{subject} has an elliptic curve key of {key.key_size} bits, fewer than {rules.min_ec_bits}"
            yield Reason(ReasonKind.WEAK_KEY, detail)
    elif isinstance(key, Ed25519PublicKey):
        kind = "ed25519"
    if kind not in rules.key_kinds:
        yield Reason(ReasonKind.KEY_TYPE, f"{subject} has {_KIND_TEXT[kind]}, which is not supported here")


def _signature(certificate: x509.Certificate, subject: str, rules: Rules) -> Iterator[Reason]:
    algorithm = certificate.signature_algorithm_oid
    if algorithm not in _STRONG:
        hash_ = certificate.signature_hash_algorithm
        how = algorithm.dotted_string if hash_ is None else hash_.name.upper()
        yield Reason(ReasonKind.WEAK_SIGNATURE, f"{subject} is signed with {how}, which proves nothing any more")
    elif algorithm == SignatureAlgorithmOID.RSASSA_PSS and not rules.pss_ok:
        detail = f"{subject} is signed with RSASSA-PSS, which is not supported here"
        yield Reason(ReasonKind.SIGNATURE_TYPE, detail)


def _usage(certificate: x509.Certificate, subject: str, role: Role, rules: Rules) -> Iterator[Reason]:
    if rules.require_eku == "none":
        return
    needed = _EKU_OF_ROLE[role if rules.require_eku == "role" else "server"]
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if needed not in usages:
        why = f"but the peer is the TLS {role}" if rules.require_eku == "role" else "which every peer needs here"
        detail = f"{subject} is not made for {_EKU_TEXT[needed]} (extended key usage), {why}"
        yield Reason(ReasonKind.KEY_USAGE, detail)
