"""Everything about a certificate that an administrator chooses by, as data for lists, JSON and HTTP (R62-R64)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from simulator.connect_server.certificates import CertificateStore, StoredCertificate
from simulator.connect_server.suitability import Demands, time_left

_USAGES: Final = {
    ExtendedKeyUsageOID.SERVER_AUTH: "server authentication",
    ExtendedKeyUsageOID.CLIENT_AUTH: "client authentication",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any",
    ObjectIdentifier("1.3.6.1.5.5.7.3.20"): "SIP domain",
}


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """One line of the list; JSON and HTTP have the same fields."""

    name: str
    "What its files are called."
    scope: str
    "`machine` or `user`."
    active: bool
    "Whether it is the one chosen for federation."
    usable: bool
    "Whether nothing speaks against choosing it."
    problems: tuple[str, ...]
    "All that does, a clause each."
    warnings: tuple[str, ...]
    "What is noteworthy beside that, a clause each."
    subject: str
    "The common name, or the whole subject; empty for certificates without, as Let's Encrypt issues them (F2.22)."
    issuer: str
    "The same of its authority."
    names: tuple[str, ...]
    "The names it is made out to (subjectAltName)."
    valid_from: str
    "ISO 8601, UTC."
    valid_until: str
    "ISO 8601, UTC."
    time_left: str
    "In words."
    usages: tuple[str, ...]
    "Extended key usages; empty for a certificate that limits none."
    key: str
    "Kind and size of the key: `RSA 2048`, `P-256`, `Ed25519`."
    private_key: str
    "`readable`, `missing`, `unreadable`, `encrypted`, `malformed` or `foreign`."
    chain_length: int
    "Certificates in the file, itself included."
    serial_number: str
    "Hexadecimal digits."
    thumbprint: str
    "SHA-1, as Windows shows it."
    fingerprint: str
    "SHA-256."


def describe(certificate: StoredCertificate, demands: Demands, at: datetime) -> CertificateInfo:
    """All about one certificate of a store, judged at a time with a time zone."""
    fitness = certificate.fitness(demands, at)
    leaf = certificate.leaf
    return CertificateInfo(
        name=certificate.name,
        scope=certificate.scope,
        active=certificate.active,
        usable=fitness.usable,
        problems=tuple(flaw.detail for flaw in fitness.flaws),
        warnings=tuple(warning.detail for warning in fitness.warnings),
        subject=_shown(leaf.subject),
        issuer=_shown(leaf.issuer),
        names=certificate.names,
        valid_from=leaf.not_valid_before_utc.isoformat(),
        valid_until=leaf.not_valid_after_utc.isoformat(),
        time_left=time_left(leaf, at),
        usages=_usages(leaf),
        key=_key(leaf),
        private_key=certificate.key.state.value,
        chain_length=len(certificate.chain),
        serial_number=f"{leaf.serial_number:x}",
        thumbprint=certificate.thumbprint,
        fingerprint=certificate.fingerprint,
    )


def describe_all(store: CertificateStore, demands: Demands, at: datetime) -> list[CertificateInfo]:
    """All certificates of a store, those of the machine first."""
    return [describe(certificate, demands, at) for certificate in store.certificates()]


def _shown(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _usages(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(_USAGES.get(usage, usage.dotted_string) for usage in usages)


def _key(leaf: x509.Certificate) -> str:
    key = leaf.public_key()
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, EllipticCurvePublicKey):
        return {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(key.curve.name, key.curve.name)
    if isinstance(key, Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, Ed448PublicKey) else type(key).__name__
